%% SPDX-License-Identifier: MIT
%% The steps of a job, one implementation for every mode whose checksum is comparable. Which jobs
%% sleep, crash or block is a function of (seed, producer, i), so every runtime loses the same ones.
-module(pb_job).
-export([id/2, producer/1, index/1, make/4, compute/2, run/4, wait/4, done/6, fill/2, read/2, scratch/1]).
-export([worker_of_key/3, key_of/2, prepare/3, units/2, fate/3]).
-include("pb.hrl").
-include("pb_gen.hrl").

%% (p, i) in one small integer: a message without a payload then needs no heap at all.
id(P, I) -> (P bsl ?PER_PRODUCER_BITS) bor I.
producer(J) -> J bsr ?PER_PRODUCER_BITS.
index(J) -> J band (1 bsl ?PER_PRODUCER_BITS - 1).

%% The message: J, or {J, Start} for a sampled job, or {J, Start, Payload}; Start is 0 if not sampled.
make(#c{payload = 0}, J, 0, _Base) ->
    J;
make(#c{payload = 0}, J, Start, _Base) ->
    {J, Start};
make(#c{payload = Bytes}, J, Start, Base) ->
    {J, Start, fill(Bytes, draw(key(Base, index(J)), ?WORD))}.

key_of(#c{bases = Bases}, J) ->
    key(element(producer(J) + 1, Bases), index(J)).

%% keys=: where the job must go, and in a key's state is found.
worker_of_key(#c{keys = Keys, workers = Workers}, Base, I) ->
    pick(key(Base, I), ?KEY, 0, Keys - 1) rem Workers.

%% The word repeated. A pattern of 4 bytes, copied, costs a memcpy per word: 237 us for 64 KiB; so a line
%% is built by one expression (98 ns; in doubling steps 150), then copied up to a page, then pages: 1.4 us.
fill(4, Word) ->
    <<Word:32/little>>;
fill(Bytes, W) ->
    Line = <<W:32/little, W:32/little, W:32/little, W:32/little, W:32/little, W:32/little, W:32/little, W:32/little,
             W:32/little, W:32/little, W:32/little, W:32/little, W:32/little, W:32/little, W:32/little, W:32/little>>,
    if
        Bytes =:= 64 -> Line;
        Bytes < 64 -> binary:part(Line, 0, Bytes);
        Bytes > 4096 -> binary:copy(binary:copy(Line, 64), Bytes div 4096);
        Bytes rem 64 =:= 0 -> binary:copy(Line, Bytes div 64);
        true -> binary:part(binary:copy(Line, Bytes div 64 + 1), 0, Bytes)
    end.

read(_, 0) ->
    0;
read(Payload, Bytes) ->
    Skip = Bytes - 4,
    <<_:Skip/binary, Last:32/little>> = Payload,
    pages(Payload, Last).

pages(<<Word:32/little, _:4092/binary, Rest/binary>>, Sum) when byte_size(Rest) > 0 ->
    pages(Rest, Sum + Word);
pages(<<Word:32/little, _/binary>>, Sum) ->
    (Sum + Word) band ?M32.

%% Allocated and written whole, freed by the next collection. From a literal of 1 KiB: 4 KiB in 417 ns,
%% 64 KiB in 1.3 us; of 64 bytes 301 ns and 3.3 us, of 4 KiB 1,067 ns and 2.0 us.
scratch(Bytes) when Bytes > 4096 ->
    binary:copy(<<0:8192>>, (Bytes + 1023) div 1024);
scratch(Bytes) when Bytes >= 64 ->
    binary:copy(<<0:512>>, (Bytes + 63) div 64);
scratch(Bytes) ->
    <<0:(Bytes * 8)>>.

%% The compute step. Four rounds a call: reductions and calls are a fourth (3.02 ns a round against
%% 3.05). Masking in two parallel branches, so that the chain is an operation shorter, brought nothing.
compute(X, Units) when Units >= 4 ->
    compute(rnd(rnd(rnd(rnd(X)))), Units - 4);
compute(X, 0) ->
    X;
compute(X, Units) ->
    compute(rnd(X), Units - 1).

%% Of this job; {away, Units} if they are computed off the normal schedulers.
units(#c{greedy_ppm = G, greedy_units = U, offload = Off} = C, Key) when G > 0 ->
    case hit(Key, ?GREEDY, G) of
        true when Off =:= cpu -> {away, U};
        true -> U;
        false -> units_of(C, Key)
    end;
units(C, Key) ->
    units_of(C, Key).

units_of(#c{wlo = U, whi = U}, _Key) -> U;
units_of(#c{wlo = Lo, whi = Hi}, Key) -> pick(Key, ?UNITS, Lo, Hi).

%% [worker
%% Everything up to where the job ends, has to wait, or crashes its worker.
run(#c{plain = true} = C, _W, Key, _Payload) ->
    compute(Key, units_of(C, Key));
run(C, W, Key, Payload) ->
    X = prepare(C, Key, Payload),
    Result = case units(C, Key) of
        {away, U} -> pb_nif:compute_dirty(X, U);
        U -> compute(X, U)
    end,
    case fate(C, W, Key) of
        ends -> Result;
        waits -> {wait, Result};
        Bad -> Bad
    end.
%% worker]

%% What the computation begins with.
prepare(C, Key, Payload) ->
    X = (Key + read(Payload, C#c.payload)) band ?M32,
    C#c.alloc > 0 andalso scratch(C#c.alloc),
    C#c.keys > 0 andalso touch_state(C, Key),
    X.

%% At the crash point.
fate(#c{armed = true} = C, W, Key) ->
    case pb_failure:at_crash_point(C, W) of
        live -> drawn(C, Key);
        die -> crash;
        hang -> hang
    end;
fate(C, _, Key) ->
    drawn(C, Key).

drawn(#c{crash_ppm = Crash} = C, Key) ->
    case Crash > 0 andalso hit(Key, ?CRASHES, Crash) of
        true -> crash;
        false ->
            case waits(C, Key) of
                true -> waits;
                false -> ends
            end
    end.

waits(#c{block_ppm = 0, sleep_ppm = 0}, _) -> false;
waits(C, Key) -> hit(Key, ?BLOCKS, C#c.block_ppm) orelse hit(Key, ?SLEEPS, C#c.sleep_ppm).

%% [worker
%% The blocking call and the sleep. \return ns slept, or `killed`. The BEAM's timers count
%% milliseconds: a sleep is rounded up.
wait(C, W, Key, Sampled) ->
    pb_failure:beat(C, W, 0),
    C#c.block_ppm > 0 andalso hit(Key, ?BLOCKS, C#c.block_ppm) andalso block(C),
    case C#c.sleep_ppm > 0 andalso hit(Key, ?SLEEPS, C#c.sleep_ppm) of
        true -> sleep(C, W, pick(Key, ?SLEEP_US, C#c.slo, C#c.shi), Sampled);
        false -> 0
    end.
%% worker]

block(#c{offload = none, block_us = Us}) -> pb_nif:block(Us);
block(#c{block_us = Us}) -> pb_nif:block_dirty(Us).

sleep(_, _, 0, _) ->
    0;
sleep(#c{armed = true} = C, W, Us, _) ->
    From = ?NOW,
    case pb_failure:sleep(C, W, (Us + 999) div 1000) of
        killed -> killed;
        ok -> ?NOW - From
    end;
sleep(_, _, Us, false) ->
    receive after (Us + 999) div 1000 -> 0 end;
sleep(_, _, Us, true) ->
    From = ?NOW,
    receive after (Us + 999) div 1000 -> ok end,
    ?NOW - From.

%% What a completed job leaves beside the sums that its worker keeps itself.
done(#c{shared = none, log = 0, pattern = none}, _, _, 0, _, _) ->
    ok;
done(C, W, J, Start, Slept, X) ->
    case C#c.shared of
        none -> ok;
        Shared ->
            atomics:add(Shared, 1, 1),
            atomics:add(Shared, 2, X)
    end,
    pb_events:job_done(C, W, J, Start, Slept),
    C#c.pattern =:= none orelse pb_chain:go_on(C, J).

%% Mutable memory that outlives a message is an atomics array on the BEAM; one word of each 64 bytes.
touch_state(#c{state = 0}, _) ->
    ok;
touch_state(#c{keys = Keys, key_states = States, state = Bytes}, Key) ->
    touch(element(pick(Key, ?KEY, 0, Keys - 1) + 1, States), 1, (Bytes + 7) div 8).

touch(_, At, Words) when At > Words ->
    ok;
touch(State, At, Words) ->
    atomics:put(State, At, atomics:get(State, At) + 1),
    touch(State, At + 8, Words).

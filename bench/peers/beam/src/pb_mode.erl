%% SPDX-License-Identifier: MIT
%% Which module is a mode's worker, and which its producer; what the summary says of it.
-module(pb_mode).
-export([worker/1, producer/2, facts/1, comparable/1, absent/1, check/2]).
-export([bound/2, batch/3, pattern/2, pace/2, queue_bytes/1, turn/1, no_more/1]).
-include("pb.hrl").

worker(gleam) -> pb_gleam;
worker(tuned) -> pb_worker;
worker(_) -> pb_naive.

producer(spawn, _) -> pb_spawn;
producer(_, Pattern) when Pattern =/= none -> pb_chain;
producer(tuned, _) -> pb_producer;
producer(gleam, _) -> pb_producer;
producer(_, _) -> pb_naive_producer.

%% {bound, queue_effective, queue_kind, payload_mode}
facts(#c{mode = spawn, workers = W}) -> {in_flight, W, none, reference};
facts(#c{mode = Mode}) when Mode =:= naive; Mode =:= literal -> {none, null, mailbox, copy};
facts(#c{bound = Bound, workers = W}) -> {queue, Bound * W, mailbox, reference}.

%% Modes that lose mailboxes, or do not compute, are compared with nothing.
comparable(Mode) -> Mode =/= naive andalso Mode =/= literal.

%% What a mode cannot do is a line of its own.
check(#{mode := gleam}, _) ->
    case absent(gleam) of
        none -> ok;
        Why -> throw({3, ["mode gleam: ", Why]})
    end;
check(#{mode := Mode}, #{keys := K}) when K > 0, Mode =:= spawn ->
    throw({2, "keys=: beam:spawn has no mailbox that would keep a key's jobs in order"});
check(#{mode := spawn}, #{fail_at_ms := Ms}) when Ms > 0 ->
    throw({2, "fail_at_ms=: beam:spawn has no worker that would be started again"});
check(#{mode := Mode}, #{pattern := Pattern, crash_ppm := Crash, fail_at_ms := Ms})
    when Pattern =/= none, Crash + Ms > 0, Mode =:= naive orelse Mode =:= literal ->
    throw({2, io_lib:format("pattern=~s: in beam:~s a crash ends a chain, and so the run", [Pattern, Mode])});
check(_, _) ->
    ok.

%% Jobs that may wait in one mailbox: a payload has one size, so a bound in bytes is one in jobs.
bound(spawn, #{workers := W}) ->
    W;
bound(_, #{queue := Q, workers := W} = P) ->
    Jobs = max(1, Q div W),
    case bytes(P) of
        0 -> Jobs;
        Bytes -> max(1, min(Jobs, Bytes div W div maps:get(payload, P)))
    end.

bytes(#{payload := 0}) -> 0;
bytes(#{queue_bytes := auto}) -> 0;
bytes(#{queue_bytes := Bytes}) -> Bytes.

queue_bytes(#c{p = P, bound = Bound, workers = W, payload = B}) ->
    case bytes(P) of
        0 -> null;
        _ -> Bound * W * B
    end.

%% Messages that a worker takes before others get a turn: the emulator counts reductions, 4000, not messages.
turn(_) -> null.

%% Nothing more will end although jobs are missing: only where mailboxes die with their workers.
no_more(#c{mode = Mode} = C) when Mode =:= naive; Mode =:= literal -> pb_naive:drained(C);
no_more(_) -> false.

%% The launcher gives a dirty scheduler to each of up to 1000 producers, not of more.
pace(_, #{producers := P}) when P > 1000 -> 0;
pace(#{pace := Pace}, _) -> Pace.

%% Mode spawn has nobody to send a chain's next job to: its producer starts it.
pattern(spawn, _) -> none;
pattern(_, #{pattern := Pattern}) -> Pattern.

%% Jobs per message.
batch(tuned, #{batch := Batch}, Bound) -> min(Batch, Bound);
batch(gleam, #{batch := Batch}, Bound) -> min(Batch, Bound);
batch(_, _, _) -> 1.

%% Why a mode is not here.
absent(gleam) ->
    case code:which(pinion_worker) of
        non_existing -> <<"not measured: gleam not found">>;
        _ -> none
    end;
absent(_) ->
    none.

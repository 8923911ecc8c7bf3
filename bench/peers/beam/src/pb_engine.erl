%% SPDX-License-Identifier: MIT
%% A run: the tree is started once, then a warm-up round that is thrown away and the measured round,
%% with the same processes and memory.
-module(pb_engine).
-export([run/1]).
-include("pb.hrl").
-include("pb_gen.hrl").

run(#{params := P, design := D} = Options) ->
    register(?MODULE, self()),
    pb_mode:check(D, P),
    C = make(P, D, maps:get(events, Options)),
    persistent_term:put(pb, C),
    pb_events:open(C),
    ets:new(pb_names, [named_table, public, {read_concurrency, true}]),
    start_results(C),
    {ok, _} = application:ensure_all_started(pinion_beam),
    start_producers(C),
    wait_workers(C),
    Warm = maps:get(warm, P),
    Watch = if
        Warm > 0 -> play(C#c{armed = false, events = false}, Warm);
        true -> #{failed => false}
    end,
    case maps:get(failed, Watch) of
        true -> finish(C, Watch, Warm);
        false -> measure(C, Options)
    end.

measure(C, #{go := Go, inspect := Inspect, params := #{jobs := Jobs}}) ->
    case Go andalso not go() of
        true ->
            0;
        false ->
            Inspector = pb_inspect:start(C, Inspect),
            Watch = play(C, Jobs),
            pb_inspect:stop(Inspector),
            finish(C, Watch, Jobs)
    end.

finish(C, Watch, Jobs) ->
    pb_events:write(C),
    io:put_chars(pb_summary:line(C, Watch, Jobs)),
    case maps:get(failed, Watch) of
        true -> 1;
        false -> 0
    end.

make(#{workers := W, producers := Producers, crash_ppm := Crash, fail_at_ms := Fail, seed := Seed} = P, D0, Events) ->
    Schedulers = erlang:system_info(schedulers),
    D = case D0 of
        #{crews := 0} -> D0#{crews := Schedulers};
        _ -> D0
    end,
    Resend = Crash > 0 orelse Fail > 0,
    Bound = pb_mode:bound(maps:get(mode, D), P),
    #c{
        p = P, d = D, mode = maps:get(mode, D), schedulers = Schedulers, events = Events,
        sums = counters:new(?N_SUMS, [write_concurrency]),
        words = atomics:new(?N_WORDS, []),
        rows = atomics:new(W * ?ROW, []),
        next = atomics:new(Producers, []),
        buckets = pb_histogram:new(),
        short = pb_histogram:new(),
        restarts = restarts(P, Resend),
        bound = Bound,
        chunk = max(1, min(maps:get(chunk, D), Bound div 4)),
        bases = list_to_tuple([base(Seed band ?M32, I) || I <- lists:seq(0, Producers - 1)]),
        resend = Resend,
        taken = taken(Resend, W, Producers),
        armed = Fail > 0,
        pace = pb_mode:pace(D, P),
        seed = Seed, producers = Producers, workers = W, drop = maps:get(drop, P), rate = maps:get(rate, P),
        wlo = maps:get(wlo, P), whi = maps:get(whi, P), payload = maps:get(payload, P),
        sleep_ppm = maps:get(sleep_ppm, P), slo = maps:get(slo, P), shi = maps:get(shi, P),
        crash_ppm = Crash, block_ppm = maps:get(block_ppm, P), block_us = maps:get(block_us, P),
        greedy_ppm = maps:get(greedy_ppm, P), greedy_units = maps:get(greedy_units, P),
        offload = maps:get(offload, P), alloc = maps:get(alloc, P), batch = pb_mode:batch(maps:get(mode, D), P, Bound),
        arrival = maps:get(arrival, P), keys = maps:get(keys, P), state = maps:get(state, P),
        log = maps:get(log, P), pattern = pb_mode:pattern(maps:get(mode, D), P),
        shared = case maps:get(collector, P) of shared -> atomics:new(2, []); sharded -> none end,
        key_states = states(P),
        chains = atomics:new(2 * Producers, []),
        plain = plain(P)
    }.

%% A restart window larger than any BEAM could fill is not kept.
restarts(_, false) -> none;
restarts(#{restarts_max := Max, restarts_period_ms := Ms}, _) when Max div Ms >= 1000 -> none;
restarts(#{restarts_max := Max}, _) -> atomics:new(Max + 1, []).

taken(false, _, _) -> {};
taken(true, W, P) -> list_to_tuple([counters:new(P, []) || _ <- lists:seq(1, W)]).

states(#{keys := Keys, state := Bytes}) when Bytes > 0 ->
    list_to_tuple([atomics:new(max(1, (Bytes + 7) div 8), []) || _ <- lists:seq(1, Keys)]);
states(_) ->
    {}.

plain(P) ->
    Extra = [payload, sleep_ppm, crash_ppm, block_ppm, greedy_ppm, alloc, state, fail_at_ms],
    lists:all(fun(K) -> maps:get(K, P) =:= 0 end, Extra).

start_results(#c{mode = Mode} = C) when Mode =:= naive; Mode =:= literal ->
    persistent_term:put(pb_device, pb_naive:device()),
    register(pb_results, spawn_link(pb_naive, results, [C]));
start_results(_) ->
    ok.

start_producers(C) ->
    Pids = [begin
        {ok, Pid} = supervisor:start_child(pb_producers, [P]),
        monitor(process, Pid),
        Pid
    end || P <- lists:seq(0, C#c.producers - 1)],
    persistent_term:put(pb_producers, list_to_tuple(Pids)).

wait_workers(#c{mode = spawn}) ->
    ok;
wait_workers(#c{workers = W}) ->
    Born = [receive {born, I, Pid} -> {I, Pid} end || _ <- lists:seq(1, W)],
    persistent_term:put(pb_pids, list_to_tuple([Pid || {_, Pid} <- lists:keysort(1, Born)])).

play(C, Jobs) ->
    reset(C),
    atomics:put(C#c.words, ?EVERY, max(1, Jobs div ?SAMPLES)),
    atomics:put(C#c.words, ?ROUND_JOBS, Jobs),
    C#c.events andalso atomics:put(C#c.words, ?MEASURED, 1),
    Cpu = pb_nif:cpu_ns(),
    T0 = ?NOW,
    atomics:put(C#c.words, ?T0, T0),
    [Pid ! {round, Jobs} || Pid <- tuple_to_list(persistent_term:get(pb_producers))],
    pb_collector:collect(C, Jobs, T0, Cpu).

reset(#c{sums = Sums, words = Words, rows = Rows, workers = W} = C) ->
    pb_events:clear(C),
    pb_histogram:clear(C#c.buckets),
    pb_histogram:clear(C#c.short),
    C#c.shared =:= none orelse [atomics:put(C#c.shared, I, 0) || I <- [1, 2]],
    [counters:put(Sums, I, 0) || I <- lists:seq(1, ?N_SUMS)],
    [atomics:put(Words, I, 0) || I <- lists:seq(1, ?N_WORDS)],
    reset_rows(Rows, W - 1).

reset_rows(_, -1) ->
    ok;
reset_rows(Rows, W) ->
    atomics:put(Rows, ?AT(W, ?JOBS), 0),
    atomics:put(Rows, ?AT(W, ?IDLE), 0),
    reset_rows(Rows, W - 1).

%% False: standard input was closed instead.
go() ->
    io:put_chars("{\"event\":\"ready\",\"schema\":1}\n"),
    Port = open_port({fd, 0, 1}, [in, binary, eof]),
    wait_line(Port).

wait_line(Port) ->
    receive
        {Port, {data, Data}} ->
            case binary:match(Data, <<"\n">>) of
                nomatch -> wait_line(Port);
                _ -> true
            end;
        {Port, eof} -> false
    end.

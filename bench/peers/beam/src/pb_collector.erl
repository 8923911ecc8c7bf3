%% SPDX-License-Identifier: MIT
%% Looks at the sums 100 times a second. It finds the end of a round to the microsecond all the same:
%% every worker notes when it ran out of work.
-module(pb_collector).
-export([collect/4]).
-include("pb.hrl").

-define(LOOK_MS, 10).
-define(SNAPSHOT_NS, 100000000).

collect(C, Jobs, T0, Cpu) ->
    W = #{t0 => T0, cpu0 => Cpu, at => T0, seen => 0, moved => T0, gap => 0, half => null,
          snapshot => T0 + ?SNAPSHOT_NS, failed => false, recovery => pb_recovery:new(C, T0)},
    looks(C, Jobs, W).

looks(C, Jobs, W0) ->
    Now = ?NOW,
    N = ended(C),
    W = moved(half(W0, Jobs div 2 + 1, N, Now), N, Now),
    Failed = atomics:get(C#c.words, ?FAILED) =:= 1,
    case is_over(C, Jobs, N) of
        true -> over(C, W);
        false when Failed -> over(C, W#{failed := true});
        false ->
            W1 = pb_recovery:look(C, snapshot(C, W, Now), Now),
            rest(pb_recovery:next(W1, Now)),
            looks(C, Jobs, W1)
    end.

%% A producer that died is a bug of this program, not a crash of the workload.
rest(Ms) ->
    receive
        {'DOWN', _, process, _, Reason} -> error({producer, Reason})
    after min(?LOOK_MS, Ms) -> ok
    end.

ended(#c{sums = Sums}) ->
    counters:get(Sums, ?DONE) + counters:get(Sums, ?LOST).

is_over(_, Jobs, N) when N >= Jobs ->
    true;
is_over(#c{words = Words, producers = P, sums = Sums} = C, Jobs, N) ->
    atomics:get(Words, ?FINISHED) =:= P andalso
        (N + counters:get(Sums, ?DROPPED) >= Jobs orelse pb_mode:no_more(C)).

%% Where the line between two looks crosses half of the jobs.
half(#{half := null, at := At, seen := Seen} = W, Half, N, Now) when N >= Half, N > Seen ->
    W#{half := At + (Half - Seen) * (Now - At) div (N - Seen)};
half(W, _, _, _) ->
    W.

moved(#{seen := Seen, at := At, moved := Moved, gap := Gap} = W, N, Now) when N > Seen ->
    W#{gap := max(Gap, At - Moved), moved := Now, seen := N, at := Now};
moved(W, N, Now) ->
    W#{seen := N, at := Now}.

snapshot(#c{events = true} = C, #{snapshot := Next, cpu0 := Cpu} = W, Now) when Now >= Next ->
    io:put_chars(pb_events:line(C, snapshot, Now,
        [{done, counters:get(C#c.sums, ?DONE)}, {in_flight, null}, {queued, null},
         {reason, <<"only the workers know, asking would disturb them">>},
         {rss_kb, pb_summary:status_kb("VmRSS:")}, {cpu_ns, pb_nif:cpu_ns() - Cpu}])),
    W#{snapshot := Next + ?SNAPSHOT_NS};
snapshot(_, W, _) ->
    W.

over(C, #{at := Seen, t0 := T0, cpu0 := Cpu0} = W) ->
    Cpu = pb_nif:cpu_ns() - Cpu0,
    End = case last_idle(C, C#c.workers - 1, 0) of
        Idle when Idle > T0, not map_get(failed, W) -> Idle;
        _ -> Seen
    end,
    settle(C, 100),
    Half = case W of
        #{half := null} -> null;
        #{half := At} -> min(At, End)
    end,
    W#{cpu => Cpu, 'end' => End, half := Half}.

last_idle(#c{mode = Mode, words = Words}, _, _) when Mode =/= tuned, Mode =/= gleam ->
    atomics:get(Words, ?IDLE_LAST);
last_idle(_, -1, Last) -> Last;
last_idle(#c{rows = Rows} = C, W, Last) -> last_idle(C, W - 1, max(Last, atomics:get(Rows, ?AT(W, ?IDLE)))).

%% The successor of the last crash may still be on its way.
settle(_, 0) ->
    ok;
settle(#c{sums = Sums, armed = false} = C, Tries) ->
    case counters:get(Sums, ?RESTARTS) >= counters:get(Sums, ?LOST) of
        true -> ok;
        false -> receive after 10 -> settle(C, Tries - 1) end
    end;
settle(_, _) ->
    ok.

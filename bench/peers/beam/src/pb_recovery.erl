%% SPDX-License-Identifier: MIT
%% From the failure until completed jobs per 100 ms were back within the band of the median before,
%% judged by the collector's counts, never by restarts.
-module(pb_recovery).
-export([new/2, look/3, next/2, fields/2]).
-include("pb.hrl").

-define(WINDOW, 100000000).
-define(BEFORE_MAX, 64).
-define(BEFORE_MIN, 3).

-record(r, {
    width, windows, fail_at,
    next, from, jobs = 0,       % the window under way
    before = [],                % jobs/s of the windows before, newest first
    struck = none, baseline = 0, since = 0, in_band = 0,
    recovery = null, rss = null
}).

new(#c{armed = false}, _) ->
    none;
new(#c{p = #{band_pct := Pct, band_windows := Windows, fail_at_ms := Ms}}, T0) ->
    At = Ms * 1000000,
    % So that a window ends at the failure; what is left over at the start is no window.
    #r{width = Pct / 100, windows = Windows, fail_at = T0 + At, next = T0 + At rem ?WINDOW, from = T0}.

%% ms until the collector has to look again.
next(#{recovery := #r{next = Next}}, Now) -> max(1, (Next - Now) div 1000000);
next(_, _) -> 1000.

look(_, #{recovery := none} = W, _) ->
    W;
look(C, #{recovery := #r{struck = none, fail_at = At} = R} = W, Now) when Now >= At ->
    Done = counters:get(C#c.sums, ?DONE),
    R1 = window(C, R, Now, Done),
    pb_heart:strike(C),
    W#{recovery := R1#r{from = Now, jobs = Done, next = Now + ?WINDOW, struck = Now, since = Now,
                        baseline = median(R1#r.before)}};
look(C, #{recovery := R} = W, Now) ->
    W#{recovery := window(C, R, Now, counters:get(C#c.sums, ?DONE))}.

median(Before) when length(Before) < ?BEFORE_MIN ->
    0;
median(Before) ->
    Sorted = lists:sort(lists:sublist(Before, ?BEFORE_MAX)),
    N = length(Sorted),
    (lists:nth((N - 1) div 2 + 1, Sorted) + lists:nth(N div 2 + 1, Sorted)) div 2.

window(_, #r{next = Next, recovery = Recovery} = R, Now, _) when Now < Next; Recovery =/= null ->
    R;
window(C, #r{from = From, next = Next} = R0, Now, Done) ->
    Rate = (Done - R0#r.jobs) * 1000000000 div max(1, Now - From),
    R = R0#r{from = Now, jobs = Done, next = Next + ((Now - Next) div ?WINDOW + 1) * ?WINDOW},
    case R0#r.struck of
        none when Next - From >= ?WINDOW div 2 -> R#r{before = [Rate | R#r.before]};
        none -> R;
        _ -> after_failure(C, R, From, Rate)
    end.

after_failure(C, #r{baseline = Base, in_band = N} = R, Began, Rate) ->
    Inside = Base > 0 andalso abs(Rate - Base) =< R#r.width * Base,
    case Inside of
        false -> R#r{in_band = 0};
        true when N =:= 0 -> recovered(C, R#r{in_band = 1, since = Began});
        true -> recovered(C, R#r{in_band = N + 1})
    end.

recovered(_, #r{in_band = N, windows = Windows} = R) when N < Windows -> R;
recovered(_, R) -> R#r{recovery = R#r.since - R#r.struck, rss = pb_summary:status_kb("VmRSS:")}.

fields(#c{armed = false, p = P}, _) ->
    [{detect_ns, null}, {restart_ns, null}, {recovery_ns, null}, {baseline_per_s, null},
     {rss_recovered_kb, null}, {supervise, maps:get(supervise, P)}];
fields(#c{words = Words, p = P}, #{recovery := R}) ->
    Get = fun(I) -> atomics:get(Words, I) end,
    Dead = Get(?DEAD),
    AllUp = Dead > 0 andalso Get(?SUCCESSORS) >= Get(?VICTIMS),
    [{detect_ns, known(AllUp, Get(?NOTICED) - Get(?STRUCK))},
     {restart_ns, known(AllUp, Get(?UP) - Get(?NOTICED))},
     {recovery_ns, R#r.recovery}, {baseline_per_s, known(R#r.baseline > 0, R#r.baseline)},
     {rss_recovered_kb, R#r.rss}, {supervise, maps:get(supervise, P)},
     {fail_kind, maps:get(fail_kind, P)}, {fail_at_ns, maps:get(fail_at_ms, P) * 1000000},
     {victims, Dead}, {failure_reason, why_not(R, AllUp)}].

known(true, Value) -> Value;
known(false, _) -> null.

why_not(#r{struck = none}, _) ->
    <<"the round ended before fail_at_ms">>;
why_not(_, false) ->
    <<"the round ended before every victim had a successor">>;
why_not(#r{baseline = 0}, _) ->
    <<"fewer than 3 windows of 100 ms before the failure, or nothing done in them">>;
why_not(#r{recovery = null}, _) ->
    <<"the round ended before throughput was back in the band">>;
why_not(_, _) ->
    null.

%% SPDX-License-Identifier: MIT
%% Open loop: when a job is meant to start, and waiting for that.
-module(pb_pace).
-export([due/5, await/3]).
-include("pb.hrl").
-include("pb_gen.hrl").

%% Intended start of job I of producer P; that of the one before was Before. 0 in a closed loop.
due(#c{rate = 0}, _, _, _, _) ->
    0;
due(#c{arrival = fixed} = C, P, _, I, _) ->
    atomics:get(C#c.words, ?T0) + (I * C#c.producers + P) * 1000000000 div C#c.rate;
due(C, _, Base, I, Before) ->
    U = (draw(key(Base, I), ?ARRIVAL) + 1) / 4294967296.0,
    Before + trunc(-math:log(U) * C#c.producers / C#c.rate * 1.0e9).

%% The BEAM's timers count milliseconds, which would start every job 1 ms late: what is left of less
%% than that is slept on a dirty scheduler, `pace` us at least. pace=0 leaves it to the timers.
%% How late the sampled jobs were is counted.
await(_, 0, _) ->
    ok;
await(C, Due, Sampled) ->
    case Due - ?NOW of
        Left when Left =< 0 ->
            Sampled andalso late(C, -Left);
        Left ->
            pause(C#c.pace, Left),
            await(C, Due, Sampled)
    end.

pause(0, Left) -> receive after max(1, Left div 1000000) -> ok end;
pause(_, Left) when Left > 3000000 -> receive after Left div 1000000 - 2 -> ok end;
pause(Pace, Left) -> pb_nif:nap_dirty(max(Left, Pace * 1000)).

late(#c{sums = Sums, words = Words}, Ns) ->
    counters:add(Sums, ?LATE_NS, Ns),
    counters:add(Sums, ?PACED, 1),
    pb_events:raise(Words, ?MAX_LATE, Ns).

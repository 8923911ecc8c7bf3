%% SPDX-License-Identifier: MIT
%% From the failure until completed jobs per 100 ms were back within the band of the median before.
-module(pb_recovery).
-export([new/2, look/3, next/2, fields/2]).
-include("pb.hrl").

new(#c{armed = false}, _) ->
    none.

look(_, #{recovery := none} = W, _) ->
    W.

%% ms until the collector has to look again.
next(#{recovery := none}, _) ->
    10.

fields(#c{p = P}, _) ->
    [{detect_ns, null}, {restart_ns, null}, {recovery_ns, null}, {baseline_per_s, null},
     {rss_recovered_kb, null}, {supervise, maps:get(supervise, P)}].

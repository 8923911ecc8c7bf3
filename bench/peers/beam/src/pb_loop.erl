%% SPDX-License-Identifier: MIT
%% supervise=loop: a process per worker that starts it, waits for its end, and starts it again.
-module(pb_loop).
-export([start_link/1, init/2]).
-include("pb.hrl").

start_link(W) ->
    proc_lib:start_link(?MODULE, init, [self(), W]).

init(Parent, W) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    #c{mode = Mode} = persistent_term:get(pb),
    loop(pb_mode:worker(Mode), W).

loop(Worker, W) ->
    {Pid, Ref} = Worker:start(W),
    receive {'DOWN', Ref, process, Pid, _} -> loop(Worker, W) end.

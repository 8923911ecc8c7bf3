%% SPDX-License-Identifier: MIT
%% The producer of modes naive and literal: the next worker, whatever its mailbox holds already.
-module(pb_naive_producer).
-export([start_link/1, init/2]).
-include("pb.hrl").

start_link(P) ->
    proc_lib:start_link(?MODULE, init, [self(), P]).

init(Parent, P) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    idle(persistent_term:get(pb), P).

idle(C, P) ->
    receive
        {round, Jobs} ->
            Last = pb_params:jobs_of(Jobs, C#c.producers, P),
            Every = atomics:get(C#c.words, ?EVERY),
            send(C, P, element(P + 1, C#c.bases), Every, 0, Last, atomics:get(C#c.words, ?T0)),
            atomics:add(C#c.words, ?FINISHED, 1),
            idle(C, P);
        {up, _, _} ->
            idle(C, P)
    end.

send(_, _, _, _, Last, Last, _) ->
    ok;
send(C, P, Base, Every, I, Last, Due0) ->
    Due = pb_pace:due(C, P, Base, I, Due0),
    pb_pace:await(C, Due, I rem Every =:= 0),
    Start = case I rem Every of
        0 when Due =:= 0 -> ?NOW;
        0 -> Due;
        _ -> 0
    end,
    W = case C#c.keys of
        0 -> (P + I) rem C#c.workers;
        _ -> pb_job:worker_of_key(C, Base, I)
    end,
    pb_life:pid(C, W) ! message(pb_job:make(C, pb_job:id(P, I), Start, Base)),
    send(C, P, Base, Every, I + 1, Last, Due).

message({J, Start, Payload}) -> {J, Start, binary_to_list(Payload)};
message(Message) -> Message.

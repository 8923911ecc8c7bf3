%% SPDX-License-Identifier: MIT
%% The bound of a mailbox, which the BEAM itself does not have. Two counts that only grow per worker:
%% places claimed (by producers) and jobs taken (by the worker); their difference waits.
%%
%% A producer that finds no room pushes itself on the worker's stack of waiters and looks once more;
%% a worker that has made room looks at the stack after it has published `taken`. Operations on atomics
%% are totally ordered, so one of the two sees the other. The worker takes the whole stack, never one
%% of it, so no pop can meet a push of the same producer (no ABA).
-module(pb_credit).
-export([claim/3, has_room/2, push/3, wake/2]).
-include("pb.hrl").

%% Places for up to Want jobs. \return how many
claim(#c{rows = Rows, bound = Bound}, W, Want) ->
    Claimed = atomics:add_get(Rows, ?AT(W, ?CLAIMED), Want),
    case Claimed - atomics:get(Rows, ?AT(W, ?TAKEN)) - Bound of
        Over when Over =< 0 ->
            Want;
        Over when Over >= Want ->
            atomics:sub(Rows, ?AT(W, ?CLAIMED), Want),
            0;
        Over ->
            atomics:sub(Rows, ?AT(W, ?CLAIMED), Over),
            Want - Over
    end.

has_room(#c{rows = Rows, bound = Bound}, W) ->
    atomics:get(Rows, ?AT(W, ?CLAIMED)) - atomics:get(Rows, ?AT(W, ?TAKEN)) < Bound.

push(#c{rows = Rows, next = Next} = C, W, P) ->
    Top = atomics:get(Rows, ?AT(W, ?WAITER)),
    atomics:put(Next, P + 1, Top),
    case atomics:compare_exchange(Rows, ?AT(W, ?WAITER), Top, P + 1) of
        ok -> ok;
        _ -> push(C, W, P)
    end.

%% Everybody who waits for room at W may try again.
wake(#c{rows = Rows, next = Next}, W) ->
    case atomics:get(Rows, ?AT(W, ?WAITER)) of
        0 -> ok;
        _ -> call(atomics:exchange(Rows, ?AT(W, ?WAITER), 0), Next, persistent_term:get(pb_producers))
    end.

call(0, _, _) ->
    ok;
call(Top, Next, Producers) ->
    Below = atomics:get(Next, Top),
    element(Top, Producers) ! room,
    call(Below, Next, Producers).

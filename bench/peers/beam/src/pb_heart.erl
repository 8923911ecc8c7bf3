%% SPDX-License-Identifier: MIT
%% The heartbeat process: it alone sees a worker that hangs, because a process that waits for ever is
%% alive to its supervisor. It also sees every death and every successor, from outside of the
%% supervisors, which is where the times of a failure come from.
-module(pb_heart).
-behaviour(gen_server).
-export([start_link/0, strike/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).
-include("pb.hrl").

-define(LOOK_MS, 10).
-define(SILENT_NS, 100000000).

-record(h, {c, pids = #{}, refs = #{}, down = #{}, beats = #{}}).

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% The failure happens now.
strike(#c{words = Words, p = #{fail_kind := Kind}} = C) ->
    atomics:put(Words, ?STRUCK, ?NOW),
    case lists:member(Kind, [one, init, hang]) of
        true ->
            atomics:put(Words, ?VICTIMS, 1),
            atomics:put(Words, ?WANTED, 1);
        false ->
            Victims = pb_failure:victims(C),
            atomics:put(Words, ?VICTIMS, length(Victims)),
            gen_server:call(?MODULE, {strike, Kind, Victims}, infinity)
    end.

init([]) ->
    C = persistent_term:get(pb),
    maps:get(fail_kind, C#c.p) =:= hang andalso timer:send_interval(?LOOK_MS, look),
    {ok, #h{c = C}}.

%% The workers trap exits: they die at their next defined point. A supervisor that is killed takes its
%% workers along in the same way, as they are linked to it.
%% Marked only once the supervisors are gone: nobody of theirs can then take a successor's place.
handle_call({strike, supervisor, Victims}, _, H) ->
    Refs = [monitor(process, pb_sup:workers_of(G)) || G <- lists:seq(1, pb_sup:crews())],
    [exit(whereis(pb_sup:workers_of(G)), kill) || G <- lists:seq(1, pb_sup:crews())],
    [receive {'DOWN', Ref, process, _, _} -> ok end || Ref <- Refs],
    mark(H, Victims),
    {reply, ok, H};
handle_call({strike, _, Victims}, _, #h{pids = Pids} = H) ->
    mark(H, Victims),
    [exit(maps:get(W, Pids), doom) || W <- Victims],
    {reply, ok, H}.

mark(#h{c = C}, Victims) ->
    [atomics:compare_exchange(C#c.rows, ?AT(W, ?DOOMED), 0, 1) || W <- Victims].

handle_cast(_, H) ->
    {noreply, H}.

handle_info({up, W, Pid}, #h{c = C, pids = Pids, refs = Refs, down = Down} = H) ->
    is_map_key(W, Down) andalso begin
        atomics:put(C#c.words, ?UP, ?NOW),
        atomics:add(C#c.words, ?SUCCESSORS, 1)
    end,
    Ref = monitor(process, Pid),
    {noreply, H#h{pids = Pids#{W => Pid}, refs = Refs#{Ref => W}, down = maps:remove(W, Down)}};
handle_info({dead, W}, #h{c = C, down = Down} = H) ->
    atomics:put(C#c.words, ?NOTICED, ?NOW),
    atomics:add(C#c.words, ?DEAD, 1),
    {noreply, H#h{down = Down#{W => true}}};
handle_info({'DOWN', Ref, process, _, Reason}, #h{c = C, refs = Refs, down = Down} = H) ->
    {W, Rest} = maps:take(Ref, Refs),
    case Reason of
        doomed ->
            atomics:put(C#c.words, ?NOTICED, ?NOW),
            atomics:add(C#c.words, ?DEAD, 1),
            {noreply, H#h{refs = Rest, down = Down#{W => true}}};
        killed ->
            atomics:add(C#c.words, ?DEAD, 1),
            {noreply, H#h{refs = Rest, down = Down#{W => true}}};
        _ ->
            {noreply, H#h{refs = Rest}}
    end;
handle_info(look, #h{pids = Pids} = H) ->
    Now = ?NOW,
    {noreply, maps:fold(fun(W, Pid, Acc) -> look(W, Pid, Now, Acc) end, H, Pids)}.

%% Silent: the same job in hand for 100 ms, neither asleep nor in a blocking call. Hung: it waits, and
%% has not run in between; a long computation is no hang.
look(W, Pid, Now, #h{c = C, beats = Beats} = H) ->
    Beat = atomics:get(C#c.rows, ?AT(W, ?BEAT)),
    case Beats of
        #{W := {Beat, Since, Reductions}} when Beat =/= 0, Now - Since >= ?SILENT_NS ->
            case process_info(Pid, [status, reductions]) of
                [{status, waiting}, {reductions, Reductions}] -> ended(W, Pid, Beat - 1, Now, H);
                [_, {reductions, Others}] -> H#h{beats = Beats#{W => {Beat, Now, Others}}};
                undefined -> H
            end;
        #{W := {Beat, _, _}} ->
            H;
        _ ->
            H#h{beats = Beats#{W => {Beat, Now, reductions(Pid)}}}
    end.

reductions(Pid) ->
    case process_info(Pid, reductions) of
        {reductions, N} -> N;
        undefined -> 0
    end.

ended(W, Pid, J, Now, #h{c = C, beats = Beats} = H) ->
    pb_life:book_loss(C, W, J, Now),
    atomics:put(C#c.rows, ?AT(W, ?DIED), Now),
    atomics:put(C#c.rows, ?AT(W, ?BEAT), 0),
    atomics:put(C#c.words, ?NOTICED, Now),
    exit(Pid, kill),
    H#h{beats = maps:remove(W, Beats)}.

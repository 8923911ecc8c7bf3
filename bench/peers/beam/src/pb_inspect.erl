%% SPDX-License-Identifier: MIT
%% A look at the running machine: the ten longest message queues, and what system_monitor reports.
-module(pb_inspect).
-export([start/2, stop/1]).
-include("pb.hrl").

-define(LONGEST, 10).
-define(LONG_MS, 20).           % a collection or a schedule that is longer is reported
-define(LARGE_WORDS, 1000000).

start(_, 0) ->
    none;
start(C, Ms) ->
    {Pid, Ref} = spawn_opt(fun() -> watch(C, Ms) end, [monitor, {priority, high}]),
    {Pid, Ref}.

stop(none) ->
    ok;
stop({Pid, Ref}) ->
    Pid ! stop,
    receive {'DOWN', Ref, process, _, _} -> ok end.

watch(C, Ms) ->
    erlang:system_monitor(self(), [{long_gc, ?LONG_MS}, {long_schedule, ?LONG_MS}, busy_port,
                                   {large_heap, ?LARGE_WORDS}]),
    look(C, Ms, erlang:monotonic_time(millisecond) + Ms, #{}).

look(C, Ms, At, Counts) ->
    Wait = max(0, At - erlang:monotonic_time(millisecond)),
    receive
        stop ->
            ok;
        {monitor, Pid, Event, Info} ->
            {N, _} = maps:get(Event, Counts, {0, null}),
            look(C, Ms, At, Counts#{Event => {N + 1, {Pid, Info}}})
    after Wait ->
        print(C, Counts),
        look(C, Ms, At + Ms, Counts)
    end.

print(C, Counts) ->
    Events = [{E, event(maps:get(E, Counts, {0, null}))} || E <- [long_gc, long_schedule, busy_port, large_heap]],
    io:put_chars(pb_events:line(C, inspect, ?NOW,
        [{queues, [queue(Q) || Q <- longest()]}, {run_queue, erlang:statistics(total_run_queue_lengths_all)},
         {processes, erlang:system_info(process_count)}, {memory, erlang:memory(total)} | Events])).

event({N, null}) -> {[{count, N}, {latest, null}]};
event({N, {Who, Info}}) -> {[{count, N}, {latest, text({Who, Info})}]}.

text(Term) -> iolist_to_binary(io_lib:format("~0p", [Term])).

longest() ->
    All = [{L, Pid} || Pid <- processes(), {_, L} <- [process_info(Pid, message_queue_len)], L > 0],
    lists:sublist(lists:reverse(lists:sort(All)), ?LONGEST).

queue({_, Pid}) ->
    Items = [registered_name, message_queue_len, memory, reductions, current_function, dictionary],
    case process_info(Pid, Items) of
        undefined ->
            {[{process, text(Pid)}, {length, null}]};
        Info ->
            Get = fun(K) -> proplists:get_value(K, Info) end,
            {[{process, text(name(Pid, Get))}, {length, Get(message_queue_len)}, {memory, Get(memory)},
              {reductions, Get(reductions)}, {at, text(Get(current_function))}]}
    end.

name(Pid, Get) ->
    case Get(registered_name) of
        Name when is_atom(Name), Name =/= undefined -> Name;
        _ ->
            case lists:keyfind('$initial_call', 1, Get(dictionary)) of
                {_, {Module, _, _}} -> {Module, Pid};
                false -> Pid
            end
    end.

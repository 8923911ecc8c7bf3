%% SPDX-License-Identifier: MIT
%% The supervisor tree:
%%
%%   top (rest_for_one)
%%     heart                 heartbeat process, where a failure is to come
%%     crews (one_for_one)
%%       crew 1..G (rest_for_one)
%%         workers           simple_one_for_one: a restart finds its child in O(1)
%%         starter           starts this crew's workers, again if their supervisor died
%%     producers             simple_one_for_one, started by the engine
%%
%% Several crews, because one supervisor restarts one worker at a time and walks through its whole
%% window of restarts for each.
-module(pb_sup).
-behaviour(supervisor).
-export([start_link/1, init/1, crews/0, workers_of/1, start_crew/1]).
-include("pb.hrl").

start_link(What) ->
    case name(What) of
        none -> supervisor:start_link(?MODULE, What);
        Name -> supervisor:start_link({local, Name}, ?MODULE, What)
    end.

name({crew, _}) -> none;
name({workers, G}) -> workers_of(G);
name(Part) -> list_to_atom("pb_" ++ atom_to_list(Part)).

workers_of(G) -> list_to_atom("pb_workers_" ++ integer_to_list(G)).

crews() ->
    C = persistent_term:get(pb),
    min(C#c.workers, maps:get(crews, C#c.d)).

%% OTP's own intensity never ends a run: pb_life keeps the workload's window.
many() -> #{intensity => 1000000000, period => 1}.

sup(What) ->
    #{id => What, start => {?MODULE, start_link, [What]}, type => supervisor}.

init(top) ->
    C = persistent_term:get(pb),
    Heart = [#{id => heart, start => {pb_heart, start_link, []}} || C#c.armed],
    Crews = [sup(crews) || C#c.mode =/= spawn],
    {ok, {#{strategy => rest_for_one, intensity => 0}, Heart ++ Crews ++ [sup(producers)]}};
init(crews) ->
    {ok, {#{strategy => one_for_one, intensity => 0}, [sup({crew, G}) || G <- lists:seq(1, crews())]}};
init({crew, G}) ->
    {ok, {#{strategy => rest_for_one, intensity => 10, period => 1}, crew(persistent_term:get(pb), G)}};
init({workers, _}) ->
    {ok, {(many())#{strategy => simple_one_for_one}, [worker(persistent_term:get(pb))]}};
init(producers) ->
    #c{mode = Mode, pattern = Pattern} = persistent_term:get(pb),
    Producer = #{id => producer, start => {pb_mode:producer(Mode, Pattern), start_link, []}, restart => temporary},
    {ok, {#{strategy => simple_one_for_one, intensity => 0}, [Producer]}}.

%% With a supervisor in Gleam, that one starts its workers itself.
crew(#c{mode = gleam, p = #{supervise := tree}}, G) ->
    [#{id => workers, start => {pb_gleam, start_crew, [G]}}];
crew(_, G) ->
    [sup({workers, G}), #{id => starter, start => {?MODULE, start_crew, [G]}}].

worker(#c{p = #{supervise := loop}}) ->
    #{id => worker, start => {pb_loop, start_link, []}, shutdown => infinity};
worker(#c{mode = Mode}) ->
    #{id => worker, start => {pb_mode:worker(Mode), start_link, []}, shutdown => infinity}.

%% Starts worker after worker and is then idle: a child like the others, so that it is restarted with them.
start_crew(G) ->
    #c{workers = W} = persistent_term:get(pb),
    Crews = crews(),
    Pid = proc_lib:spawn_link(fun() ->
        [{ok, _} = supervisor:start_child(workers_of(G), [I]) || I <- lists:seq(G - 1, W - 1, Crews)],
        receive after infinity -> ok end
    end),
    {ok, Pid}.

%% SPDX-License-Identifier: MIT
%% What the worker and the supervisor in Gleam (gleam/src) are called by, and what they call: mailboxes
%% and books. A type of Gleam is a tagged tuple here, a constructor without fields an atom.
-module(pb_gleam).
-export([start_crew/1, start/1, init/2]).
-export([start_linked/1, await_exit/0]).
-export([receive_now/1, receive_next/1, publish/4, rest/4, chunk/1, is_new/2, key/2, read/3, task/2, fate/2,
         wait/3, emit/5, crash/2, die/1, hang/0]).
-include("pb.hrl").

%% A crew under pb_sup, in the place of OTP's supervisor.
start_crew(G) ->
    #c{workers = W} = persistent_term:get(pb),
    Pid = proc_lib:spawn_link(fun() ->
        register(pb_sup:workers_of(G), self()),
        process_flag(trap_exit, true),
        pinion_crew:run(lists:seq(G - 1, W - 1, pb_sup:crews()))
    end),
    {ok, Pid}.

start_linked(W) -> spawn_opt(?MODULE, init, [W, self()], [link | pb_life:spawn_options()]).
start(W) -> spawn_opt(?MODULE, init, [W, none], [monitor | pb_life:spawn_options()]).
await_exit() -> receive {'EXIT', Pid, _} -> {exit, Pid} end.

init(W, Parent) ->
    C = persistent_term:get(pb),
    pb_life:linked_up(C, W, Parent),
    pinion_worker:run({C, W, pb_worker:books(C, W)}).

receive_now(_) ->
    receive
        {'EXIT', _, _} -> stop;
        Message -> {jobs, jobs(Message)}
    after 0 -> nothing
    end.

receive_next(_) ->
    receive
        {'EXIT', _, _} -> stop;
        Message -> {jobs, jobs(Message)}
    end.

jobs(Jobs) when is_list(Jobs) -> [job(J) || J <- Jobs];
jobs(Job) -> [job(Job)].

job({J, Start, Payload}) -> {job, J, Start, Payload};
job({J, Start}) -> {job, J, Start, <<>>};
job(J) -> {job, J, 0, <<>>}.

publish({_, _, Books}, K, N, Sum) ->
    pb_worker:publish(Books, K, N, Sum),
    nil.

rest({_, _, Books}, K, N, Sum) ->
    pb_worker:dry(Books, K, N, Sum),
    nil.

chunk({C, _, _}) -> C#c.chunk.
is_new({_, _, Books}, J) -> pb_worker:is_new(Books, J).
key({C, _, _}, J) -> pb_job:key_of(C, J).
read({C, _, _}, Key, Payload) -> pb_job:prepare(C, Key, Payload).

task({C, _, _}, Key) ->
    case pb_job:units(C, Key) of
        {away, Units} -> {away, Units};
        Units -> {here, Units}
    end.

fate({C, W, _}, Key) ->
    case pb_job:fate(C, W, Key) of
        ends -> ends;
        waits -> waits;
        crash -> crashes;
        hang -> hangs
    end.

wait({C, W, _}, Key, Start) ->
    case pb_job:wait(C, W, Key, Start > 0) of
        killed -> killed;
        Ns -> {slept, Ns}
    end.

emit({C, W, _}, J, Start, Slept, X) ->
    pb_job:done(C, W, J, Start, Slept, X),
    nil.

crash({C, W, _}, J) -> pb_life:crash(C, W, J).
die({C, W, _}) -> pb_life:die(C, W).
hang() -> receive after infinity -> nil end.

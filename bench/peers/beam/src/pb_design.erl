%% SPDX-License-Identifier: MIT
%% The design string: beam[:MODE][+key=value]...
-module(pb_design).
-export([parse/1, modes/0]).

modes() -> [tuned, naive, spawn, literal, gleam].

%% {Key, Initial, Allowed}: a list of words, or {Min, Max}. The first three are the VM's: the launcher
%% has taken them, here they are only checked and named.
switches() ->
    [
        {sbwt, none, [none, very_short, short, medium, long, very_long, default]},
        {swt, default, [default, very_low, low, medium, high, very_high]},
        {sbt, db, [db, u, ns, ts, ps, s, nnts, nnps, tnnps]},
        {mqd, off_heap, [off_heap, on_heap]},
        {prio, normal, [normal, high]},
        {heap, 233, {0, 1000000}},
        {chunk, 32, {1, 1024}},
        {pace, 100, {0, 1000000}},
        {crews, 0, {0, 1024}}
    ].

parse(Text) ->
    [Head | Parts] = string:split(Text, "+", all),
    try
        D0 = maps:from_list([{K, V} || {K, V, _} <- switches()]),
        D = D0#{mode => mode(Text, Head), name => list_to_binary(Text)},
        {ok, lists:foldl(fun(Part, Acc) -> switch(Text, Part, Acc) end, D, Parts)}
    catch
        throw:Line -> {error, Line}
    end.

refuse(Format, Args) -> throw(io_lib:format(Format, Args)).

mode(_, "beam") ->
    tuned;
mode(Text, "beam:" ++ Word) ->
    case [M || M <- modes(), atom_to_list(M) =:= Word] of
        [Mode] -> Mode;
        [] ->
            All = lists:join(", ", [atom_to_list(M) || M <- modes()]),
            refuse("--design ~ts: no mode '~ts', but ~ts", [Text, Word, All])
    end;
mode(Text, _) ->
    refuse("--design ~ts: this program runs beam[:MODE]", [Text]).

switch(Text, Part, D) ->
    [Name | Value] = string:split(Part, "="),
    case [S || {K, _, _} = S <- switches(), atom_to_list(K) =:= Name] of
        [{Key, _, Allowed}] -> D#{Key => value(Text, Part, Value, Allowed)};
        [] ->
            All = lists:join(", ", [atom_to_list(K) || {K, _, _} <- switches()]),
            refuse("--design ~ts: no switch '~ts', but ~ts", [Text, Name, All])
    end.

value(Text, Part, [Value], {Min, Max}) ->
    try list_to_integer(Value) of
        N when N >= Min, N =< Max -> N;
        _ -> refuse("--design ~ts: ~ts: out of range ~b to ~b", [Text, Part, Min, Max])
    catch
        error:badarg -> refuse("--design ~ts: ~ts: not a number", [Text, Part])
    end;
value(Text, Part, Value, Words) when is_list(Words) ->
    case [W || W <- Words, [atom_to_list(W)] =:= Value] of
        [Word] -> Word;
        [] ->
            All = lists:join(", ", [atom_to_list(W) || W <- Words]),
            refuse("--design ~ts: ~ts: not one of ~ts", [Text, Part, All])
    end;
value(Text, Part, _, _) ->
    refuse("--design ~ts: ~ts: a switch is +key=value", [Text, Part]).

%% SPDX-License-Identifier: MIT
%% JSON out of lists of pairs. Atoms null, true, false are themselves; {raw, IoData} is taken as it is.
-module(pb_json).
-export([line/1, value/1]).

line(Pairs) ->
    [value({Pairs}), $\n].

value({Pairs}) when is_list(Pairs) ->
    Fields = [[$", name(K), $", $:, value(V)] || {K, V} <- Pairs],
    [${, lists:join($,, Fields), $}];
value({raw, Text}) ->
    Text;
value(N) when is_integer(N) ->
    integer_to_binary(N);
value(X) when is_float(X) ->
    float_to_binary(X, [{decimals, 4}]);
value(A) when A =:= null; A =:= true; A =:= false ->
    atom_to_binary(A);
value(A) when is_atom(A) ->
    [$", atom_to_binary(A), $"];
value(B) when is_binary(B) ->
    [$", escape(B), $"];
value(L) when is_list(L) ->
    [$[, lists:join($,, [value(V) || V <- L]), $]].

name(K) when is_atom(K) -> atom_to_binary(K);
name(K) when is_binary(K) -> K.

escape(B) ->
    << <<(char(C))/binary>> || <<C>> <= B >>.

char($") -> <<"\\\"">>;
char($\\) -> <<"\\\\">>;
char(C) when C < 32 -> list_to_binary(io_lib:format("\\u~4.16.0b", [C]));
char(C) -> <<C>>.

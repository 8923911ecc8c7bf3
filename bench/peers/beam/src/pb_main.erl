%% SPDX-License-Identifier: MIT
%% The command line. Exit codes: 0, 1 failed, 2 command line, 3 what is not on this machine.
-module(pb_main).
-export([start/0]).

-define(USAGE, "usage: pinion-peer-beam run [--design beam[:MODE][+key=value]] [--json] [--summary] "
               "[--stdin-go] [--inspect MS] [key=value]... | about | unit | touch [payload=B] [alloc=A]").

start() ->
    _ = logger:set_primary_config(level, none), % crashes are the workload; the others mute theirs too
    spawn(fun() -> stop(main(init:get_plain_arguments())) end).

stop(Code) ->
    erlang:halt(Code, [{flush, true}]).

main(Args) ->
    try
        command(Args)
    catch
        throw:{Code, Line} -> say(Line), Code;
        Class:Reason:Stack ->
            say(io_lib:format("~0p: ~0p at ~0P", [Class, Reason, Stack, 12])),
            1
    end.

say(Line) ->
    io:put_chars(standard_error, ["pinion-peer-beam: ", Line, $\n]).

command(["run" | Args]) -> pb_engine:run(options(Args, #{events => true, go => false, inspect => 0}));
command(["about"]) -> pb_probe:about();
command(["unit"]) -> pb_probe:unit();
command(["touch" | Args]) -> pb_probe:touch(params(Args));
command(_) -> throw({2, ?USAGE}).

options(Args, O) ->
    options(Args, "beam:tuned", [], O).

options([], Design, Keys, O) ->
    case pb_design:parse(Design) of
        {ok, D} -> O#{design => D, params => params(lists:reverse(Keys))};
        {error, Line} -> throw({2, Line})
    end;
options(["--json" | Rest], D, K, O) -> options(Rest, D, K, O);
options(["--summary" | Rest], D, K, O) -> options(Rest, D, K, O#{events => false});
options(["--stdin-go" | Rest], D, K, O) -> options(Rest, D, K, O#{go => true});
options(["--design", Name | Rest], _, K, O) -> options(Rest, Name, K, O);
options(["--design=" ++ Name | Rest], _, K, O) -> options(Rest, Name, K, O);
options(["--inspect", Ms | Rest], D, K, O) -> options(Rest, D, K, O#{inspect => period(Ms)});
options(["--inspect=" ++ Ms | Rest], D, K, O) -> options(Rest, D, K, O#{inspect => period(Ms)});
options(["-" ++ _ = Option | _], _, _, _) -> throw({2, ["no option '", Option, "'; ", ?USAGE]});
options([Key | Rest], D, K, O) -> options(Rest, D, [Key | K], O).

period(Ms) ->
    try list_to_integer(Ms) of
        N when N > 0, N =< 60000 -> N;
        _ -> throw({2, ["--inspect ", Ms, ": out of range 1 to 60000"]})
    catch
        error:badarg -> throw({2, ["--inspect ", Ms, ": not a number of milliseconds"]})
    end.

params(Keys) ->
    case pb_params:parse(Keys) of
        {ok, P} -> P;
        {error, Line} -> throw({2, Line})
    end.

%% SPDX-License-Identifier: MIT
-module(pb_app).
-behaviour(application).
-export([start/2, stop/1]).

start(_Type, _Args) -> pb_sup:start_link(top).
stop(_State) -> ok.

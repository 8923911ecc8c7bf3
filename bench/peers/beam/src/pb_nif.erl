%% SPDX-License-Identifier: MIT
-module(pb_nif).
-export([cpu_ns/0, block/1, block_dirty/1, nap_dirty/1, compute_dirty/2]).
-on_load(load/0).

load() ->
    Here = filename:dirname(code:which(?MODULE)),
    erlang:load_nif(filename:join([Here, "..", "priv", "pb_nif"]), 0).

cpu_ns() -> erlang:nif_error(not_loaded).
block(_Us) -> erlang:nif_error(not_loaded).
block_dirty(_Us) -> erlang:nif_error(not_loaded).
nap_dirty(_Ns) -> erlang:nif_error(not_loaded).
compute_dirty(_X, _Units) -> erlang:nif_error(not_loaded).

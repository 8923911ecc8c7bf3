%% SPDX-License-Identifier: MIT
%% The workload's generator, 32 bit. Included, not called: these are a few instructions each, and
%% the compiler inlines within a module only. Every product stays under 2^59, so no bignum is made.

-compile({inline, [rnd/1, mix/1, base/2, key/2, draw/2, hit/3, pick/4]}).
-compile({nowarn_unused_function, [rnd/1, mix/1, base/2, key/2, draw/2, hit/3, pick/4]}).

-define(M32, 16#FFFFFFFF).
-define(SLEEPS, 1).
-define(CRASHES, 2).
-define(UNITS, 3).
-define(SLEEP_US, 4).
-define(BLOCKS, 5).
-define(WORD, 6).
-define(GREEDY, 7).
-define(ARRIVAL, 8).
-define(KEY, 9).
-define(PARTNER, 10).

rnd(X) ->
    ((X bxor (X bsr 15)) * 16#2545F49 + 16#9E3779B9) band ?M32.

mix(X) ->
    Y = rnd(rnd(rnd(rnd(X)))),
    Y bxor (Y bsr 16).

base(Seed, P) ->
    mix((Seed + P * 16#632BE5) band ?M32).

key(Base, I) ->
    mix((Base + I * 16#1F123BB5) band ?M32).

draw(Key, N) ->
    mix((Key + N) band ?M32).

hit(Key, N, Ppm) ->
    draw(Key, N) rem 1000000 < Ppm.

pick(Key, N, Lo, Hi) ->
    Lo + draw(Key, N) rem (Hi - Lo + 1).

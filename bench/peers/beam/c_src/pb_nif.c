/* SPDX-License-Identifier: MIT
 *
 * What the BEAM has no function for: the process's CPU time to the nanosecond, a call that blocks
 * its thread, and a computation that leaves the normal schedulers.
 */
#include <erl_nif.h>

#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

static ERL_NIF_TERM cpu_ns(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
    struct timespec ts = {0};
    (void)argc;
    (void)argv;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return enif_make_uint64(env, (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static ERL_NIF_TERM block(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
    ErlNifUInt64 us = 0;
    if (argc != 1 || !enif_get_uint64(env, argv[0], &us)) {
        return enif_make_badarg(env);
    }
    struct timespec ts = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000)};
    (void)nanosleep(&ts, NULL);
    return enif_make_atom(env, "ok");
}

/* To the nanosecond, which the emulator's timers are not: for the load generator's clock. */
static ERL_NIF_TERM nap(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
    ErlNifUInt64 ns = 0;
    if (argc != 1 || !enif_get_uint64(env, argv[0], &ns)) {
        return enif_make_badarg(env);
    }
    struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    (void)nanosleep(&ts, NULL);
    return enif_make_atom(env, "ok");
}

static ERL_NIF_TERM compute(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
    unsigned x = 0;
    unsigned units = 0;
    if (argc != 2 || !enif_get_uint(env, argv[0], &x) || !enif_get_uint(env, argv[1], &units)) {
        return enif_make_badarg(env);
    }
    for (unsigned u = 0; u < units; u++) {
        x = (uint32_t)((uint64_t)(x ^ (x >> 15)) * 0x2545F49u + 0x9E3779B9u);
    }
    return enif_make_uint(env, x);
}

static ErlNifFunc functions[] = {
    {"cpu_ns", 0, cpu_ns, 0},
    {"block", 1, block, 0}, /* the wrong way: a normal scheduler stands still */
    {"block_dirty", 1, block, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"nap_dirty", 1, nap, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"compute_dirty", 2, compute, ERL_NIF_DIRTY_JOB_CPU_BOUND},
};

ERL_NIF_INIT(pb_nif, functions, NULL, NULL, NULL, NULL)

/* SPDX-License-Identifier: MIT */
#include <pinion/params.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_PER_PRODUCER_MAX ((uint64_t)1 << 27)
#define PPM                   1000000u

struct key {
    const char *name;
    size_t offset;
    uint64_t initial, min, max;
    const char *const *words; /* NULL for a number */
};

static const char *const words_as[] = {"task", "thread", NULL};
static const char *const words_arrival[] = {"fixed", "poisson", NULL};
static const char *const words_supervise[] = {"tree", "loop", NULL};
static const char *const words_fail[] = {"one", "node", "all", "init", "supervisor", "hang", NULL};
static const char *const words_collector[] = {"sharded", "shared", NULL};
static const char *const words_pattern[] = {"none", "pingpong", "big", NULL};
static const char *const words_mem[] = {"local", "malloc", "interleave", NULL};

#define AT(field) offsetof(struct pn_params, field)
#define ANY       UINT32_MAX

static const struct key keys[] = {
    {"seed", AT(seed), 42, 0, UINT64_MAX, NULL},
    {"producers", AT(producers), 4, 1, 65536, NULL},
    {"workers", AT(workers), 4, 1, 10000000, NULL},
    {"queue", AT(queue), 1024, 1, (uint64_t)1 << 40, NULL},
    {"drop", AT(drop), 0, 0, 1, NULL},
    {"jobs", AT(jobs), 100000, 1, (uint64_t)1 << 43, NULL},
    {"warm", AT(warm), 20000, 0, (uint64_t)1 << 43, NULL},
    {"rate", AT(rate), 0, 0, 1000000000, NULL},
    {"wlo", AT(wlo), 100, 0, ANY - 1, NULL},
    {"whi", AT(whi), 100, 0, ANY - 1, NULL},
    {"payload", AT(payload), 0, 0, (uint64_t)1 << 30, NULL},
    {"sleep_ppm", AT(sleep_ppm), 0, 0, PPM, NULL},
    {"slo", AT(slo), 1000, 0, ANY - 1, NULL},
    {"shi", AT(shi), 1000, 0, ANY - 1, NULL},
    {"crash_ppm", AT(crash_ppm), 0, 0, PPM, NULL},
    {"block_ppm", AT(block_ppm), 0, 0, PPM, NULL},
    {"block_us", AT(block_us), 0, 0, 60000000, NULL},
    {"greedy_ppm", AT(greedy_ppm), 0, 0, PPM, NULL},
    {"greedy_units", AT(greedy_units), 0, 0, ANY, NULL},
    {"producers_as", AT(producers_as), PN_PRODUCERS_TASK, 0, 0, words_as},
    {"restarts_max", AT(restarts_max), 10000000, 0, ANY, NULL},
    {"restarts_period_ms", AT(restarts_period_ms), 1000, 1, 86400000, NULL},
    {"supervise", AT(supervise), PN_SUPERVISE_TREE, 0, 0, words_supervise},
    {"fail_at_ms", AT(fail_at_ms), 0, 0, 86400000, NULL},
    {"fail_kind", AT(fail_kind), PN_FAIL_ONE, 0, 0, words_fail},
    {"band_pct", AT(band_pct), 5, 1, 100, NULL},
    {"band_windows", AT(band_windows), 5, 1, 1000, NULL},
    {"alloc", AT(alloc), 0, 0, (uint64_t)1 << 30, NULL},
    {"batch", AT(batch), 1, 1, 32, NULL},
    {"arrival", AT(arrival), PN_ARRIVAL_FIXED, 0, 0, words_arrival},
    {"mem", AT(mem), PN_MEM_LOCAL, 0, 0, words_mem},
    {"cores", AT(cores), 0, 0, 65536, NULL},
    {"log", AT(log), 0, 0, 1, NULL},
    {"queue_bytes", AT(queue_bytes), 0, 0, (uint64_t)1 << 50, NULL},
    {"collector", AT(collector), PN_COLLECTOR_SHARDED, 0, 0, words_collector},
    {"pattern", AT(pattern), PN_PATTERN_NONE, 0, 0, words_pattern},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

/* Parameters of the schema that have exactly one value here so far. */
static const struct {
    const char *name, *only;
} fixed[] = {
    {"offload", "none"},
    {"keys", "0"},
    {"state", "0"},
};

static int refuse(struct pn_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(struct pn_error *err, const char *format, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return -EINVAL;
}

static uint64_t *field(struct pn_params *params, const struct key *key) {
    return (uint64_t *)(void *)((char *)params + key->offset);
}

void pn_params_init(struct pn_params *params) {
    for (unsigned i = 0; i < N_KEYS; i++) {
        *field(params, &keys[i]) = keys[i].initial;
    }
}

static int set_word(struct pn_params *params, const struct key *key, const char *value,
                    struct pn_error *err) {
    for (uint64_t i = 0; key->words[i] != NULL; i++) {
        if (strcmp(key->words[i], value) == 0) {
            *field(params, key) = i;
            return 0;
        }
    }
    if (strcmp(key->name, "mem") == 0 && strcmp(value, "remote") == 0) {
        return refuse(err, "mem=remote is not built yet: local, malloc or interleave");
    }
    char all[96];
    size_t used = 0;
    for (unsigned i = 0; key->words[i] != NULL; i++) {
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i == 0 ? "" : ", ",
                                 key->words[i]);
    }
    return refuse(err, "%s=%s: not one of %s", key->name, value, all);
}

static int set_number(struct pn_params *params, const struct key *key, const char *value,
                      struct pn_error *err) {
    if (strcmp(key->name, "queue_bytes") == 0 && strcmp(value, "auto") == 0) {
        value = "0"; /* the designs here bound jobs, not bytes */
    }
    if (!isdigit((unsigned char)value[0])) {
        return refuse(err, "%s=%s: not a whole number from 0 on", key->name, value);
    }
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (*end != '\0') {
        return refuse(err, "%s=%s: not a whole number from 0 on", key->name, value);
    }
    if (errno != 0 || number < key->min || number > key->max) {
        return refuse(err, "%s=%s: out of range %llu to %llu", key->name, value,
                      (unsigned long long)key->min, (unsigned long long)key->max);
    }
    *field(params, key) = number;
    return 0;
}

static const struct key *find(const char *name) {
    for (unsigned i = 0; i < N_KEYS; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

static int set_fixed(const char *name, const char *value, struct pn_error *err) {
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (strcmp(fixed[i].name, name) == 0) {
            return strcmp(fixed[i].only, value) == 0
                       ? 0
                       : refuse(err, "%s=%s is not built yet: only %s=%s", name, value, name,
                                fixed[i].only);
        }
    }
    return refuse(err, "no parameter '%s'; the workload's parameters are listed by --help", name);
}

int pn_params_set(struct pn_params *params, const char *assignment, struct pn_error *err) {
    const char *equals = strchr(assignment, '=');
    char name[32];
    size_t len = equals == NULL ? 0 : (size_t)(equals - assignment);
    if (len == 0 || len >= sizeof name) {
        return refuse(err, "'%s': not key=value", assignment);
    }
    memcpy(name, assignment, len);
    name[len] = '\0';
    const char *value = equals + 1;
    if (strcmp(name, "units") == 0) {
        int rc = set_number(params, find("wlo"), value, err);
        if (rc == 0) {
            params->whi = params->wlo;
        }
        return rc;
    }
    const struct key *key = find(name);
    if (key == NULL) {
        return set_fixed(name, value, err);
    }
    return key->words != NULL ? set_word(params, key, value, err)
                              : set_number(params, key, value, err);
}

/* A chain's next job goes out when the one before has ended: there is nobody who could be late,
 * drop, or send several. */
static int check_pattern(const struct pn_params *p, struct pn_error *err) {
    uint64_t actors = p->pattern == PN_PATTERN_PINGPONG ? 2 * p->producers : p->producers;
    if (p->rate > 0 || p->drop == 1 || p->batch > 1 || p->producers_as == PN_PRODUCERS_THREAD) {
        return refuse(err,
                      "pattern=%s has no producers: neither rate, drop, batch nor "
                      "producers_as=thread",
                      words_pattern[p->pattern]);
    }
    if (p->workers < actors) {
        return refuse(err,
                      "pattern=%s with producers=%llu needs workers=%llu: each chain has its "
                      "own",
                      words_pattern[p->pattern], (unsigned long long)p->producers,
                      (unsigned long long)actors);
    }
    return 0;
}

int pn_params_check(const struct pn_params *p, struct pn_error *err) {
    if (p->payload % 4 != 0 || (p->payload > 4096 && p->payload % 4096 != 0)) {
        return refuse(err, "payload=%llu: a multiple of 4, over 4096 of 4096",
                      (unsigned long long)p->payload);
    }
    if (p->wlo > p->whi) {
        return refuse(err, "wlo=%llu is above whi=%llu", (unsigned long long)p->wlo,
                      (unsigned long long)p->whi);
    }
    if (p->slo > p->shi) {
        return refuse(err, "slo=%llu is above shi=%llu", (unsigned long long)p->slo,
                      (unsigned long long)p->shi);
    }
    uint64_t most = p->producers * JOBS_PER_PRODUCER_MAX;
    if (p->jobs > most || p->warm > most) {
        return refuse(err, "jobs=%llu: %llu producers make at most %llu",
                      (unsigned long long)(p->jobs > most ? p->jobs : p->warm),
                      (unsigned long long)p->producers, (unsigned long long)most);
    }
    if (p->arrival == PN_ARRIVAL_POISSON && p->rate == 0) {
        return refuse(err, "arrival=poisson needs rate=");
    }
    if (p->pattern != PN_PATTERN_NONE && check_pattern(p, err) != 0) {
        return -EINVAL;
    }
    if (p->fail_kind != PN_FAIL_ONE && p->fail_at_ms == 0) {
        return refuse(err, "fail_kind=%s needs fail_at_ms=", words_fail[p->fail_kind]);
    }
    if (p->fail_at_ms > 0 && p->fail_kind == PN_FAIL_SUPERVISOR &&
        p->supervise == PN_SUPERVISE_LOOP) {
        return refuse(err, "fail_kind=supervisor needs supervise=tree: a loop has none");
    }
    return 0;
}

bool pn_params_known(const char *key) {
    if (find(key) != NULL || strcmp(key, "units") == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (strcmp(fixed[i].name, key) == 0) {
            return true;
        }
    }
    return false;
}

const char *pn_params_word(const char *key, uint64_t value) {
    return find(key)->words[value];
}

bool pn_params_get(const struct pn_params *params, unsigned i, char *text, size_t cap) {
    if (i >= N_KEYS) {
        return false;
    }
    uint64_t value = *(const uint64_t *)(const void *)((const char *)params + keys[i].offset);
    if (keys[i].words != NULL) {
        (void)snprintf(text, cap, "%s=%s", keys[i].name, keys[i].words[value]);
    } else {
        (void)snprintf(text, cap, "%s=%llu", keys[i].name, (unsigned long long)value);
    }
    return true;
}

uint64_t pn_params_bound(const struct pn_params *params) {
    if (params->queue_bytes == 0 || params->payload == 0) {
        return params->queue;
    }
    uint64_t jobs = params->queue_bytes / params->payload;
    return jobs == 0 ? 1 : jobs < params->queue ? jobs : params->queue;
}

uint64_t pn_params_jobs_of(const struct pn_params *params, uint64_t jobs, uint64_t p) {
    return jobs / params->producers + (p < jobs % params->producers);
}

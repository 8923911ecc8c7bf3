/* SPDX-License-Identifier: MIT
 *
 * Writes a synthetic run of many designs: other runtimes in a sweep over producers, and a ladder.
 */
#ifndef PN_TEST_MAKE_PEERS_H
#define PN_TEST_MAKE_PEERS_H

#include "make_run.h"

struct made_peers {
    uint64_t seed;
    size_t rounds;
    double noise;
    double beam_apart; /* BEAM's jobs/s at the last x is so much of what the mailbox's shape says */
    double route[2];   /* ln that route alone does to shared, and to mailbox */
    double whole;      /* ln(mailbox / shared) in the ladder */
    double spawn_rate; /* of beam:spawn at one producer; its bound is another one */
    const char *second;  /* design beside shared: mailbox, or whatever takes its place */
    const char *version; /* of BEAM; hostile or plain */
    const char *reason;  /* why tokio:spawn is absent */
    const char *odd;     /* one more design, for its name; NULL: none */
};

static inline struct made_peers made_peers_plain(uint64_t seed) {
    return (struct made_peers){.seed = seed,
                               .rounds = 12,
                               .noise = 0.01,
                               .beam_apart = 1.05,
                               .route = {-0.12, 0.08},
                               .whole = -0.25,
                               .spawn_rate = 0.7e6,
                               .second = "mailbox",
                               .version = "25.2.3",
                               .reason = "cargo is not on PATH"};
}

enum { MADE_PEERS = 7, MADE_VARIANTS = 6 };
static const char *const made_peer[MADE_PEERS] = {
    "shared", "mailbox", "tokio:tuned", "beam:tuned", "beam:naive", "beam:spawn", "tokio:literal"};
/* A ladder of four properties; one of them none of the eleven, and one that changes the bound. */
static const char *const made_rung[2 + MADE_VARIANTS] = {"shared",
                                                         "mailbox+like=beam",
                                                         "shared+route=rr",
                                                         "mailbox+like=beam+route=queue",
                                                         "shared+heap=actor",
                                                         "mailbox+like=beam+heap=core",
                                                         "shared+odd=1",
                                                         "shared+credit=none"};

/* The design at place d of the first sweep. */
static inline const char *made_peers_design(const struct made_peers *m, size_t d) {
    return d == MADE_PEERS ? m->odd : d == 1 ? m->second : made_peer[d];
}

static inline void made_designs(FILE *f, const struct made_peers *m) {
    (void)fputs("\"designs\":[", f);
    for (size_t d = 0; d < MADE_PEERS + (m->odd == NULL ? 0 : 1); d++) {
        (void)fputs(d > 0 ? "," : "", f);
        made_string(f, made_peers_design(m, d));
    }
    (void)fputs("]", f);
}

static inline void made_peers_manifest(const char *dir, const struct made_peers *m) {
    FILE *f = made_open(dir, "manifest.json");
    (void)fputs("{\"schema\":\"pinion.manifest/1\",\"tool\":{\"version\":\"0.1.0\",\"build\":{}},"
                "\"command\":[\"pinion\",\"sweep\"],\"preset\":\"peers\",\"seed\":42,"
                "\"started_utc\":\"2026-11-24T12:34:56Z\",\"ended_utc\":\"2026-11-24T12:38:40Z\","
                "\"status\":\"complete\",\"host\":{\"cpus\":2,\"cores\":2,\"nodes\":2,"
                "\"cpu_model\":\"Sample CPU\",\"hypervisor\":false},\"fingerprint\":\"4f1c9a07\","
                "\"versions\":{},\"findings\":[],\"placement\":{},"
                "\"units\":{\"pinion\":2.0,\"tokio\":2.05,\"beam\":4.0},"
                "\"malloc_thresholds\":null,\"malloc_thresholds_reason\":\"left at the C "
                "library's\",\"memory_limit\":2147483648,"
                "\"touch\":[{\"event\":\"touch\",\"runtime\":\"beam\",\"payload\":1024,"
                "\"fill_ns\":310,\"read_ns\":12,\"alloc\":0,\"alloc_ns\":0}],"
                "\"peers\":[{\"name\":\"beam\",\"modes\":[\"tuned\"],\"versions\":{\"otp\":",
                f);
    made_string(f, m->version);
    (void)fputs("},\"flags\":\"+sbwt none\"},{\"name\":\"tokio\",\"modes\":[\"tuned\"],"
                "\"versions\":{\"tokio\":\"1.54.0\"},\"flags\":\"opt-level=3\"}],"
                "\"absent_designs\":[{\"design\":\"tokio:spawn\",\"reason\":",
                f);
    made_string(f, m->reason);
    (void)fprintf(f,
                  "}],\"sweeps\":[{\"name\":\"producers\",\"title\":\"producers\",\"x\":{\"key\":"
                  "\"producers\",\"scale\":\"log2\",\"values\":[1,2,4,8,16],\"unit\":\"\"},\"by\":"
                  "null,\"set\":{\"payload\":\"1024\",\"queue\":\"1024\"},\"rounds_planned\":%zu,"
                  "\"jobs\":{},\"aa\":null,\"kind\":\"crossover\",",
                  m->rounds);
    made_designs(f, m);
    (void)fprintf(f,
                  "},{\"name\":\"ladder\",\"title\":\"ladder\",\"x\":{\"key\":\"units\",\"scale\":"
                  "\"list\",\"values\":[100],\"unit\":\"work units per job\"},\"by\":null,\"set\":"
                  "{},\"rounds_planned\":%zu,\"jobs\":{},\"aa\":null,\"kind\":\"crossover\","
                  "\"designs\":[",
                  m->rounds);
    for (size_t i = 0; i < 2 + MADE_VARIANTS; i++) {
        (void)fprintf(f, "%s\"%s\"", i > 0 ? "," : "", made_rung[i]);
    }
    (void)fprintf(f,
                  "]},{\"name\":\"skew\",\"title\":\"skew\",\"x\":{\"key\":\"rate\",\"scale\":"
                  "\"list\",\"values\":[95000],\"unit\":\"jobs/s\"},\"by\":null,\"set\":{},"
                  "\"rounds_planned\":%zu,\"jobs\":{},\"aa\":null,\"kind\":\"latency\","
                  "\"designs\":[\"shared\",\"tokio:tuned\",\"tokio:shared\"]}],\"micro\":null}\n",
                  m->rounds);
    (void)fclose(f);
}

/* What one slot says beyond its rate. */
struct made_said {
    const char *sweep, *design, *bound, *checksum;
    double x, rate, collateral, cores, sleep_ns;
    double p99_ns;     /* 0: 1300 */
    double latency_ns; /* 0: no histogram; the median is 900 ns */
    int batch;
    size_t round;
};

static inline void made_said_place(FILE *f, size_t key, const struct made_said *s) {
    (void)fprintf(f,
                  "{\"schema\":1,\"key\":\"%zu\",\"sweep\":\"%s\",\"round\":%zu,\"order\":%zu,"
                  "\"x\":%.0f,\"by\":null,\"role\":\"%s\",\"design\":",
                  key, s->sweep, s->round, key, s->x,
                  strcmp(s->sweep, "skew") == 0 ? "latency" : "main");
    made_string(f, s->design);
}

/* Every latency in the one bucket that holds it: the mean is known. */
static inline size_t made_bucket(double ns) {
    uint64_t u = (uint64_t)ns;
    int e = 63 - __builtin_clzll(u | 1);
    return u < 256 ? (size_t)u : ((size_t)(e - 7) << 7) + (size_t)(u >> (e - 7));
}

static inline void made_said_write(FILE *plan, FILE *samples, size_t key,
                                   const struct made_said *s) {
    double jobs = 100000;
    double wall = jobs / s->rate * 1e9;
    double cpu = wall * s->cores;
    made_said_place(plan, key, s);
    (void)fprintf(plan,
                  ",\"params\":{\"jobs\":\"100000\",\"payload\":\"1024\",\"batch\":\"%d\"}}\n",
                  s->batch);
    made_said_place(samples, key, s);
    (void)fprintf(
        samples,
        ",\"t_start_ns\":%.0f,\"wall_ns\":%.0f,\"jobs\":%.0f,\"cpu_ns\":%.0f,\"gates\":{},"
        "\"void\":null,\"unsteady\":false,\"error\":null,\"summary\":{\"event\":"
        "\"summary\",\"jobs\":%.0f,\"done\":%.0f,\"lost\":0,\"dropped\":0,\"collateral\":"
        "%.0f,\"checksum\":\"%s\",\"wall_ns\":%.0f,\"cpu_ns\":%.0f,\"spin_ns\":null,"
        "\"spin_ns_reason\":\"not counted\",\"busy_ns\":null,\"bound\":\"%s\","
        "\"queue_effective\":1024,\"p50_ns\":900,\"p99_ns\":%.0f,\"samples\":1000,"
        "\"sleep_mean_ns\":",
        (double)key * 5e8, wall, jobs, cpu, jobs, jobs - s->collateral, s->collateral, s->checksum,
        wall, cpu, s->bound, s->p99_ns > 0 ? s->p99_ns : 1300);
    (void)fprintf(samples, s->sleep_ns > 0 ? "%.0f" : "null", s->sleep_ns);
    if (strcmp(s->sweep, "ladder") == 0) {
        bool rr = strstr(s->design, "route=rr") != NULL || s->design[0] == 'm';
        (void)fprintf(samples, ",\"properties\":{\"route\":\"%s\"}", rr ? "rr" : "queue");
    }
    if (s->latency_ns > 0) {
        (void)fprintf(samples, ",\"histogram\":{\"p\":7,\"counts\":[[%zu,1000]]}",
                      made_bucket(s->latency_ns));
    }
    (void)fputs("}}\n", samples);
}

/* Jobs/s over producers: ours fall a little, the mailbox's shape is 1, 1.2, 1.3, ... */
static inline double made_peers_rate(const struct made_peers *m, size_t d, size_t p) {
    static const double mailbox[] = {1, 1.2, 1.3, 1.25, 1.1};
    double shape = d == 0 || d == 2 ? 1 - 0.02 * (double)p : mailbox[p];
    const double at_one[MADE_PEERS] = {5e6, 4e6, 3.8e6, 1.4e6, 1.2e6, m->spawn_rate, 3.6e3};
    double apart = d == 3 && p == 4 ? m->beam_apart : 1;
    /* Tokio ahead from 8 producers on */
    double tokio = d == 2 && p >= 3 ? 1.5 : 1;
    return at_one[d] * shape * apart * tokio;
}

static inline void made_peers_round(FILE *plan, FILE *samples, struct pn_random *random,
                                    const struct made_peers *m, size_t round, size_t *key) {
    static const char *const bound[] = {"queue", "queue",     "queue", "queue",
                                        "none",  "in_flight", "queue"};
    size_t designs = MADE_PEERS + (m->odd == NULL ? 0 : 1);
    for (size_t p = 0; p < 5; p++) {
        double common = 0.03 * made_normal(random);
        for (size_t d = 0; d < designs; d++) {
            bool odd = d == MADE_PEERS;
            size_t as = odd ? 2 : d;
            struct made_said s = {.sweep = "producers",
                                  .design = made_peers_design(m, d),
                                  .bound = bound[as],
                                  .checksum = d == 6 ? "0000000000000007" : "000027050ac42ebd",
                                  .x = (double)(1 << p),
                                  .collateral = d == 4 ? 4000 : 0,
                                  .cores = d == 2 && round < 2 ? 1.2 : 1.98,
                                  .latency_ns = d == 5 ? 0 : 1e9 * 700 / made_peers_rate(m, as, p),
                                  .batch = d == 3 ? 16 : 1,
                                  .round = round};
            s.rate = made_peers_rate(m, as, p) * exp(common + m->noise * made_normal(random));
            /* One slot computed something else. */
            s.checksum = d == 3 && p == 1 && round == 3 ? "0000000000000bad" : s.checksum;
            made_said_write(plan, samples, (*key)++, &s);
        }
    }
    double effect[2 + MADE_VARIANTS] = {0, m->whole, m->route[0], m->whole + m->route[1],
                                        0, m->whole, 0.05,        0.3};
    for (size_t d = 0; d < 2 + MADE_VARIANTS; d++) {
        struct made_said s = {.sweep = "ladder",
                              .design = made_rung[d],
                              .bound = d == 1 + MADE_VARIANTS ? "none" : "queue",
                              .checksum = "000027050ac42ebd",
                              .x = 100,
                              .rate = 4e6 * exp(effect[d] + m->noise * made_normal(random)),
                              .cores = 1.98,
                              .latency_ns = 2e5,
                              .batch = 1,
                              .round = round};
        made_said_write(plan, samples, (*key)++, &s);
    }
}

/* An open loop: the same load for all, the longer tail with a little more throughput. */
static inline void made_skew_round(FILE *plan, FILE *samples, struct pn_random *random,
                                   size_t round, size_t *key) {
    static const char *const design[] = {"shared", "tokio:tuned", "tokio:shared"};
    static const double rate[] = {95000, 95400, 95000};
    static const double p99[] = {1e6, 3e6, 2e6};
    for (size_t d = 0; d < 3; d++) {
        struct made_said s = {.sweep = "skew",
                              .design = design[d],
                              .bound = "queue",
                              .checksum = "000027050ac42ebd",
                              .x = 95000,
                              .rate = rate[d],
                              .p99_ns = p99[d] * exp(0.02 * made_normal(random)),
                              .latency_ns = p99[d] / 5,
                              .cores = 1,
                              .batch = 1,
                              .round = round};
        made_said_write(plan, samples, (*key)++, &s);
    }
}

/* dir must exist and be empty. */
static inline void make_peers(const char *dir, const struct made_peers *m) {
    struct pn_random random = {m->seed};
    size_t key = 0;
    made_peers_manifest(dir, m);
    FILE *f = made_open(dir, "topology.xml");
    (void)fputs("<topology>\n <object type=\"L3Cache\" cache_size=\"37748736\" depth=\"3\">\n"
                "  <object type=\"L2Cache\" cache_size=\"2097152\" depth=\"2\">\n</topology>\n",
                f);
    (void)fclose(f);
    FILE *plan = made_open(dir, "plan.jsonl");
    FILE *samples = made_open(dir, "samples.jsonl");
    for (size_t round = 0; round < m->rounds; round++) {
        made_peers_round(plan, samples, &random, m, round, &key);
        made_skew_round(plan, samples, &random, round, &key);
    }
    (void)fclose(plan);
    (void)fclose(samples);
}

#endif

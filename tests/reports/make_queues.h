/* SPDX-License-Identifier: MIT
 *
 * Writes a made-up queues.jsonl: seeded numbers with planted ratios, of no machine. Test input
 * only: none of it was measured.
 */
#ifndef PN_TEST_MAKE_QUEUES_H
#define PN_TEST_MAKE_QUEUES_H

#include "make_run.h"

struct made_queue {
    const char *name, *library, *version;
    double pairs, work, stream, batch; /* million per s; 0: not measured there */
    double bytes;                      /* per item; 0: unknown */
};

static const struct made_queue made_queues[] = {
    {"segq", "pinion", "0.1.0", 140, 17.5, 45, 160, 8.3},
    {"ring", "pinion", "0.1.0", 260, 10.1, 55, 450, 16},
    {"spsc", "pinion", "0.1.0", 0, 0, 120, 0, 8},
    {"faa", "ceiling", "", 330, 19.5, 0, 0, 0},
    {"rte_ring_mpmc", "dpdk", "22.11.4", 230, 8.3, 5.6, 164, 8},
    {"rte_ring_spsc", "dpdk", "22.11.4", 0, 0, 20, 190, 8},
    {"tbb_queue", "oneTBB", "2021.8.0", 117, 9.6, 3.9, 0, 12.4},
    {"crossbeam_seg", "crossbeam", "0.3.11", 93, 11.2, 20, 0, 16.6},
    {"crossbeam_array", "crossbeam", "0.3.11", 220, 9.4, 30, 0, 16},
    {"moodycamel", "concurrentqueue", "1.0.3", 123, 18.4, 20, 120, 12.2},
    {"urcu_rculfqueue", "liburcu", "0.13.2", 22, 4.1, 5.4, 0, 48},
};
#define MADE_QUEUES (sizeof made_queues / sizeof made_queues[0])

struct made_workload {
    const char *name;
    int threads, capacity, batch;
    bool work;
};

static const struct made_workload made_workloads[] = {
    {"pairs_t1", 1, 1024, 1, false},         {"pairs_t2", 2, 1024, 1, false},
    {"pairs_t4", 4, 1024, 1, false},         {"pairs_t1_work", 1, 1024, 1, true},
    {"pairs_t2_work", 2, 1024, 1, true},     {"pairs_t4_work", 4, 1024, 1, true},
    {"1p1c_1024", 2, 1024, 1, false},        {"1p1c_65536", 2, 65536, 1, false},
    {"2p2c_1024", 4, 1024, 1, false},        {"2p2c_65536", 4, 65536, 1, false},
    {"1p1c_b32_65536", 2, 65536, 32, false}, {"2p2c_b32_65536", 4, 65536, 32, false},
    {"memory_10m", 1, 0, 1, false},
};
#define MADE_WORKLOADS (sizeof made_workloads / sizeof made_workloads[0])

static inline double made_rate(const struct made_queue *q, const struct made_workload *w) {
    bool pairs = w->name[0] == 'p';
    if (w->name[0] == 'm') {
        return q->bytes > 0 ? 40 : 0;
    }
    double rate = w->batch > 1 ? q->batch : !pairs ? q->stream : w->work ? q->work : q->pairs;
    bool one_to_one = strcmp(q->name, "spsc") == 0 || strcmp(q->name, "rte_ring_spsc") == 0;
    if (one_to_one && w->name[0] == '2') {
        return 0;
    }
    return rate * (pairs && !w->work && w->threads > 1 ? 0.14 : 1) * (w->threads > 2 ? 0.8 : 1);
}

static inline void made_queue_line(FILE *f, const struct made_queue *q,
                                   const struct made_workload *w, size_t round, size_t slot,
                                   struct pn_random *random) {
    double mops = made_rate(q, w) * exp(0.03 * made_normal(random));
    double wait = 1e6 * (w->threads > 2 ? 9 : 1) * (1 + made_uniform(random));
    bool memory = w->name[0] == 'm';
    bool hangs = round == 1 && w->threads == 4 && w->work && strcmp(q->name, "rte_ring_mpmc") == 0;
    (void)fprintf(
        f,
        "{\"round\":%zu,\"slot\":%zu,\"queue\":\"%s\",\"library\":\"%s\",\"version\":\"%s"
        "\",\"workload\":\"%s\",\"threads\":%d,\"batch\":%d,\"batch_kind\":%s,\"capacity\":",
        round, slot, q->name, q->library, q->version, w->name, w->threads, w->batch,
        w->batch > 1 ? "\"native\"" : "null");
    (void)fprintf(f, w->capacity > 0 ? "%d" : "null", w->capacity);
    (void)fprintf(f, ",\"work_ns\":%s", w->work ? "[50,150]" : "null");
    if (hangs) {
        (void)fputs(
            ",\"ops\":null,\"seconds\":null,\"mops\":null,\"longest_wait_ns\":null,"
            "\"rss_per_item\":null,\"rss_drained\":null,\"rss_later\":null,\"status\":\"hang\","
            "\"reason\":\"no progress for 5 s\"}\n",
            f);
        return;
    }
    (void)fprintf(f, ",\"ops\":%d,\"seconds\":%.6f,\"mops\":%.5f", memory ? 10000000 : 1000000,
                  1 / mops, mops);
    if (memory) {
        (void)fprintf(f,
                      ",\"longest_wait_ns\":null,\"rss_per_item\":%.1f,\"rss_drained\":83000000,"
                      "\"rss_later\":-4096",
                      q->bytes);
    } else {
        (void)fprintf(f,
                      ",\"longest_wait_ns\":%.0f,\"rss_per_item\":null,\"rss_drained\":null,"
                      "\"rss_later\":null",
                      wait);
    }
    (void)fputs(",\"status\":\"ok\",\"reason\":null}\n", f);
}

/* Rounds of every queue in every workload, and a peer that is not installed. */
static inline void make_queues(const char *dir, uint64_t seed, size_t rounds) {
    struct pn_random random = {seed};
    FILE *f = made_open(dir, "queues.jsonl");
    size_t slot = 0;
    (void)fputs("{\"queue\":\"ck_ring\",\"status\":\"not measured\",\"reason\":\"package "
                "libck-dev\"}\n",
                f);
    for (size_t r = 0; r < rounds; r++) {
        for (size_t w = 0; w < MADE_WORKLOADS; w++) {
            for (size_t q = 0; q < MADE_QUEUES; q++) {
                if (made_rate(&made_queues[q], &made_workloads[w]) > 0) {
                    made_queue_line(f, &made_queues[q], &made_workloads[w], r, slot++, &random);
                }
            }
        }
    }
    (void)fclose(f);
}

/* The manifest of a run that measured nothing but queues. */
static inline void made_bare_manifest(const char *dir, bool two_nodes) {
    FILE *f = made_open(dir, "manifest.json");
    (void)fprintf(
        f,
        "{\"schema\":\"pinion.manifest/1\",\"tool\":{\"version\":\"0.1.0\",\"build\":{\"compiler\":"
        "\"gcc 12.2\",\"flags\":\"-O2\",\"type\":\"Release\",\"native\":false}},\"command\":["
        "\"pinion\",\"bench\",\"queues\",\"--peers\"],\"preset\":null,\"seed\":42,\"started_utc\":"
        "\"2026-11-24T12:34:56Z\",\"ended_utc\":\"2026-11-24T12:38:40Z\",\"status\":\"complete\","
        "\"host\":{\"hash\":\"4f1c9a07\",\"kernel\":\"6.1.0-28-amd64\",\"cpu_model\":\"Made-up CPU "
        "of a test\",\"cpus\":2,\"cores\":2,\"nodes\":%d,\"memory_bytes\":17179869184,"
        "\"hypervisor\":true},\"fingerprint\":\"4f1c9a07e2d355b8\",\"versions\":{\"liburcu\":"
        "\"0.13.2\"},\"findings\":[],\"sweeps\":[]}\n",
        two_nodes ? 2 : 1);
    (void)fclose(f);
}

#endif

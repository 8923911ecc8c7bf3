/* SPDX-License-Identifier: MIT
 *
 * One slot: one queue, one workload, this process. Pins the threads to the allowed CPUs in order,
 * runs them, checks that what came out is what went in, prints one JSON line.
 *
 * usage: NAME --list | NAME QUEUE WORKLOAD [--ms N] [--warm N] [--items N] [--later N]
 *   --items: of the memory workloads; --later: ms after the drain, for the last look at them
 * Exit codes: 0; 1 with a line whose status is not "ok"; 2 command line; 3 machine.
 */
#include "loop/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct workload {
    const char *name;
    enum turn_kind kind; /* of the producers, or of all */
    unsigned producers, consumers;
    uint64_t capacity; /* 0 with TURN_MEMORY */
    bool work;
    uint64_t items;
};

/* Pairs keep a handful of items under way: 1024 is as good as unbounded, and fits every cache. */
static const struct workload workloads[] = {
    {"pairs_t1", TURN_PAIRS, 1, 0, 1024, false, 0},
    {"pairs_t2", TURN_PAIRS, 2, 0, 1024, false, 0},
    {"pairs_t4", TURN_PAIRS, 4, 0, 1024, false, 0},
    {"pairs_t1_work", TURN_PAIRS, 1, 0, 1024, true, 0},
    {"pairs_t2_work", TURN_PAIRS, 2, 0, 1024, true, 0},
    {"pairs_t4_work", TURN_PAIRS, 4, 0, 1024, true, 0},
    {"1p1c_1024", TURN_PRODUCE, 1, 1, 1024, false, 0},
    {"1p1c_65536", TURN_PRODUCE, 1, 1, 65536, false, 0},
    {"2p2c_1024", TURN_PRODUCE, 2, 2, 1024, false, 0},
    {"2p2c_65536", TURN_PRODUCE, 2, 2, 65536, false, 0},
    {"1p1c_b32_1024", TURN_PRODUCE_BATCH, 1, 1, 1024, false, 0},
    {"1p1c_b32_65536", TURN_PRODUCE_BATCH, 1, 1, 65536, false, 0},
    {"2p2c_b32_1024", TURN_PRODUCE_BATCH, 2, 2, 1024, false, 0},
    {"2p2c_b32_65536", TURN_PRODUCE_BATCH, 2, 2, 65536, false, 0},
    {"1p1c_chain_1024", TURN_PRODUCE_CHAIN, 1, 1, 1024, false, 0},
    {"1p1c_chain_65536", TURN_PRODUCE_CHAIN, 1, 1, 65536, false, 0},
    {"2p2c_chain_1024", TURN_PRODUCE_CHAIN, 2, 2, 1024, false, 0},
    {"2p2c_chain_65536", TURN_PRODUCE_CHAIN, 2, 2, 65536, false, 0},
    {"memory_1m", TURN_MEMORY, 1, 0, 0, false, 1000000},
    {"memory_10m", TURN_MEMORY, 1, 0, 0, false, 10000000},
};
enum { WORKLOADS = sizeof workloads / sizeof workloads[0] };

struct slot {
    const struct queue_type *type;
    const struct workload *load;
    void *queue;
    struct bed bed;
    struct turn turn[THREADS_MAX];
    cpu_set_t allowed;
    uint64_t started_ns, started_ticks;
    double seconds;
    uint64_t operations;
};

static uint64_t now_ns(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t slot_rss(void) {
    /* smaps_rollup walks the page tables; statm is cheaper and lags by up to 64 pages per CPU. */
    char line[256];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "Rss: %" SCNu64, &kib) == 1) {
            break;
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return kib * 1024;
}

static __thread int delay_fd = -1;
static __thread uint64_t delay_before;

/* What this thread has waited for a CPU since it began. */
static bool run_delay(uint64_t *ns) {
    char text[96];
    ssize_t n = delay_fd < 0 ? -1 : pread(delay_fd, text, sizeof text - 1, 0);
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    return sscanf(text, "%*u %" SCNu64, ns) == 1;
}

/* Gaps above 100 us come here so that each one's run delay is its own. */
void slot_note_gap(struct turn *t, uint64_t gap_ticks) {
    uint64_t delay = 0;
    bool known = run_delay(&delay);
    int64_t gap = (int64_t)((double)gap_ticks * t->bed->ns_per_tick);
    if (gap > 1000000) {
        gap -= known ? (int64_t)(delay - delay_before) : 0;
    }
    delay_before = known ? delay : 0;
    if (!known) {
        t->longest_ns = -1;
    } else if (t->longest_ns >= 0 && gap > t->longest_ns && ticks_now() >= t->bed->begin) {
        t->longest_ns = gap;
    }
}

/* What a line's trip from one CPU to the other takes: half of the fastest of 50 times 20 round
 * trips. On a virtual machine it depends on where the host has put the two CPUs just now (24 to
 * 110 ns seen on one machine within minutes), and with it every contended figure. */
static void throw_ball(struct bed *b, unsigned thread) {
    enum { TIMES = 50, TRIPS = 20 };
    uint64_t least = UINT64_MAX;
    for (uint64_t k = 0; k < TIMES; k++) {
        uint64_t from = ticks_now();
        for (uint64_t i = 0; i < TRIPS; i++) {
            uint64_t mine = 2 * (k * TRIPS + i) + thread;
            while (__atomic_load_n(&b->ball, __ATOMIC_ACQUIRE) != mine) {
            }
            __atomic_store_n(&b->ball, mine + 1, __ATOMIC_RELEASE);
        }
        uint64_t took = ticks_now() - from;
        least = took < least ? took : least;
    }
    if (thread == 0) {
        b->hop_ticks = least / (2 * TRIPS);
    }
}

static void *thread_main(void *argument) {
    struct turn *t = argument;
    struct slot *s = (struct slot *)(void *)((char *)t->bed - offsetof(struct slot, bed));
    cpu_set_t one;
    int want = (int)t->thread % CPU_COUNT(&s->allowed);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &s->allowed) && want-- == 0) {
            CPU_SET(cpu, &one);
        }
    }
    (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    if (t->thread < 2 && t->bed->threads >= 2 && CPU_COUNT(&s->allowed) >= 2) {
        throw_ball(t->bed, t->thread);
    }
    if (t->watch) {
        delay_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
        (void)run_delay(&delay_before);
    }
    s->type->run(s->queue, t);
    if (delay_fd >= 0) {
        (void)close(delay_fd);
    }
    return NULL;
}

static double tick_length(const struct slot *s) {
    return (double)(now_ns() - s->started_ns) / (double)(ticks_now() - s->started_ticks);
}

/* Ticks and work steps per nanosecond. A step: the least over 5 ms of chains, so that a clock that
 * is still rising and an interruption do not make the work longer than it says. Without work 1 ms
 * is enough for the ticks. */
static void calibrate(struct slot *s) {
    uint64_t enough_ns = s->load->work ? 5000000 : 1000000;
    enum { STEPS = 5000 };
    uint64_t x = 88172645463325252u, least = UINT64_MAX;
    while (now_ns() - s->started_ns < enough_ns) {
        uint64_t from = ticks_now();
        for (unsigned i = 0; i < STEPS; i++) {
            x = work_step(x);
        }
        uint64_t took = ticks_now() - from;
        least = took < least ? took : least;
    }
    s->bed.ns_per_tick = tick_length(s);
    s->bed.steps_per_ns = STEPS / ((double)least * s->bed.ns_per_tick);
}

static bool can(const struct queue_type *q, const struct workload *w) {
    if (w->kind == TURN_MEMORY) {
        return (q->flags & QUEUE_GROWS) != 0 || (q->flags & (QUEUE_BOUNDED | QUEUE_CEILING)) == 0;
    }
    if ((q->flags & QUEUE_CEILING) != 0 && w->kind != TURN_PAIRS) {
        return false;
    }
    if ((q->flags & QUEUE_ONE_TO_ONE) != 0 && w->producers > 1) {
        return false;
    }
    return w->kind != TURN_PRODUCE_CHAIN || (q->flags & QUEUE_CHAIN) != 0;
}

static unsigned batch_of(const struct workload *w) {
    return w->kind == TURN_PRODUCE_BATCH || w->kind == TURN_PRODUCE_CHAIN ? BATCH : 1;
}

static const char *batch_kind(const struct slot *s) {
    switch (s->load->kind) {
    case TURN_PRODUCE_BATCH:
        return (s->type->flags & QUEUE_BATCH) != 0 ? "\"native\"" : "\"emulated\"";
    case TURN_PRODUCE_CHAIN:
        return "\"chain\"";
    default:
        return "null";
    }
}

static void prepare(struct slot *s, uint64_t warm_ms, uint64_t ms) {
    const struct workload *w = s->load;
    struct bed *b = &s->bed;
    calibrate(s);
    b->warm_ticks = (uint64_t)((double)warm_ms * 1e6 / b->ns_per_tick);
    /* Pairs of more threads than CPUs: enough time slices (3 to 4 ms) that a thread which holds up
     * the others shows as a low rate, not as none. */
    bool crowded = w->kind == TURN_PAIRS && (int)w->producers > CPU_COUNT(&s->allowed);
    b->ticks = (uint64_t)((double)ms * (crowded ? 4 : 1) * 1e6 / b->ns_per_tick);
    b->ticks_of_100us = (uint64_t)(1e5 / b->ns_per_tick);
    b->capacity = w->capacity;
    b->items = w->items;
    b->producers = w->producers;
    b->consumers = w->consumers;
    b->threads = w->producers + w->consumers;
    (void)pthread_barrier_init(&b->barrier, NULL, b->threads);
    for (unsigned i = 0; i < b->threads; i++) {
        bool consumes = i >= w->producers;
        s->turn[i] = (struct turn){
            .bed = b,
            .thread = i,
            .kind = (enum turn_kind)((int)w->kind + (consumes ? 1 : 0)),
            .work = w->work,
            .watch = w->work && w->producers == 4,
            .distance = (s->type->flags & QUEUE_BOUNDED) == 0,
            /* Each consumer, because a batch may have left something in its port. */
            .drains = (consumes || w->kind == TURN_PAIRS) && (s->type->flags & QUEUE_CEILING) == 0,
        };
    }
}

/* The window is the same for all, from one clock reading: a thread that has no CPU when it begins
 * or ends counts from its first look to its last, at most 64 operations off. Each thread's own
 * time would leave out what it waited for a CPU at the start, a tenth with four threads on two. */
static void add_up(struct slot *s) {
    const struct turn *one = &s->turn[0];
    bool memory = s->load->kind == TURN_MEMORY;
    unsigned from = s->load->consumers > 0 ? s->load->producers : 0;
    for (unsigned i = from; i < s->bed.threads; i++) {
        s->operations += s->turn[i].operations;
    }
    uint64_t window = memory ? one->to - one->from : s->bed.end - s->bed.begin;
    s->seconds = (double)window * s->bed.ns_per_tick / 1e9;
}

/* \return "ok", or what is wrong */
static const char *judge(const struct slot *s, char *why, size_t cap) {
    struct tally in = {0, 0, 0}, out = {0, 0, 0};
    for (unsigned i = 0; i < s->bed.threads; i++) {
        const struct turn *t = &s->turn[i];
        if (t->error != 0) {
            (void)snprintf(why, cap, "thread %u: %s", i, strerror(-t->error));
            return "error";
        }
        in = (struct tally){in.n + t->in.n, in.sum + t->in.sum, in.exclusive ^ t->in.exclusive};
        out = (struct tally){out.n + t->out.n, out.sum + t->out.sum,
                             out.exclusive ^ t->out.exclusive};
    }
    bool items = (s->type->flags & QUEUE_CEILING) == 0;
    if (in.n != out.n || (items && (in.sum != out.sum || in.exclusive != out.exclusive))) {
        (void)snprintf(why, cap, "%" PRIu64 " items went in and %" PRIu64 " came out%s", in.n,
                       out.n, in.n == out.n ? ", but others" : "");
        return "wrong sum";
    }
    if (s->load->kind == TURN_MEMORY && s->turn[0].full != 0) {
        (void)snprintf(why, cap, "full after %" PRIu64 " items", in.n);
        return "full";
    }
    if (s->operations == 0) {
        (void)snprintf(why, cap, "not one operation in the window");
        return "no operation";
    }
    return "ok";
}

static void print_memory(const struct slot *s, bool ok) {
    const struct memory_figures *m = &s->turn[0].memory;
    if (s->load->kind != TURN_MEMORY || !ok || m->rss_before == 0) {
        (void)printf(",\"rss_per_item\":null,\"rss_drained\":null,\"rss_later\":null");
        return;
    }
    (void)printf(",\"rss_per_item\":%.3f,\"rss_drained\":%" PRId64 ",\"rss_later\":%" PRId64,
                 ((double)m->rss_full - (double)m->rss_before) / (double)s->load->items,
                 (int64_t)(m->rss_drained - m->rss_before),
                 (int64_t)(m->rss_later - m->rss_before));
}

static void print_wait(const struct slot *s, bool ok) {
    int64_t longest = 0;
    for (unsigned i = 0; i < s->bed.threads; i++) {
        const struct turn *t = &s->turn[i];
        longest = t->longest_ns < 0 || longest < 0 ? -1
                  : t->longest_ns > longest        ? t->longest_ns
                                                   : longest;
    }
    if (!ok || !s->turn[0].watch || longest < 0) {
        (void)printf(",\"longest_wait_ns\":null");
    } else {
        (void)printf(",\"longest_wait_ns\":%" PRId64, longest);
    }
}

static int report(const struct slot *s) {
    char why[128] = "";
    const char *status = judge(s, why, sizeof why);
    const struct workload *w = s->load;
    bool ok = strcmp(status, "ok") == 0;
    uint64_t full = 0, empty = 0;
    for (unsigned i = 0; i < s->bed.threads; i++) {
        full += s->turn[i].full;
        empty += s->turn[i].empty;
    }
    (void)printf("{\"queue\":\"%s\",\"library\":\"%s\",\"version\":\"%s\",\"workload\":\"%s\"",
                 s->type->name, s->type->library, s->type->version, w->name);
    (void)printf(",\"threads\":%u,\"batch\":%u,\"batch_kind\":%s", s->bed.threads, batch_of(w),
                 batch_kind(s));
    if (w->capacity == 0 || (w->kind == TURN_PAIRS && s->turn[0].distance)) {
        (void)printf(",\"capacity\":null");
    } else {
        (void)printf(",\"capacity\":%" PRIu64, w->capacity);
    }
    (void)printf(",\"work_ns\":%s", w->work ? "[50,150]" : "null");
    if (ok) {
        (void)printf(",\"ops\":%" PRIu64 ",\"seconds\":%.9f,\"mops\":%.6f", s->operations,
                     s->seconds, (double)s->operations / s->seconds / 1e6);
    } else {
        (void)printf(",\"ops\":null,\"seconds\":null,\"mops\":null");
    }
    print_wait(s, ok);
    print_memory(s, ok);
    if (s->bed.hop_ticks == 0) {
        (void)printf(",\"hop_ns\":null");
    } else {
        (void)printf(",\"hop_ns\":%.1f", (double)s->bed.hop_ticks * s->bed.ns_per_tick);
    }
    (void)printf(",\"full\":%" PRIu64 ",\"empty\":%" PRIu64 ",\"status\":\"%s\"", full, empty,
                 status);
    (void)(ok ? printf(",\"reason\":null}\n") : printf(",\"reason\":\"%s\"}\n", why));
    return fflush(stdout) == 0 && ok ? 0 : 1;
}

static int run(struct slot *s, uint64_t warm_ms, uint64_t ms) {
    pthread_t id[THREADS_MAX];
    if (sched_getaffinity(0, sizeof s->allowed, &s->allowed) != 0) {
        (void)fprintf(stderr, "%s: no affinity mask: %s\n", s->type->name, strerror(errno));
        return 3;
    }
    prepare(s, warm_ms, ms);
    s->queue = s->type->create(s->load->capacity, s->bed.threads);
    if (s->queue == NULL) {
        (void)fprintf(stderr, "%s: the queue cannot be created\n", s->type->name);
        return 3;
    }
    for (unsigned i = 0; i < s->bed.threads; i++) {
        int rc = pthread_create(&id[i], NULL, thread_main, &s->turn[i]);
        if (rc != 0) {
            (void)fprintf(stderr, "%s: no thread: %s\n", s->type->name, strerror(rc));
            exit(3); /* the others wait at the barrier */
        }
    }
    for (unsigned i = 0; i < s->bed.threads; i++) {
        (void)pthread_join(id[i], NULL);
    }
    s->bed.ns_per_tick = tick_length(s); /* over the whole slot, so the better one */
    add_up(s);
    s->type->destroy(s->queue);
    for (unsigned i = 0; i < s->bed.threads; i++) {
        free(s->turn[i].chains);
    }
    return report(s);
}

static int list(void) {
    for (const struct queue_type *const *q = queue_types; *q != NULL; q++) {
        (void)printf("{\"queue\":\"%s\",\"library\":\"%s\",\"version\":\"%s\",\"workloads\":[",
                     (*q)->name, (*q)->library, (*q)->version);
        const char *comma = "";
        for (unsigned i = 0; i < WORKLOADS; i++) {
            if (can(*q, &workloads[i])) {
                (void)printf("%s\"%s\"", comma, workloads[i].name);
                comma = ",";
            }
        }
        (void)printf("]}\n");
    }
    for (const struct queue_absent *a = queue_absents; a->name != NULL; a++) {
        (void)printf("{\"queue\":\"%s\",\"status\":\"not measured\",\"reason\":\"%s\"}\n", a->name,
                     a->why);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static bool option(int argc, char **argv, int *i, const char *name, uint64_t *value) {
    char *end = NULL;
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc) {
        return false;
    }
    *value = strtoull(argv[++*i], &end, 10);
    return end != argv[*i] && *end == '\0' && *value <= 1000000000u;
}

int main(int argc, char **argv) {
    static struct slot s;
    static struct workload load;
    uint64_t ms = 50, warm = 10, items = 0, later = 300;
    s.started_ns = now_ns();
    s.started_ticks = ticks_now();
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        return list();
    }
    bool good = argc >= 3;
    for (int i = 3; i < argc && good; i++) {
        good = option(argc, argv, &i, "--ms", &ms) || option(argc, argv, &i, "--warm", &warm) ||
               option(argc, argv, &i, "--items", &items) ||
               option(argc, argv, &i, "--later", &later);
    }
    for (const struct queue_type *const *q = queue_types; good && *q != NULL; q++) {
        s.type = strcmp((*q)->name, argv[1]) == 0 ? *q : s.type;
    }
    for (unsigned i = 0; good && i < WORKLOADS; i++) {
        if (strcmp(workloads[i].name, argv[2]) == 0) {
            load = workloads[i];
            s.load = &load;
        }
    }
    if (!good || s.type == NULL || s.load == NULL || !can(s.type, s.load)) {
        (void)fprintf(
            stderr,
            "usage: %s --list | QUEUE WORKLOAD [--ms N] [--warm N] [--items N] [--later N]"
            " (--list names what goes with what)\n",
            argv[0]);
        return 2;
    }
    load.items = load.items != 0 && items != 0 ? items : load.items;
    s.bed.later_ms = later;
    return run(&s, warm, ms);
}

/* SPDX-License-Identifier: MIT
 *
 * usage: soak [--items N] [--seed N] [--every SECONDS]
 *
 * N items (10^9 if not said) through segq, ring and spsc, several producers and consumers, with no
 * memory per item: an item is its producer's number and its own. At each consumer the items of one
 * producer must ascend; count, sum and a hash's sum and exclusive-or of all that came out must
 * equal those of all that went in; retired memory must stay within its bound and the process within
 * what it had after the first tenth. Exit 0 all right, 1 a flaw, 2 the command line, 77 no memory.
 */
#include "subject.h"

#include "runtime/atomic.h"

#include <inttypes.h>
#include <pinion/clock.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, PRODUCERS = 4, SEVERAL = 32, SERIAL_BITS = 40, OPERATIONS_PER_REST = 16 };
enum { BYTES_PER_ITEM = 9 /* a cell and its share of the segment, rounded up */ };
enum { WARM_UP_PARTS = 10, IDLE_BEFORE_YIELD = 16, LOOK_MS = 20 };
static const uint64_t stuck_ns = UINT64_C(60000000000);
/* Growth after the warm-up that is no leak: stacks, and the pool's slabs, which come 128 segments
 * (1.1 MiB) at a time. */
static const uint64_t growth_most = UINT64_C(4) << 20;

struct phase {
    const struct subject *subject;
    unsigned producers, consumers;
    uint64_t capacity; /* 0: unbounded; then producers keep within `window` */
    uint64_t window;
    unsigned several;
    unsigned percent; /* of all items */
};

static const struct phase phases[] = {
    {.subject = &subject_segq,
     .producers = 2,
     .consumers = 2,
     .capacity = 65536,
     .several = 1,
     .percent = 25},
    {.subject = &subject_segq,
     .producers = 3,
     .consumers = 2,
     .window = 1 << 20,
     .several = 32,
     .percent = 25},
    {.subject = &subject_segq,
     .producers = 3,
     .consumers = 3,
     .capacity = 4096,
     .several = 1,
     .percent = 10},
    {.subject = &subject_ring,
     .producers = 2,
     .consumers = 2,
     .capacity = 65536,
     .several = 1,
     .percent = 15},
    {.subject = &subject_ring,
     .producers = 3,
     .consumers = 2,
     .capacity = 1024,
     .several = 32,
     .percent = 15},
    {.subject = &subject_spsc,
     .producers = 1,
     .consumers = 1,
     .capacity = 1024,
     .several = 1,
     .percent = 5},
    {.subject = &subject_spsc,
     .producers = 1,
     .consumers = 1,
     .capacity = 65536,
     .several = 32,
     .percent = 5},
};

struct sums {
    uint64_t items, sum, hash_sum, hash_xor;
};

struct soak;

struct worker {
    struct soak *s;
    unsigned producer; /* its number; for consumers unused */
    uint64_t end;      /* items to push */
    struct sums sums;
    uint64_t next[PRODUCERS]; /* per producer: the least serial that may come */
    uint64_t disorder, first_disorder;
    uint64_t rng;
    unsigned idle;
    _Atomic bool failed; /* no port */
    pthread_t thread;
    _Alignas(PN_LINE) _Atomic uint64_t done; /* items so far, for those who wait and watch */
};

struct soak {
    const struct phase *phase;
    void *queue;
    uint64_t items;
    unsigned n_threads;
    struct worker worker[THREADS];
    _Alignas(PN_LINE) _Atomic bool give_up;
};

static uint64_t draw(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x >> 8;
}

/* The finaliser of splitmix64: sums of it do not cancel where sums of neighbours do. */
static uint64_t hash(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void add(struct sums *s, uint64_t value) {
    uint64_t h = hash(value);
    s->items++;
    s->sum += value;
    s->hash_sum += h;
    s->hash_xor ^= h;
}

static uint64_t value_of(unsigned producer, uint64_t serial) {
    return ((uint64_t)producer << SERIAL_BITS | serial) + 1;
}

static uint64_t done_by_all(struct soak *s, bool producers) {
    unsigned first = producers ? 0 : s->phase->producers;
    unsigned last = producers ? s->phase->producers : s->n_threads;
    uint64_t n = 0;
    for (unsigned t = first; t < last; t++) {
        n += atomic_load_explicit(&s->worker[t].done, memory_order_relaxed);
    }
    return n;
}

static bool wait_a_little(struct worker *w) {
    if (++w->idle >= IDLE_BEFORE_YIELD) {
        w->idle = 0;
        (void)sched_yield();
    } else {
        pn_relax();
    }
    return !atomic_load_explicit(&w->s->give_up, memory_order_relaxed);
}

static size_t how_many(struct worker *w) {
    return w->s->phase->several <= 1 ? 1 : 1 + draw(&w->rng) % w->s->phase->several;
}

static bool too_far_ahead(struct soak *s) {
    return s->phase->capacity == 0 &&
           done_by_all(s, true) > done_by_all(s, false) + s->phase->window;
}

static void rest(const struct worker *w, void *port, unsigned *operations) {
    if (++*operations % OPERATIONS_PER_REST == 0 && w->s->phase->subject->rest != NULL) {
        w->s->phase->subject->rest(port);
    }
}

static void *produce(void *arg) {
    struct worker *w = arg;
    const struct subject *subject = w->s->phase->subject;
    void *port = subject->open(w->s->queue, ROLE_PUSH);
    atomic_store(&w->failed, port == NULL);
    unsigned operations = 0;
    for (uint64_t serial = 0; port != NULL && serial < w->end;) {
        rest(w, port, &operations);
        if (operations % 256 == 0 && too_far_ahead(w->s)) {
            operations--; /* come back here */
            if (subject->rest != NULL) {
                subject->rest(port);
            }
            if (!wait_a_little(w)) {
                break;
            }
            continue;
        }
        void *items[SEVERAL];
        enum answer why;
        size_t n = how_many(w);
        n = n < w->end - serial ? n : (size_t)(w->end - serial);
        for (size_t i = 0; i < n; i++) {
            items[i] = (void *)(uintptr_t)(value_of(w->producer, serial + i) << 3);
        }
        size_t k = subject->push(port, items, n, &why);
        for (size_t i = 0; i < k; i++) {
            add(&w->sums, value_of(w->producer, serial + i));
        }
        serial += k;
        atomic_store_explicit(&w->done, serial, memory_order_relaxed);
        if (k == 0 && !wait_a_little(w)) {
            break;
        }
    }
    if (port != NULL) {
        subject->close(port);
    }
    return NULL;
}

static void check_item(struct worker *w, const void *item) {
    uint64_t value = (uint64_t)(uintptr_t)item >> 3;
    uint64_t producer = (value - 1) >> SERIAL_BITS;
    uint64_t serial = (value - 1) & ((UINT64_C(1) << SERIAL_BITS) - 1);
    add(&w->sums, value);
    if (producer >= w->s->phase->producers || serial < w->next[producer]) {
        w->first_disorder = w->disorder == 0 ? value : w->first_disorder;
        w->disorder++;
        return;
    }
    w->next[producer] = serial + 1;
}

static void *consume(void *arg) {
    struct worker *w = arg;
    const struct subject *subject = w->s->phase->subject;
    void *port = subject->open(w->s->queue, ROLE_POP);
    atomic_store(&w->failed, port == NULL);
    unsigned operations = 0;
    while (port != NULL) {
        rest(w, port, &operations);
        void *items[SEVERAL];
        enum answer why;
        size_t k = subject->pop(port, items, w->s->phase->several, &why);
        for (size_t i = 0; i < k; i++) {
            check_item(w, items[i]);
        }
        atomic_store_explicit(&w->done, w->sums.items, memory_order_relaxed);
        if (k == 0 && (done_by_all(w->s, false) >= w->s->items || !wait_a_little(w))) {
            break;
        }
    }
    if (port != NULL) {
        subject->close(port);
    }
    return NULL;
}

static uint64_t resident_bytes(void) {
    unsigned long long size = 0;
    unsigned long long resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL) {
        return 0;
    }
    int n = fscanf(f, "%llu %llu", &size, &resident);
    (void)fclose(f);
    return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

struct watch {
    uint64_t start_ns, said_ns, said_items, moved_ns, moved_items;
    uint64_t warm_resident, most_resident; /* at the end of the warm-up, most after it */
    struct subject_memory most;
};

static double seconds(uint64_t ns) {
    return (double)ns * 1e-9;
}

static double mib(uint64_t bytes) {
    return (double)bytes / (1 << 20);
}

static void look(struct soak *s, struct watch *w, uint64_t every_ns) {
    uint64_t now = pn_now_ns();
    uint64_t out = done_by_all(s, false);
    uint64_t resident = resident_bytes();
    struct subject_memory memory = {0};
    if (s->phase->subject->memory != NULL) {
        s->phase->subject->memory(s->queue, &memory);
    }
    w->most.retired = memory.retired > w->most.retired ? memory.retired : w->most.retired;
    w->most.retired_bound = memory.retired_bound;
    w->most.segments_retired = memory.segments_retired;
    w->most.mapped = memory.mapped;
    if (out >= s->items / WARM_UP_PARTS) {
        w->warm_resident = w->warm_resident == 0 ? resident : w->warm_resident;
        w->most_resident = resident > w->most_resident ? resident : w->most_resident;
    }
    if (out != w->moved_items) {
        w->moved_items = out;
        w->moved_ns = now;
    }
    if (now - w->moved_ns > stuck_ns) {
        printf("  stands still: %" PRIu64 " in, %" PRIu64 " out\n", done_by_all(s, true), out);
        atomic_store(&s->give_up, true);
    }
    if (now - w->said_ns >= every_ns) {
        printf("  %6.0f s %13" PRIu64 " items %6.1f M/s; resident %.1f MiB; retired %.2f MiB, "
               "%" PRIu64 " segments so far\n",
               seconds(now - w->start_ns), out,
               (double)(out - w->said_items) / seconds(now - w->said_ns) * 1e-6, mib(resident),
               mib(memory.retired), memory.segments_retired);
        (void)fflush(stdout);
        w->said_ns = now;
        w->said_items = out;
    }
}

static void fold(struct sums *into, const struct sums *from) {
    into->items += from->items;
    into->sum += from->sum;
    into->hash_sum += from->hash_sum;
    into->hash_xor ^= from->hash_xor;
}

/* \return how many things are wrong, each said */
static unsigned judge(struct soak *s, const struct watch *w) {
    unsigned wrong = 0;
    struct sums in = {0};
    struct sums out = {0};
    for (unsigned t = 0; t < s->n_threads; t++) {
        const struct worker *one = &s->worker[t];
        fold(t < s->phase->producers ? &in : &out, &one->sums);
        if (one->disorder > 0) {
            uint64_t first = one->first_disorder - 1;
            printf("  WRONG: consumer %u saw %" PRIu64 " items not after their predecessor, first "
                   "producer %" PRIu64 " item %" PRIu64 "\n",
                   t, one->disorder, first >> SERIAL_BITS,
                   first & ((UINT64_C(1) << SERIAL_BITS) - 1));
            wrong++;
        }
    }
    if (in.items != s->items || in.items != out.items) {
        printf("  WRONG: %" PRIu64 " items in, %" PRIu64 " out\n", in.items, out.items);
        wrong++;
    }
    if (in.sum != out.sum || in.hash_sum != out.hash_sum || in.hash_xor != out.hash_xor) {
        printf("  WRONG: what came out is not what went in (sum %" PRIx64 " %" PRIx64
               ", hashes %" PRIx64 " %" PRIx64 ", xor %" PRIx64 " %" PRIx64 ")\n",
               in.sum, out.sum, in.hash_sum, out.hash_sum, in.hash_xor, out.hash_xor);
        wrong++;
    }
    /* Past the bound no segment is appended; those that were linked then are used up and retired,
     * and each thread may have looked before. */
    uint64_t inside = s->phase->capacity != 0 ? s->phase->capacity : s->phase->window;
    uint64_t margin = inside * BYTES_PER_ITEM + (uint64_t)s->n_threads * 16384;
    if (w->most.retired > w->most.retired_bound + margin) {
        printf("  WRONG: %.2f MiB were retired at once, the bound is %.2f\n", mib(w->most.retired),
               mib(w->most.retired_bound));
        wrong++;
    }
    /* How much waits, inside or for a grace period, varies up to its bounds with who is preempted;
     * and the pool keeps up to twice what was needed lately. */
    uint64_t needed = w->most.mapped == 0 ? 0 : w->most.retired_bound + margin;
    uint64_t growth = growth_most + 2 * needed;
    if (w->most_resident > w->warm_resident + growth) {
        printf("  WRONG: resident memory grew from %.1f to %.1f MiB after the warm-up\n",
               mib(w->warm_resident), mib(w->most_resident));
        wrong++;
    }
    return wrong;
}

static bool start_threads(struct soak *s, uint64_t seed) {
    uint64_t rng = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (unsigned t = 0; t < s->n_threads; t++) {
        bool producer = t < s->phase->producers;
        struct worker *w = &s->worker[t];
        w->s = s;
        w->producer = t;
        w->end = producer ? s->items / s->phase->producers : 0;
        w->end += producer && t == 0 ? s->items % s->phase->producers : 0;
        w->rng = draw(&rng) | 1;
    }
    for (unsigned t = 0; t < s->n_threads; t++) {
        bool producer = t < s->phase->producers;
        if (pthread_create(&s->worker[t].thread, NULL, producer ? produce : consume,
                           &s->worker[t]) != 0) {
            return false;
        }
    }
    return true;
}

/* \return how many things are wrong; -1 it could not be run */
static int run_phase(const struct phase *phase, uint64_t items, uint64_t seed, uint64_t every_ns) {
    struct soak *s = aligned_alloc(PN_LINE, sizeof *s);
    if (s == NULL) {
        return -1;
    }
    memset((void *)s, 0, sizeof *s);
    s->phase = phase;
    s->items = items;
    s->n_threads = phase->producers + phase->consumers;
    uint64_t bound = 0;
    printf("%s %uP%uC ", phase->subject->name, phase->producers, phase->consumers);
    printf(phase->capacity == 0 ? "unbounded" : "capacity %" PRIu64, phase->capacity);
    printf(", up to %u at once, %" PRIu64 " items\n", phase->several, items);
    (void)fflush(stdout);
    if (phase->subject->create(&s->queue, phase->capacity, s->n_threads, &bound) != 0 ||
        !start_threads(s, seed)) {
        return -1; /* threads may run: the process ends */
    }
    struct watch w = {.start_ns = pn_now_ns()};
    w.said_ns = w.moved_ns = w.start_ns;
    while (done_by_all(s, false) < items && !atomic_load(&s->give_up)) {
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
        look(s, &w, every_ns);
        for (unsigned t = 0; t < s->n_threads; t++) {
            if (atomic_load(&s->worker[t].failed)) {
                return -1;
            }
        }
    }
    for (unsigned t = 0; t < s->n_threads; t++) {
        (void)pthread_join(s->worker[t].thread, NULL);
    }
    uint64_t ns = pn_now_ns() - w.start_ns;
    unsigned wrong = judge(s, &w);
    phase->subject->destroy(s->queue);
    printf("  %s: %.1f s, %.1f M/s; resident %.1f MiB after the warm-up, %.1f at most then",
           wrong == 0 ? "all right" : "NOT RIGHT", seconds(ns), (double)items / seconds(ns) * 1e-6,
           mib(w.warm_resident), mib(w.most_resident));
    if (w.most.mapped != 0) {
        printf(
            "; %" PRIu64
            " segments retired, at most %.2f MiB at once (bound %.0f), %.1f MiB mapped at the end",
            w.most.segments_retired, mib(w.most.retired), mib(w.most.retired_bound),
            mib(w.most.mapped));
    }
    printf("\n");
    (void)fflush(stdout);
    free(s);
    return (int)wrong;
}

int main(int argc, char **argv) {
    uint64_t items = 1000000000;
    uint64_t seed = 1;
    uint64_t every = 30;
    for (int i = 1; i < argc; i += 2) {
        uint64_t *slot = strcmp(argv[i], "--items") == 0   ? &items
                         : strcmp(argv[i], "--seed") == 0  ? &seed
                         : strcmp(argv[i], "--every") == 0 ? &every
                                                           : NULL;
        if (slot == NULL || i + 1 == argc) {
            (void)fprintf(stderr, "usage: soak [--items N] [--seed N] [--every SECONDS]\n");
            return 2;
        }
        *slot = strtoull(argv[i + 1], NULL, 10);
    }
    uint64_t start = pn_now_ns();
    int wrong = 0;
    uint64_t total = 0;
    printf("seed %" PRIu64 ", %" PRIu64 " items\n", seed, items);
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        uint64_t part = items / 100 * phases[i].percent;
        int rc = part == 0 ? 0 : run_phase(&phases[i], part, seed + i, every * 1000000000);
        if (rc < 0) {
            printf("skipped: no memory or no thread for it\n");
            return 77;
        }
        wrong += rc;
        total += part;
    }
    printf("%s: %" PRIu64 " items in %.0f s, %d things wrong\n",
           wrong == 0 ? "nothing lost, doubled or reordered" : "NOT RIGHT", total,
           seconds(pn_now_ns() - start), wrong);
    return wrong != 0;
}

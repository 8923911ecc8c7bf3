/* SPDX-License-Identifier: MIT
 *
 * The arena against a shadow model: every block out is known with its size and filled with its own
 * pattern, so that overlap, loss, a wrong home or a wrong count is seen.
 */
#include <pinion/arena.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const struct pn_os_node any_node = {-1};

static struct pn_arena *make(enum pn_mem_policy policy, unsigned home, const uint8_t *near) {
    struct pn_arena_config config = {.policy = policy,
                                     .node = any_node,
                                     .home = home,
                                     .near = near,
                                     .n_homes = near == NULL ? 0 : 64};
    struct pn_arena *arena = NULL;
    assert_int_equal(pn_arena_create(&arena, &config), 0);
    return arena;
}

static void check(const struct pn_arena *arena) {
    struct pn_error err = {{0}};
    if (pn_arena_check(arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static struct pn_arena_counts counts_of(const struct pn_arena *arena) {
    struct pn_arena_counts counts;
    pn_arena_counts(arena, &counts);
    return counts;
}

static uint64_t draw(uint64_t *rng) {
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return *rng * 0x2545f4914f6cdd1du;
}

/* Mostly small, some large, few with a mapping of their own. */
static size_t random_bytes(uint64_t *rng) {
    uint64_t kind = draw(rng) % 1000;
    if (kind < 900) {
        return draw(rng) % 2000;
    }
    if (kind < 970) {
        return draw(rng) % 40000;
    }
    return kind < 997 ? draw(rng) % 1200000 : 4000000 + draw(rng) % 3000000;
}

static size_t alignment_for(size_t bytes) {
    return bytes >= 1024 ? 128 : bytes >= 512 ? 64 : 16;
}

struct shadow {
    unsigned char *block;
    size_t bytes;
    unsigned home;
    unsigned char fill;
};

/* Both ends and a stride between, so that megabytes do not cost milliseconds. */
static void shadow_fill(struct shadow *s) {
    for (size_t i = 0; i < s->bytes; i += i < 64 ? 1 : 509) {
        s->block[i] = s->fill;
    }
    if (s->bytes > 0) {
        s->block[s->bytes - 1] = s->fill;
    }
}

static void shadow_verify(const struct shadow *s) {
    for (size_t i = 0; i < s->bytes; i += i < 64 ? 1 : 509) {
        assert_int_equal(s->block[i], s->fill);
    }
    if (s->bytes > 0) {
        assert_int_equal(s->block[s->bytes - 1], s->fill);
    }
}

enum { HOMES = 20, LIVE = 1500 }; /* more homes than outboxes: some share one */

struct model {
    struct shadow live[LIVE];
    uint8_t near[64];
    struct pn_arena *arenas[HOMES];
    uint64_t freed[HOMES][PN_NEAR_COUNT + 1];
    uint64_t rng;
};

static void model_free(struct model *m, unsigned who, struct shadow *s) {
    shadow_verify(s);
    pn_arena_free(m->arenas[who], s->block);
    s->block = NULL;
    m->freed[who][s->home == who ? PN_NEAR_SELF : m->near[s->home]]++;
}

static void model_step(struct model *m) {
    struct shadow *s = &m->live[draw(&m->rng) % LIVE];
    unsigned who = (unsigned)(draw(&m->rng) % HOMES);
    who = who < 10 ? 0 : who; /* one arena does most, so that spans fill up */
    if (s->block == NULL) {
        *s = (struct shadow){
            .bytes = random_bytes(&m->rng), .home = who, .fill = (unsigned char)draw(&m->rng)};
        s->block = pn_arena_alloc(m->arenas[who], s->bytes);
        assert_non_null(s->block);
        assert_int_equal((uintptr_t)s->block % alignment_for(s->bytes), 0);
        assert_int_equal(pn_arena_home_of(s->block), who);
        shadow_fill(s);
    } else {
        model_free(m, who, s);
    }
    if (draw(&m->rng) % 64 == 0) {
        (void)pn_arena_flush(m->arenas[who]);
        (void)pn_arena_collect(m->arenas[draw(&m->rng) % HOMES]);
    }
    if (draw(&m->rng) % 512 == 0) {
        check(m->arenas[who]);
    }
}

static void model_finish(struct model *m) {
    uint64_t out = 0, back = 0;
    for (unsigned i = 0; i < LIVE; i++) {
        if (m->live[i].block != NULL) {
            model_free(m, 0, &m->live[i]);
        }
    }
    for (unsigned i = 0; i < HOMES; i++) {
        (void)pn_arena_flush(m->arenas[i]);
    }
    for (unsigned i = 0; i < HOMES; i++) {
        (void)pn_arena_collect(m->arenas[i]);
        check(m->arenas[i]);
        struct pn_arena_counts counts = counts_of(m->arenas[i]);
        for (unsigned d = 0; d <= PN_NEAR_COUNT; d++) {
            assert_int_equal(counts.freed[d], m->freed[i][d]);
        }
        out += counts.alloc;
        back += counts.freed_home + counts.received;
    }
    assert_int_equal(out, back);
    for (unsigned i = 0; i < HOMES; i++) {
        pn_arena_destroy(m->arenas[i]);
    }
}

static void run_model(uint64_t seed, unsigned steps) {
    static struct model model;
    memset(&model, 0, sizeof model);
    model.rng = seed;
    for (unsigned i = 0; i < 64; i++) {
        model.near[i] = (uint8_t)(i % (PN_NEAR_COUNT + 1));
    }
    for (unsigned i = 0; i < HOMES; i++) {
        model.arenas[i] = make(PN_MEM_LOCAL, i, model.near);
    }
    for (unsigned step = 0; step < steps; step++) {
        model_step(&model);
    }
    model_finish(&model);
}

static void test_model_random_operations_agree(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        run_model(seed * 1000003, 20000);
    }
}

static void test_alloc_every_size_holds_its_bytes(void **state) {
    (void)state;
    struct pn_arena *arena = make(PN_MEM_LOCAL, 0, NULL);
    for (size_t bytes = 0; bytes < 70000; bytes += bytes < 2100 ? 1 : 613) {
        struct shadow a = {.bytes = bytes, .fill = 0xa5}, b = {.bytes = bytes, .fill = 0x5a};
        a.block = pn_arena_alloc(arena, bytes);
        b.block = pn_arena_alloc(arena, bytes);
        assert_non_null(a.block);
        assert_non_null(b.block);
        shadow_fill(&a);
        shadow_fill(&b);
        shadow_verify(&a);
        assert_int_equal((uintptr_t)a.block % alignment_for(bytes), 0);
        pn_arena_free(arena, a.block);
        pn_arena_free(arena, b.block);
    }
    check(arena);
    pn_arena_free(arena, NULL);
    assert_null(pn_arena_alloc(arena, SIZE_MAX));
    assert_null(pn_arena_alloc(arena, SIZE_MAX / 2));
    pn_arena_destroy(arena);
}

static void test_free_abroad_travels_in_batches(void **state) {
    (void)state;
    static const uint8_t near[64] = {PN_NEAR_SELF, PN_NEAR_REMOTE};
    struct pn_arena *home = make(PN_MEM_LOCAL, 1, near), *other = make(PN_MEM_LOCAL, 0, near);
    void *blocks[2 * PN_ARENA_BATCH + 1];
    for (unsigned i = 0; i < 2 * PN_ARENA_BATCH + 1; i++) {
        blocks[i] = pn_arena_alloc(home, 100);
    }
    for (unsigned i = 0; i < 2 * PN_ARENA_BATCH + 1; i++) {
        pn_arena_free(other, blocks[i]);
    }
    struct pn_arena_counts counts = counts_of(other);
    assert_int_equal(counts.batches_sent, 2);
    assert_int_equal(counts.freed[PN_NEAR_REMOTE], 2 * PN_ARENA_BATCH + 1);
    assert_int_equal(pn_arena_collect(home), 2 * PN_ARENA_BATCH);
    assert_int_equal(pn_arena_collect(home), 0);
    assert_int_equal(pn_arena_flush(other), 1);
    assert_int_equal(pn_arena_flush(other), 0);
    assert_int_equal(pn_arena_collect(home), 1);
    /* A heavy block does not wait for 31 others. */
    pn_arena_free(other, pn_arena_alloc(home, 200000));
    assert_int_equal(pn_arena_collect(home), 1);
    check(home);
    pn_arena_destroy(other);
    pn_arena_destroy(home);
}

/* A pipeline: one thread allocates, another frees. Memory stays bounded without any flush. */
static void test_alloc_drains_the_inbox_before_it_grows(void **state) {
    (void)state;
    struct pn_arena *home = make(PN_MEM_LOCAL, 1, NULL), *other = make(PN_MEM_LOCAL, 0, NULL);
    static const size_t sizes[] = {48, 300, 9000, 65536, 262144, 1048576, 5000000};
    for (unsigned k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        for (unsigned i = 0; i < 3000; i++) {
            void *block = pn_arena_alloc(home, sizes[k]);
            assert_non_null(block);
            *(char *)block = 1;
            pn_arena_free(other, block);
        }
    }
    struct pn_arena_counts counts = counts_of(home);
    assert_true(counts.span_high_bytes <= 4u << 20);
    assert_true(counts.maps <= 6);
    check(home);
    pn_arena_destroy(other);
    pn_arena_destroy(home);
}

static uint64_t rss_bytes(void) {
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    (void)close(fd);
    char *resident = strchr(text, ' ');
    assert_non_null(resident);
    return strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void test_footprint_idle_and_small_objects(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    print_message("the sanitizer's shadow memory is counted as ours\n");
    skip();
#endif
    enum { ARENAS = 64, OBJECTS = 10000 };
    static struct pn_arena *arenas[ARENAS];
    static void *objects[OBJECTS];
    memset(objects, 1, sizeof objects);
    arenas[0] = make(PN_MEM_LOCAL, 0, NULL);
    uint64_t before = rss_bytes();
    for (unsigned i = 1; i < ARENAS; i++) {
        arenas[i] = make(PN_MEM_LOCAL, i, NULL);
        *(char *)pn_arena_alloc(arenas[i], 40) = 1;
    }
    uint64_t idle = rss_bytes() - before;
    assert_true(idle <= (uint64_t)(ARENAS - 1) * 65536);
    before = rss_bytes();
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = pn_arena_alloc(arenas[0], 300);
        memset(objects[i], 1, 300);
    }
    uint64_t small = rss_bytes() - before;
    print_message("idle arena %u bytes, 10000 objects of 300 bytes %u bytes\n",
                  (unsigned)(idle / (ARENAS - 1)), (unsigned)small);
    assert_true(small <= 3500000);
    for (unsigned i = 0; i < ARENAS; i++) {
        pn_arena_destroy(arenas[i]);
    }
}

static uint64_t address_space_bytes(void) {
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    (void)close(fd);
    return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void test_destroy_returns_everything(void **state) {
    (void)state;
    uint64_t before = address_space_bytes();
    for (unsigned round = 0; round < 20; round++) {
        struct pn_arena *arena = make(PN_MEM_LOCAL, 0, NULL);
        for (unsigned i = 0; i < 400; i++) {
            assert_non_null(pn_arena_alloc(arena, 100000));
        }
        pn_arena_free(arena, pn_arena_alloc(arena, 10000000)); /* kept */
        assert_non_null(pn_arena_alloc(arena, 20000000));      /* out */
        struct pn_arena_counts counts = counts_of(arena);
        assert_true(counts.mapped_bytes >= 40000000 + 20000000);
        assert_true(counts.mapped_high_bytes >= counts.mapped_bytes);
        pn_arena_destroy(arena);
    }
    uint64_t after = address_space_bytes();
    assert_true(after < before + (8u << 20));
}

static void test_freed_spans_serve_other_classes(void **state) {
    (void)state;
    struct pn_arena *arena = make(PN_MEM_LOCAL, 0, NULL);
    static void *blocks[8000];
    static const size_t sizes[] = {400, 100000, 2000, 1500000, 64, 33000};
    for (unsigned k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        size_t n = 3000000 / sizes[k] < 8000 ? 3000000 / sizes[k] : 8000;
        for (size_t i = 0; i < n; i++) {
            blocks[i] = pn_arena_alloc(arena, sizes[k]);
            assert_non_null(blocks[i]);
        }
        for (size_t i = 0; i < n; i++) {
            pn_arena_free(arena, blocks[i]);
        }
        check(arena);
    }
    assert_true(counts_of(arena).maps <= 2);
    pn_arena_destroy(arena);
}

/* One block of each class, given back, lies in a bin of a span of its own: all of a chunk is kept
 * free. It must serve a large block before the arena grows. */
static void test_kept_blocks_are_given_up_before_growing(void **state) {
    (void)state;
    struct pn_arena *arena = make(PN_MEM_LOCAL, 0, NULL);
    for (size_t bytes = 16; bytes <= 8192; bytes += bytes / 8 + 1) {
        pn_arena_free(arena, pn_arena_alloc(arena, bytes));
    }
    pn_arena_free(arena, pn_arena_alloc(arena, 200000));
    assert_non_null(pn_arena_alloc(arena, 3900000));
    assert_int_equal(counts_of(arena).maps, 1);
    check(arena);
    pn_arena_destroy(arena);
}

static void test_malloc_policy_passes_through_and_counts(void **state) {
    (void)state;
    struct pn_arena *a = make(PN_MEM_MALLOC, 0, NULL), *b = make(PN_MEM_MALLOC, 1, NULL);
    void *block = pn_arena_alloc(a, 0);
    void *large = pn_arena_alloc(a, 1000000);
    assert_non_null(block);
    assert_non_null(large);
    pn_arena_free(b, block);
    pn_arena_free(a, large);
    assert_int_equal(counts_of(a).alloc, 2);
    assert_int_equal(counts_of(b).freed[PN_NEAR_UNKNOWN], 1);
    assert_int_equal(pn_arena_flush(b), 0);
    assert_int_equal(pn_arena_collect(a), 0);
    struct pn_audit audit = {0};
    pn_arena_audit(a, &audit);
    assert_int_equal(audit.pages, 0);
    check(a);
    pn_arena_destroy(a);
    pn_arena_destroy(b);
    pn_arena_destroy(NULL);
    struct pn_arena_config bad = {.policy = (enum pn_mem_policy)99};
    struct pn_arena *none = NULL;
    assert_true(pn_arena_create(&none, &bad) < 0);
    assert_null(none);
}

/* Where binding is refused, or node 0 does not exist, the arena says so and works all the same. */
static void test_audit_bound_pages_lie_on_the_node(void **state) {
    (void)state;
    struct pn_arena_config config = {.policy = PN_MEM_LOCAL, .node = {0}};
    struct pn_arena *arena = NULL;
    assert_int_equal(pn_arena_create(&arena, &config), 0);
    enum { BYTES = 500000 };
    memset(pn_arena_alloc(arena, BYTES), 1, BYTES);
    struct pn_audit audit = {0};
    pn_arena_audit(arena, &audit);
    struct pn_arena_counts counts = counts_of(arena);
    if (counts.bound != 0 || audit.error != 0) {
        print_message("not bound or not auditable here: %d, %d\n", counts.bound, audit.error);
    } else {
        assert_true(audit.expected >= BYTES / 65536);
        assert_int_equal(audit.elsewhere, 0);
        assert_int_equal(audit.pages, audit.expected + audit.absent);
    }
    pn_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_random_operations_agree),
        cmocka_unit_test(test_alloc_every_size_holds_its_bytes),
        cmocka_unit_test(test_free_abroad_travels_in_batches),
        cmocka_unit_test(test_alloc_drains_the_inbox_before_it_grows),
        cmocka_unit_test(test_footprint_idle_and_small_objects),
        cmocka_unit_test(test_destroy_returns_everything),
        cmocka_unit_test(test_freed_spans_serve_other_classes),
        cmocka_unit_test(test_kept_blocks_are_given_up_before_growing),
        cmocka_unit_test(test_audit_bound_pages_lie_on_the_node),
        cmocka_unit_test(test_malloc_policy_passes_through_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The histogram's percentiles against those of the sorted values themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pinion/generator.h>
#include <pinion/histogram.h>
#include <string.h>

enum { N = 20000 };

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static struct pn_histogram *make(void) {
    static const size_t bytes = sizeof(struct pn_histogram);
    struct pn_histogram *h = calloc(1, bytes);
    assert_non_null(h);
    return h;
}

/* A bucket is 1/128 of its power of two wide; its middle is off by half of that at most. */
static void check(const uint64_t *sorted, uint64_t n, const struct pn_histogram *h,
                  const char *what) {
    static const double quantiles[] = {0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 0.9999, 1};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        uint64_t exact = sorted[(uint64_t)((double)(n - 1) * quantiles[i])];
        uint64_t got = pn_histogram_quantile(h, quantiles[i]);
        uint64_t apart = got > exact ? got - exact : exact - got;
        if (apart > exact / 256 + 1) {
            print_error("%s: q=%g: %llu, exact %llu\n", what, quantiles[i], (unsigned long long)got,
                        (unsigned long long)exact);
            fail();
        }
    }
    assert_int_equal(h->max, sorted[n - 1]);
    assert_int_equal(h->n, n);
}

static void percentiles_match_the_sorted_values(void **state) {
    (void)state;
    static const unsigned shifts[] = {0, 8, 16, 24, 31};
    uint64_t *values = malloc(N * sizeof *values);
    assert_non_null(values);
    for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
        struct pn_histogram *h = make();
        for (uint32_t i = 0; i < N; i++) {
            /* From very short to very long, dense in the short: 2^0 .. 2^41. */
            values[i] = (uint64_t)(pn_mix(i) >> shifts[s]) << (pn_mix(~i) % 10);
            pn_histogram_add(h, values[i]);
        }
        qsort(values, N, sizeof *values, ascending);
        check(values, N, h, "random");
        free(h);
    }
    free(values);
}

static void few_values_are_told_apart(void **state) {
    (void)state;
    static const uint64_t sets[][4] = {
        {5, 5, 5, 5}, {0, 1, 2, 255}, {255, 256, 257, 512}, {1000, 2000, 4000000, 400000000000}};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        struct pn_histogram *h = make();
        for (size_t i = 0; i < 4; i++) {
            pn_histogram_add(h, sets[s][i]);
        }
        check(sets[s], 4, h, "set");
        free(h);
    }
    struct pn_histogram *one = make();
    pn_histogram_add(one, 123456789);
    check((const uint64_t[]){123456789}, 1, one, "one");
    free(one);
}

static void buckets_follow_each_other(void **state) {
    (void)state;
    struct pn_histogram *h = make();
    for (unsigned i = 0; i + 1 < PN_HISTOGRAM_BUCKETS; i++) {
        uint64_t lo = pn_histogram_floor(i);
        uint64_t hi = pn_histogram_floor(i + 1);
        assert_true(hi > lo);
        pn_histogram_add(h, lo);
        pn_histogram_add(h, hi - 1);
        assert_int_equal(h->count[i], 2);
    }
    free(h);
}

static void too_long_is_kept_in_the_last_bucket(void **state) {
    (void)state;
    struct pn_histogram *h = make();
    pn_histogram_add(h, 1);
    pn_histogram_add(h, UINT64_MAX);
    assert_int_equal(h->count[PN_HISTOGRAM_BUCKETS - 1], 1);
    assert_int_equal(h->max, UINT64_MAX);
    assert_int_equal(pn_histogram_quantile(h, 0), 1);
    free(h);
}

static void merging_is_adding(void **state) {
    (void)state;
    struct pn_histogram *all = make();
    struct pn_histogram *a = make();
    struct pn_histogram *b = make();
    for (uint32_t i = 0; i < N; i++) {
        uint64_t v = pn_mix(i) >> (i % 20);
        pn_histogram_add(all, v);
        pn_histogram_add(i % 3 == 0 ? a : b, v);
    }
    pn_histogram_merge(a, b);
    assert_memory_equal(a, all, sizeof *a);
    free(all);
    free(a);
    free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_match_the_sorted_values),
        cmocka_unit_test(few_values_are_told_apart),
        cmocka_unit_test(buckets_follow_each_other),
        cmocka_unit_test(too_long_is_kept_in_the_last_bucket),
        cmocka_unit_test(merging_is_adding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

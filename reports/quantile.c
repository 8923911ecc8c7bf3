/* SPDX-License-Identifier: MIT */
#include <pinion/quantile.h>

#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void pn_sort(double *values, size_t n) {
    qsort(values, n, sizeof *values, ascending);
}

double pn_median_sorted(const double *values, size_t n) {
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/* SPDX-License-Identifier: MIT
 *
 * Order statistics of small samples.
 */
#ifndef PINION_QUANTILE_H
#define PINION_QUANTILE_H

#include <stddef.h>

/** Sort ascending in place. No NaN may be among the values. */
void pn_sort(double *values, size_t n);

/** Median of n >= 1 sorted values; the mean of the middle two where n is even. */
double pn_median_sorted(const double *values, size_t n);

#endif

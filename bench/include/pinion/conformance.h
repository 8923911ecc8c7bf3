/* SPDX-License-Identifier: MIT
 *
 * Whether a peer does the workload: the schema's check values, drawn parameter sets against the
 * jobs one after another without any runtime, and every line it prints against the schema.
 */
#ifndef PINION_CONFORMANCE_H
#define PINION_CONFORMANCE_H

#include <pinion/params.h>
#include <stdbool.h>

struct pn_reference {
    uint64_t done, lost, checksum;
};

/** The jobs of a set, one after another. Without drop=1, an injected failure or too many restarts
 * every runtime reports the same. */
void pn_reference_run(const struct pn_params *params, struct pn_reference *out);

/** What one unit of work costs here, ns: the least of nine rounds of 4 million. */
double pn_reference_unit_ns(void);

/** Of the i-th of 2 fixed sets with known values, or of a drawn one. */
enum { PN_CHECK_VALUES = 2 };
struct pn_check {
    char text[512]; /* "key=value key=value" */
    struct pn_reference expected;
};

/** The i-th set: fixed ones first, with the schema's own values; then drawn from `seed`. */
void pn_check_make(unsigned i, uint32_t seed, struct pn_check *check);

enum pn_checked { PN_CHECKED_OK, PN_CHECKED_FAILED, PN_CHECKED_REFUSED, PN_CHECKED_STOPPED };

/**
 * Run a peer's design on a set and judge all that it prints.
 * \param path  of its program
 * \param why   receives one line unless OK. REFUSED: it says itself that it cannot run such a set
 * \return STOPPED if `interrupted` (may be NULL) said so
 */
enum pn_checked pn_check_run(const struct pn_check *check, const char *path, const char *design,
                             bool (*interrupted)(void), char *why, size_t cap);

#endif

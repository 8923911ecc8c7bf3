/* SPDX-License-Identifier: MIT
 *
 * One conversation with the helper executable pinion-topo.
 */
#ifndef PN_READER_H
#define PN_READER_H

#include <pinion/topology.h>

/**
 * Run the helper and collect what it prints.
 *
 * \param kind  "live", "xml", "synthetic" or "capture"
 * \param what  the argument, NULL for "live" and "capture"
 * \param deadline_ms  for all of it; the helper is killed when it has passed
 * \param text  NUL-terminated output, owned by the caller (free)
 * \return 0; -ENOEXEC no helper; -EINVAL the helper refused the input or died reading it, or
 *         -ENOENT, -EACCES, -EFBIG as it said; -EPROTO it died on a live machine or answered too
 *         late; -ENOMEM
 */
int pn_reader_run(const char *kind, const char *what, int deadline_ms, char **text,
                  struct pn_error *err);

void pn_error_set(struct pn_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

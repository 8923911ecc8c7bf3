/* SPDX-License-Identifier: MIT */
#include <pinion/placement.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

enum { CPUS_MAX = 1 << 16 };

struct pn_mask {
    cpu_set_t *before;
};

int pn_mask_enter(const struct pn_os_cpu *cpus, unsigned n, struct pn_mask **before) {
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    cpu_set_t *wanted = CPU_ALLOC(CPUS_MAX);
    struct pn_mask *mask = calloc(1, sizeof *mask);
    int rc = -ENOMEM;
    if (mask != NULL) {
        mask->before = CPU_ALLOC(CPUS_MAX);
    }
    if (wanted != NULL && mask != NULL && mask->before != NULL) {
        CPU_ZERO_S(bytes, mask->before);
        CPU_ZERO_S(bytes, wanted);
        for (unsigned i = 0; i < n; i++) {
            CPU_SET_S((size_t)cpus[i].id, bytes, wanted);
        }
        rc = sched_getaffinity(0, bytes, mask->before) == 0 &&
                     sched_setaffinity(0, bytes, wanted) == 0
                 ? 0
                 : -errno;
    }
    CPU_FREE(wanted);
    if (rc != 0 && mask != NULL) {
        CPU_FREE(mask->before);
        free(mask);
        mask = NULL;
    }
    *before = mask;
    return rc;
}

void pn_mask_leave(struct pn_mask *before) {
    if (before != NULL) {
        (void)sched_setaffinity(0, CPU_ALLOC_SIZE(CPUS_MAX), before->before);
        CPU_FREE(before->before);
        free(before);
    }
}

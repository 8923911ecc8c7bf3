/* SPDX-License-Identifier: MIT
 *
 * CPU masks have no fixed size: a machine of 1536 PUs needs more than cpu_set_t's 1024 bits.
 */
#include <pinion/placement.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { CPUS_MAX = 1 << 16 };

/* 0 if the thread's mask is exactly this CPU; tid 0 is the calling thread. */
static int mask_is(pid_t tid, struct pn_os_cpu cpu, cpu_set_t *mask, size_t bytes) {
    CPU_ZERO_S(bytes, mask);
    if (sched_getaffinity(tid, bytes, mask) != 0) {
        return -errno;
    }
    return CPU_COUNT_S(bytes, mask) == 1 && CPU_ISSET_S((size_t)cpu.id, bytes, mask) ? 0 : -EXDEV;
}

int pn_pin_self(struct pn_os_cpu cpu) {
    if (cpu.id < 0 || cpu.id >= CPUS_MAX) {
        return -EINVAL;
    }
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    cpu_set_t *mask = CPU_ALLOC(CPUS_MAX);
    if (mask == NULL) {
        return -ENOMEM;
    }
    CPU_ZERO_S(bytes, mask);
    CPU_SET_S((size_t)cpu.id, bytes, mask);
    int rc = sched_setaffinity(0, bytes, mask) == 0 ? mask_is(0, cpu, mask, bytes) : -errno;
    CPU_FREE(mask);
    if (rc == 0 && sched_getcpu() != cpu.id) {
        rc = -EXDEV;
    }
    return rc;
}

int pn_pin_check(int tid, struct pn_os_cpu cpu) {
    if (cpu.id < 0 || cpu.id >= CPUS_MAX) {
        return -EINVAL;
    }
    cpu_set_t *mask = CPU_ALLOC(CPUS_MAX);
    if (mask == NULL) {
        return -ENOMEM;
    }
    int rc = mask_is(tid, cpu, mask, CPU_ALLOC_SIZE(CPUS_MAX));
    CPU_FREE(mask);
    return rc;
}

bool pn_pin_holds(struct pn_os_cpu cpu) {
    return pn_pin_check(0, cpu) == 0 && sched_getcpu() == cpu.id;
}

int pn_core_lock(struct pn_os_cpu cpu, int *lock) {
    char path[64];
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d", cpu.id);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int rc = -errno;
        (void)close(fd);
        return rc;
    }
    *lock = fd;
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "user_workload.h"

#include <dlfcn.h>
#include <errno.h>
#include <pinion/workload.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct pn_user_workload *w, struct pn_error *err, const char *path,
                  const char *why) {
    (void)snprintf(err->text, sizeof err->text, "workload %.120s: %.180s", path, why);
    pn_user_workload_close(w);
    return -EINVAL;
}

/* ISO C has no cast from an object's address to a function's; POSIX says that copying it works. */
static int find(void *library, const char *name, void *function) {
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
    return address == NULL ? -1 : 0;
}

int pn_user_workload_open(struct pn_user_workload *w, const char *path, uint32_t seed,
                          struct pn_error *err) {
    memset((void *)w, 0, sizeof *w);
    w->seed = seed;
    w->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (w->library == NULL) {
        const char *why = dlerror();
        return refuse(w, err, path, why == NULL ? "not loaded" : why);
    }
    const uint32_t *abi = dlsym(w->library, "pn_workload_abi");
    if (abi == NULL || *abi != PN_WORKLOAD_ABI) {
        char why[96];
        (void)snprintf(why, sizeof why, "%s; this program takes ABI %d",
                       abi == NULL ? "it has no pn_workload_abi" : "it has another pn_workload_abi",
                       PN_WORKLOAD_ABI);
        return refuse(w, err, path, why);
    }
    if (find(w->library, "pn_workload_make", &w->make) != 0 ||
        find(w->library, "pn_workload_compute", &w->compute) != 0 ||
        find(w->library, "pn_workload_verify", &w->verify) != 0) {
        return refuse(w, err, path,
                      w->make == NULL      ? "it has no pn_workload_make"
                      : w->compute == NULL ? "it has no pn_workload_compute"
                                           : "it has no pn_workload_verify");
    }
    return 0;
}

void pn_user_workload_close(struct pn_user_workload *w) {
    if (w->library != NULL) {
        (void)dlclose(w->library);
        w->library = NULL;
    }
}

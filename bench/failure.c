/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <errno.h>
#include <pinion/clock.h>
#include <stdlib.h>

enum life { LIFE_WELL, LIFE_HUNG, LIFE_DYING, LIFE_STARTING, LIFE_ORPHAN };

struct pn_victim {
    PN_ATOMIC(uint32_t) marked;
    /* Of whoever runs the worker. */
    enum life life;
    unsigned starts; /* failed so far */
    uint64_t from_ns, until_ns;
};

int pn_failure_create(struct pn_failure **out, const struct pn_params *params) {
    struct pn_failure *f = calloc(1, sizeof *f);
    struct pn_victim *workers = calloc(params->workers, sizeof *workers);
    if (f == NULL || workers == NULL) {
        free(f);
        free(workers);
        return -ENOMEM;
    }
    f->kind = (enum pn_fail_kind)params->fail_kind;
    f->workers = workers;
    f->n_workers = params->workers;
    *out = f;
    return 0;
}

void pn_failure_destroy(struct pn_failure *f) {
    if (f != NULL) {
        free(f->workers);
        free(f);
    }
}

void pn_failure_want_one(struct pn_failure *f, uint64_t now_ns) {
    f->struck_ns = now_ns;
    pn_store_rel(&f->victims, 1);
    pn_store_rel(&f->wanted, 1); /* F1 release */
}

void pn_failure_strike(struct pn_failure *f, uint64_t victims, uint64_t now_ns) {
    f->struck_ns = now_ns;
    pn_store_rel(&f->victims, victims);
}

void pn_failure_mark(struct pn_failure *f, uint64_t worker) {
    pn_store_rel(&f->workers[worker].marked, 1); /* F1 release: pairs with the load in is_marked */
}

static void raise_to(PN_ATOMIC(uint64_t) * word, uint64_t value) {
    uint64_t seen = pn_load_rlx(word); /* relaxed: a guess */
    while (seen < value && !pn_cas_weak_acqrel(word, &seen, value)) {
    }
}

void pn_failure_watch(struct pn_failure *f, uint64_t now_ns) {
    uint64_t hung = pn_load_acq(&f->hung); /* F2 acquire: pairs with pn_failure_at_crash_point */
    if (hung == 0 || now_ns < pn_load_acq(&f->hung_ns) + PN_WATCHDOG_NS) {
        return;
    }
    pn_store_rel(&f->hung, 0);
    raise_to(&f->noticed_ns, now_ns);
    pn_failure_mark(f, hung - 1);
}

static bool is_marked(struct pn_victim *v) {
    if (pn_load_acq(&v->marked) == 0) { /* F1 acquire: pairs with pn_failure_mark */
        return false;
    }
    pn_store_rel(&v->marked, 0);
    return true;
}

enum pn_fate pn_failure_at_crash_point(struct pn_failure *f, uint64_t worker) {
    struct pn_victim *v = &f->workers[worker];
    /* F1 acquire: pairs with pn_failure_want_one; the exchange decides who it is. */
    if (pn_load_acq(&f->wanted) != 0 && pn_xchg_acqrel(&f->wanted, 0) != 0) {
        if (f->kind != PN_FAIL_HANG) {
            v->life = LIFE_DYING;
            return PN_FATE_DIE;
        }
        v->life = LIFE_HUNG;
        pn_store_rel(&f->hung_ns, pn_now_ns());
        pn_store_rel(&f->hung, worker + 1); /* F2 release: pairs with pn_failure_watch */
        return PN_FATE_HANG;
    }
    return pn_failure_dies(f, worker) ? PN_FATE_DIE : PN_FATE_LIVE;
}

bool pn_failure_dies(struct pn_failure *f, uint64_t worker) {
    struct pn_victim *v = &f->workers[worker];
    bool dies = is_marked(v);
    if (dies) {
        v->life = LIFE_DYING;
    }
    return dies;
}

static uint64_t slice(uint64_t ns) {
    return ns < PN_KILL_SLICE_NS ? ns : PN_KILL_SLICE_NS;
}

uint64_t pn_failure_sleep(struct pn_failure *f, uint64_t worker, uint64_t ns) {
    struct pn_victim *v = &f->workers[worker];
    v->from_ns = pn_now_ns();
    v->until_ns = v->from_ns + ns;
    return slice(ns);
}

static enum pn_wake is_up(struct pn_failure *f, struct pn_victim *v) {
    v->life = LIFE_WELL;
    raise_to(&f->up_ns, pn_now_ns());
    (void)pn_faa_acqrel(&f->up, 1);
    return PN_WAKE_UP;
}

enum pn_wake pn_failure_wakes(struct pn_failure *f, uint64_t worker, uint64_t *ns) {
    struct pn_victim *v = &f->workers[worker];
    if (v->life == LIFE_STARTING) {
        if (++v->starts > PN_START_FAILURES) {
            return is_up(f, v);
        }
        *ns = (uint64_t)PN_BACK_OFF_NS << v->starts;
        return PN_WAKE_START_FAILED;
    }
    if (v->life == LIFE_ORPHAN) {
        *ns = PN_KILL_SLICE_NS;
        return pn_load_acq(&f->dead) < pn_load_acq(&f->victims) ? PN_WAKE_AGAIN : is_up(f, v);
    }
    if (is_marked(v)) {
        v->life = LIFE_DYING;
        return PN_WAKE_KILLED;
    }
    if (v->life == LIFE_HUNG) {
        *ns = PN_KILL_SLICE_NS;
        return PN_WAKE_AGAIN;
    }
    uint64_t now = pn_now_ns();
    if (now < v->until_ns) {
        *ns = slice(v->until_ns - now);
        return PN_WAKE_AGAIN;
    }
    *ns = now - v->from_ns;
    return PN_WAKE_SLEPT;
}

uint64_t pn_failure_died(struct pn_failure *f, uint64_t worker) {
    struct pn_victim *v = &f->workers[worker];
    if (v->life != LIFE_DYING) {
        return 0; /* an ordinary crash */
    }
    if (f->kind != PN_FAIL_HANG) {
        raise_to(&f->noticed_ns, pn_now_ns());
    }
    (void)pn_faa_acqrel(&f->dead, 1);
    if (f->kind == PN_FAIL_INIT) {
        v->life = LIFE_STARTING;
        return PN_BACK_OFF_NS;
    }
    if (f->kind == PN_FAIL_SUPERVISOR) {
        v->life = LIFE_ORPHAN;
        return PN_KILL_SLICE_NS;
    }
    (void)is_up(f, v);
    return 0;
}

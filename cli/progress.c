/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void pn_print_duration(char *text, size_t cap, uint64_t ns) {
    uint64_t s = ns / 1000000000u;
    if (s < 100) {
        (void)snprintf(text, cap, "%llu s", (unsigned long long)s);
    } else {
        (void)snprintf(text, cap, "%llu m %02llu s", (unsigned long long)(s / 60),
                       (unsigned long long)(s % 60));
    }
}

void pn_progress_print(void *context, const struct pn_progress *p) {
    const struct pn_common *common = context;
    char left[32];
    if (common->quiet) {
        return;
    }
    pn_print_duration(left, sizeof left, p->left_ns);
    if (isatty(STDERR_FILENO) && !common->verbose) {
        (void)fprintf(stderr, "\r\033[K[%4u/%u] round %u/%u %s=%s %s %s %.2f M/s void %u ETA %s",
                      p->slot, p->slots, p->round, p->rounds, p->x_key, p->x, p->level, p->design,
                      p->jobs_per_s / 1e6, p->voided, left);
        if (p->slot == p->slots) {
            (void)fputc('\n', stderr);
        }
    } else if (common->verbose) {
        (void)fprintf(stderr, "[%u/%u] round %u/%u %s %s=%s %s %s %.2f M/s void %u ETA %s\n",
                      p->slot, p->slots, p->round, p->rounds, p->sweep, p->x_key, p->x, p->level,
                      p->design, p->jobs_per_s / 1e6, p->voided, left);
    } else if (p->round_ends) {
        (void)fprintf(stderr, "round %u of at most %u done, %u slots void, ETA %s\n", p->round,
                      p->rounds, p->voided, left);
    }
}

static void stop_signals(sigset_t *set) {
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
}

/* Blocked and asked for, instead of handled: no code runs where a scheduler was interrupted. The
 * first one is taken out and the block lifted, so that the next one ends the process. */
bool pn_signals_came(void) {
    sigset_t set;
    stop_signals(&set);
    if (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) <= 0) {
        return false;
    }
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return true;
}

void pn_signals_hold(void) {
    sigset_t set;
    stop_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <pinion/clock.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t read_ns(clockid_t id) {
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t pn_now_ns(void) {
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t pn_thread_cpu_ns(void) {
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t pn_process_cpu_ns(void) {
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static int clocksource_is_tsc(void) {
    char name[32] = "";
    FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (f != NULL) {
        if (fgets(name, sizeof name, f) == NULL) {
            name[0] = '\0';
        }
        (void)fclose(f);
    }
    return strncmp(name, "tsc", 3) == 0;
}

#if defined(__x86_64__)
uint64_t pn_ticks_now(void) {
    return __builtin_ia32_rdtsc();
}
static const int ticks_are_tsc = 1;
#else
uint64_t pn_ticks_now(void) {
    return pn_now_ns();
}
static const int ticks_are_tsc = 0;
#endif

void pn_ticks_calibrate(struct pn_ticks *ticks) {
    ticks->from_tsc = ticks_are_tsc && clocksource_is_tsc();
    if (!ticks_are_tsc) {
        ticks->per_second = 1000000000u;
        return;
    }
    uint64_t ns0 = pn_now_ns();
    uint64_t t0 = pn_ticks_now();
    uint64_t ns1;
    do {
        ns1 = pn_now_ns();
    } while (ns1 - ns0 < 5000000u);
    uint64_t t1 = pn_ticks_now();
    ticks->per_second = (uint64_t)((double)(t1 - t0) * 1e9 / (double)(ns1 - ns0));
}

uint64_t pn_ticks_to_ns(const struct pn_ticks *ticks, uint64_t delta) {
    return (uint64_t)((double)delta * 1e9 / (double)ticks->per_second);
}

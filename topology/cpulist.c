/* SPDX-License-Identifier: MIT */
#include <pinion/cpulist.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_number(const char **at, int *out) {
    if (!isdigit((unsigned char)**at)) {
        return -EINVAL;
    }
    long value = 0;
    while (isdigit((unsigned char)**at)) {
        value = value * 10 + (**at - '0');
        if (value >= PN_CPU_ID_MAX) {
            return -EINVAL;
        }
        (*at)++;
    }
    *out = (int)value;
    return 0;
}

static int parse_range(const char **at, int *lo, int *hi) {
    if (parse_number(at, lo) != 0) {
        return -EINVAL;
    }
    *hi = *lo;
    if (**at == '-') {
        (*at)++;
        if (parse_number(at, hi) != 0 || *hi < *lo) {
            return -EINVAL;
        }
    }
    return 0;
}

static int mark(const char *text, unsigned char *seen) {
    const char *at = text;
    while (*at != '\0' && *at != '\n') {
        int lo = 0;
        int hi = 0;
        if (parse_range(&at, &lo, &hi) != 0) {
            return -EINVAL;
        }
        memset(seen + lo, 1, (size_t)(hi - lo) + 1);
        if (*at == ',') {
            at++;
            if (!isdigit((unsigned char)*at)) {
                return -EINVAL;
            }
        } else if (*at != '\0' && *at != '\n') {
            return -EINVAL;
        }
    }
    return 0;
}

int pn_cpulist_parse(const char *text, struct pn_os_cpu **out, unsigned *n) {
    unsigned char *seen = calloc(PN_CPU_ID_MAX, 1);
    if (seen == NULL) {
        return -ENOMEM;
    }
    if (mark(text, seen) != 0) {
        free(seen);
        return -EINVAL;
    }
    unsigned count = 0;
    for (int id = 0; id < PN_CPU_ID_MAX; id++) {
        count += seen[id];
    }
    struct pn_os_cpu *list = NULL;
    if (count > 0) {
        list = malloc(count * sizeof *list);
        if (list == NULL) {
            free(seen);
            return -ENOMEM;
        }
        unsigned k = 0;
        for (int id = 0; id < PN_CPU_ID_MAX; id++) {
            if (seen[id]) {
                list[k++].id = id;
            }
        }
    }
    free(seen);
    *out = list;
    *n = count;
    return 0;
}

bool pn_cpulist_has(const struct pn_os_cpu *list, unsigned n, struct pn_os_cpu cpu) {
    unsigned lo = 0;
    unsigned hi = n;
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (list[mid].id < cpu.id) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < n && list[lo].id == cpu.id;
}

void pn_cpulist_print(const struct pn_os_cpu *list, unsigned n, char *text, size_t cap) {
    static const char more[] = ",...";
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < n;) {
        unsigned j = i;
        while (j + 1 < n && list[j + 1].id == list[j].id + 1) {
            j++;
        }
        char part[32];
        int len =
            j == i ? snprintf(part, sizeof part, "%s%d", i ? "," : "", list[i].id)
                   : snprintf(part, sizeof part, "%s%d-%d", i ? "," : "", list[i].id, list[j].id);
        bool last = j + 1 == n;
        if (used + (size_t)len + (last ? 1 : sizeof more) > cap) {
            (void)snprintf(text + used, cap - used, "%s", more);
            return;
        }
        memcpy(text + used, part, (size_t)len + 1);
        used += (size_t)len;
        i = j + 1;
    }
}

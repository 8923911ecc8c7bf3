/* SPDX-License-Identifier: MIT
 *
 * Workloads of a queue benchmark, named and ordered for people.
 */
#include "queue_lines.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

enum shape { SHAPE_PAIRS, SHAPE_STREAM, SHAPE_OTHER };

/* "2p2c", "2p2c_1024": producers and consumers. */
static bool is_stream(const char *name) {
    size_t producers = strspn(name, "0123456789");
    size_t consumers = tolower((unsigned char)name[producers]) == 'p'
                           ? strspn(name + producers + 1, "0123456789")
                           : 0;
    const char *end = name + producers + 1 + consumers;
    return producers > 0 && consumers > 0 && tolower((unsigned char)end[0]) == 'c' &&
           (end[1] == '\0' || end[1] == '_');
}

/* What follows "pairs" or "2p2c" in a name repeats the settings of the line. */
static enum shape shape_of(const struct pn_queue_setting *s) {
    bool pairs = strncasecmp(s->name, "pairs", 5) == 0 && (s->name[5] == '\0' || s->name[5] == '_');
    return pairs ? SHAPE_PAIRS : is_stream(s->name) ? SHAPE_STREAM : SHAPE_OTHER;
}

static int by(double a, double b) {
    a = isnan(a) ? -1 : a;
    b = isnan(b) ? -1 : b;
    return (a > b) - (a < b);
}

/* Pairs, then streams, then the rest by name; what a family has in common before what tells its
 * members apart. */
static int order(const void *x, const void *y) {
    const struct pn_queue_setting *a = x;
    const struct pn_queue_setting *b = y;
    enum shape shape = shape_of(a);
    int way = (int)shape - (int)shape_of(b);
    way = way == 0 && shape == SHAPE_OTHER ? strcmp(a->name, b->name) : way;
    way = way == 0 ? by(a->work_lo, b->work_lo) : way;
    way = way == 0 ? by(a->work_hi, b->work_hi) : way;
    way = way == 0 ? (int)a->chain - (int)b->chain : way;
    way = way == 0 ? by(a->batch, b->batch) : way;
    way = way == 0 ? by(a->threads, b->threads) : way;
    way = way == 0 ? by(a->capacity, b->capacity) : way;
    return way == 0 ? strcmp(a->name, b->name) : way;
}

struct words {
    char s[112];
    size_t len;
};

/* Appends a part, after a comma if it is not the first. */
static void part(struct words *w, const char *text, const char *number) {
    int n = snprintf(w->s + w->len, sizeof w->s - w->len, "%s%s%s", w->len > 0 ? ", " : "", text,
                     number);
    if (n > 0) {
        w->len += (size_t)n < sizeof w->s - w->len ? (size_t)n : sizeof w->s - w->len - 1;
    }
}

static void part_work(struct words *w, const struct pn_queue_setting *s) {
    char room[96];
    if (!isnan(s->work_lo)) {
        (void)snprintf(room, sizeof room, "%.16s" PN_DASH "%.16s" PN_NBSP "ns between operations",
                       pn_num_x(s->work_lo).s, pn_num_x(s->work_hi).s);
        part(w, room, "");
    }
}

/* What the workloads of one panel share. */
static struct words family_of(const struct pn_queue_setting *s) {
    struct words w = {{0}, 0};
    enum shape shape = shape_of(s);
    part(&w, shape == SHAPE_PAIRS ? "Pairs" : shape == SHAPE_STREAM ? "Streams" : s->name, "");
    if (shape == SHAPE_PAIRS && isnan(s->work_lo)) {
        part(&w, "nothing between operations", "");
    }
    part_work(&w, s);
    if (!isnan(s->batch)) {
        part(&w, s->chain ? "chains of " : "batches of ", pn_num_x(s->batch).s);
    } else if (shape == SHAPE_STREAM) {
        part(&w, "single items", "");
    }
    return w;
}

/* What tells a workload from the others of its panel. */
static struct words column_of(const struct pn_queue_setting *s) {
    struct words w = {{0}, 0};
    enum shape shape = shape_of(s);
    if (shape == SHAPE_STREAM) {
        for (const char *c = s->name; *c != '\0' && *c != '_'; c++) {
            char one[2] = {(char)toupper((unsigned char)*c), '\0'};
            w.len += (size_t)snprintf(w.s + w.len, sizeof w.s - w.len, "%s", one);
        }
    } else if (shape == SHAPE_PAIRS ? !isnan(s->threads) : s->threads > 1) {
        part(&w, "T=", pn_num_x(s->threads).s);
    }
    if (!isnan(s->capacity) && shape != SHAPE_PAIRS) {
        part(&w, shape == SHAPE_STREAM ? "" : "capacity ", pn_num_fixed(s->capacity, 0).s);
    }
    if (w.len == 0) {
        part(&w, "all", "");
    }
    return w;
}

/* A whole name in running text. */
static struct words name_of(const struct pn_queue_setting *s) {
    struct words w = {{0}, 0};
    struct words column = column_of(s);
    enum shape shape = shape_of(s);
    if (shape == SHAPE_STREAM) {
        part(&w, column.s, "");
    } else {
        bool alone = shape == SHAPE_OTHER && strcmp(column.s, "all") == 0;
        w.len = (size_t)snprintf(w.s, sizeof w.s, "%.40s%s%.60s",
                                 shape == SHAPE_PAIRS ? "pairs" : s->name, alone ? "" : " ",
                                 alone ? "" : column.s);
    }
    part_work(&w, s);
    if (!isnan(s->batch)) {
        part(&w, s->chain ? "chains of " : "batches of ", pn_num_x(s->batch).s);
    }
    return w;
}

void pn_queue_copy(char *to, size_t size, const char *from) {
    size_t n = strlen(from);
    n = n < size ? n : size - 1;
    while (n > 0 && n < strlen(from) && ((unsigned char)from[n] & 0xc0) == 0x80) {
        n--;
    }
    memcpy(to, from, n);
    to[n] = '\0';
}

void pn_queue_workloads_name(struct pn_queue_store *store, struct pn_queue_workload *workload) {
    struct pn_queue_setting before[PN_WORKLOADS_MAX];
    size_t place[PN_WORKLOADS_MAX];
    size_t n = store->settings;
    memcpy(before, store->setting, n * sizeof before[0]);
    qsort(store->setting, n, sizeof store->setting[0], order);
    for (size_t i = 0; i < n; i++) {
        place[i] = 0;
        while (order(&store->setting[place[i]], &before[i]) != 0) {
            place[i]++;
        }
    }
    for (size_t i = 0; i < store->lines; i++) {
        struct pn_queue_line *line = &store->line[i];
        line->workload = line->workload == SIZE_MAX ? SIZE_MAX : place[line->workload];
    }
    for (size_t i = 0; i < n; i++) {
        const struct pn_queue_setting *s = &store->setting[i];
        workload[i].id = s->name;
        pn_queue_copy(workload[i].family, sizeof workload[i].family, family_of(s).s);
        pn_queue_copy(workload[i].column, sizeof workload[i].column, column_of(s).s);
        pn_queue_copy(workload[i].name, sizeof workload[i].name, name_of(s).s);
        if (i > 0 && strcmp(name_of(s).s, name_of(s - 1).s) == 0) {
            /* Settings that this file does not know tell them apart. */
            pn_queue_copy(workload[i].column, sizeof workload[i].column, s->name);
            pn_queue_copy(workload[i].name, sizeof workload[i].name, s->name);
        }
    }
}

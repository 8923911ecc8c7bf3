/* SPDX-License-Identifier: MIT */
#include <pinion/sweep.h>

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <pinion/params.h>
#include <pinion/peer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan is checked before its machine is known. */
enum { CORES_TRIED = 4 };

static int refuse(struct pn_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(struct pn_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return -EINVAL;
}

void pn_sweep_init(struct pn_sweep_plan *sweep, const char *name) {
    memset(sweep, 0, sizeof *sweep);
    (void)snprintf(sweep->name, sizeof sweep->name, "%s", name);
    (void)snprintf(sweep->title, sizeof sweep->title, "%s", name);
    (void)snprintf(sweep->design[0], PN_WORD, "shared");
    (void)snprintf(sweep->design[1], PN_WORD, "mailbox");
    sweep->n_designs = 2;
    sweep->rounds = 10;
}

/* "a,b,c" into words. \return how many; -EINVAL; -EEXIST one of them twice */
static int split(const char *text, char (*words)[PN_WORD], unsigned max) {
    unsigned n = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        if (len == 0 || len >= PN_WORD || n == max) {
            return -EINVAL;
        }
        memcpy(words[n], text, len);
        words[n][len] = '\0';
        for (unsigned i = 0; i < n; i++) {
            if (strcmp(words[i], words[n]) == 0) {
                return -EEXIST; /* the same slot twice in a round */
            }
        }
        n++;
        text += len;
        if (*text == ',' && *++text == '\0') {
            return -EINVAL;
        }
    }
    return n == 0 ? -EINVAL : (int)n;
}

static int split_key(const char *text, char key[PN_WORD], const char **rest, struct pn_error *err) {
    const char *equals = strchr(text, '=');
    size_t len = equals == NULL ? 0 : (size_t)(equals - text);
    *rest = equals == NULL ? "" : equals + 1;
    if (len == 0 || len >= PN_WORD) {
        return refuse(err, "'%s': not KEY=VALUES", text);
    }
    memcpy(key, text, len);
    key[len] = '\0';
    if (!pn_params_known(key)) {
        return refuse(err, "'%s': the workload has no parameter '%s'", text, key);
    }
    if (strcmp(key, "jobs") == 0 || strcmp(key, "warm") == 0) {
        return refuse(err, "'%s': the pilot chooses %s, equal for all designs", text, key);
    }
    return 0;
}

static int add_x(struct pn_sweep_plan *sweep, uint64_t value) {
    if (sweep->n_x == PN_SWEEP_POINTS) {
        return -EINVAL;
    }
    (void)snprintf(sweep->x[sweep->n_x++], PN_WORD, "%llu", (unsigned long long)value);
    return 0;
}

static int parse_number(const char **at, uint64_t *out) {
    char *end = NULL;
    if (!isdigit((unsigned char)**at)) {
        return -EINVAL;
    }
    errno = 0;
    *out = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0 ? 0 : -EINVAL;
}

/* FROM..TO:log2 or FROM..TO:lin:STEP */
static int parse_range(struct pn_sweep_plan *sweep, const char *text, struct pn_error *err) {
    const char *at = text;
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t step = 0;
    if (parse_number(&at, &from) != 0 || strncmp(at, "..", 2) != 0) {
        return refuse(err, "x range '%s': not FROM..TO:log2 or FROM..TO:lin:STEP", text);
    }
    at += 2;
    if (parse_number(&at, &to) != 0) {
        return refuse(err, "x range '%s': not FROM..TO:log2 or FROM..TO:lin:STEP", text);
    }
    bool log2 = strcmp(at, ":log2") == 0;
    if (!log2) {
        if (strncmp(at, ":lin:", 5) != 0) {
            return refuse(err, "x range '%s': ends with :log2 or :lin:STEP", text);
        }
        at += 5;
        if (parse_number(&at, &step) != 0 || *at != '\0' || step == 0) {
            return refuse(err, "x range '%s': the step is a whole number from 1 on", text);
        }
    }
    if (to <= from || (log2 && from == 0)) {
        return refuse(err, "x range '%s' is empty or reversed%s", text,
                      log2 && from == 0 ? " (log2 starts above 0)" : "");
    }
    sweep->scale = log2 ? PN_X_LOG2 : PN_X_LINEAR;
    for (uint64_t x = from; x <= to; x = log2 ? x * 2 : x + step) {
        if (add_x(sweep, x) != 0) {
            return refuse(err, "x range '%s': more than %d points", text, PN_SWEEP_POINTS);
        }
    }
    return 0;
}

int pn_sweep_set_x(struct pn_sweep_plan *sweep, const char *text, struct pn_error *err) {
    const char *rest = "";
    if (split_key(text, sweep->x_key, &rest, err) != 0) {
        return -EINVAL;
    }
    sweep->n_x = 0;
    int rc = 0;
    if (strstr(rest, "..") != NULL) {
        rc = parse_range(sweep, rest, err);
    } else {
        int n = split(rest, sweep->x, PN_SWEEP_POINTS);
        if (n < 0) {
            return refuse(err, "x '%s': %s", text,
                          n == -EEXIST ? "a value twice" : "not a list a,b,c");
        }
        sweep->n_x = (unsigned)n;
        sweep->scale = PN_X_LIST;
    }
    sweep->n_x_asked = sweep->n_x;
    return rc;
}

int pn_sweep_set_by(struct pn_sweep_plan *sweep, const char *text, struct pn_error *err) {
    const char *rest = "";
    if (split_key(text, sweep->by_key, &rest, err) != 0) {
        return -EINVAL;
    }
    int n = split(rest, sweep->by, PN_SWEEP_LEVELS);
    sweep->n_by = n < 0 ? 0 : (unsigned)n;
    return n < 0
               ? refuse(err, "by '%s': %s of up to %d values", text,
                        n == -EEXIST ? "a value twice in the list" : "not a list", PN_SWEEP_LEVELS)
               : 0;
}

int pn_sweep_set_designs(struct pn_sweep_plan *sweep, const char *text, struct pn_error *err) {
    int n = split(text, sweep->design, PN_SWEEP_DESIGNS);
    sweep->n_designs = n < 0 ? 0 : (unsigned)n;
    for (unsigned i = 0; i < sweep->n_designs; i++) {
        struct pn_design_name name;
        if (pn_design_parse(sweep->design[i], &name, err) != 0) {
            return -EINVAL;
        }
    }
    return n < 0 ? refuse(err, "designs '%s': %s", text,
                          n == -EEXIST ? "one of them twice" : "not a list")
                 : 0;
}

int pn_sweep_add_set(struct pn_sweep_plan *sweep, const char *assignment, struct pn_error *err) {
    struct pn_params params;
    char fixed[96];
    pn_params_init(&params);
    pn_relative_cores(assignment, CORES_TRIED, fixed, sizeof fixed);
    if (pn_params_set(&params, fixed, err) != 0) {
        return -EINVAL;
    }
    if (strncmp(assignment, "jobs=", 5) == 0 || strncmp(assignment, "warm=", 5) == 0) {
        return refuse(err, "'%s': the pilot chooses it, equal for all designs", assignment);
    }
    if (sweep->n_set == PN_SWEEP_SETS || strlen(assignment) >= sizeof sweep->set[0]) {
        return refuse(err, "'%s': too many or too long", assignment);
    }
    (void)snprintf(sweep->set[sweep->n_set++], sizeof sweep->set[0], "%s", assignment);
    return 0;
}

void pn_sweep_thin(struct pn_sweep_plan *sweep, unsigned points) {
    if (points < 2 || sweep->n_x <= points) {
        return;
    }
    for (unsigned i = 0; i < points; i++) {
        unsigned from = (i * (sweep->n_x - 1) + (points - 1) / 2) / (points - 1);
        if (from != i) {
            memcpy(sweep->x[i], sweep->x[from], PN_WORD);
        }
    }
    sweep->n_x = points;
}

static bool has_loop(const struct pn_sweep_plan *s) {
    bool has = s->loop;
    for (unsigned i = 0; i < s->n_designs; i++) {
        has = has || strcmp(s->design[i], "loop") == 0;
    }
    return has;
}

static int check_point(const struct pn_sweep_plan *s, const char *x, const char *by,
                       struct pn_error *err) {
    struct pn_params params;
    char text[2 * PN_WORD + 2];
    pn_params_init(&params);
    for (unsigned i = 0; i < s->n_set; i++) {
        char fixed[96];
        pn_relative_cores(s->set[i], CORES_TRIED, fixed, sizeof fixed);
        if (pn_params_set(&params, fixed, err) != 0) {
            return -EINVAL;
        }
    }
    double share = 0;
    bool relative = strcmp(s->x_key, "rate") == 0 && pn_relative_rate(x, &share);
    (void)snprintf(text, sizeof text, "%s=%s", s->x_key, relative ? "1000" : x);
    if (pn_params_set(&params, text, err) != 0) {
        return -EINVAL;
    }
    if (by != NULL) {
        (void)snprintf(text, sizeof text, "%s=%s", s->by_key, by);
        if (pn_params_set(&params, text, err) != 0) {
            return -EINVAL;
        }
    }
    if (params.fail_at_ms > 0 && has_loop(s)) {
        return refuse(err, "sweep '%s': fail_at_ms needs workers, the loop has none", s->name);
    }
    return pn_params_check(&params, err);
}

int pn_sweep_check(const struct pn_sweep_plan *s, struct pn_error *err) {
    if (s->n_x == 0) {
        return refuse(err, "sweep '%s': no x", s->name);
    }
    if (s->n_designs == 0) {
        return refuse(err, "sweep '%s': no design", s->name);
    }
    if (s->rounds == 0 || s->rounds > 999) {
        return refuse(err, "sweep '%s': rounds are 1 to 999", s->name);
    }
    if (s->n_by > 0 && strcmp(s->x_key, s->by_key) == 0) {
        return refuse(err, "sweep '%s': x and by are both '%s'", s->name, s->x_key);
    }
    for (unsigned i = 0; i < s->n_x; i++) {
        for (unsigned k = 0; k < (s->n_by == 0 ? 1 : s->n_by); k++) {
            if (check_point(s, s->x[i], s->n_by == 0 ? NULL : s->by[k], err) != 0) {
                return -EINVAL;
            }
        }
    }
    return 0;
}

struct reader {
    const char *file;
    struct pn_sweep_plan *sweeps;
    unsigned n, max, points;
    struct pn_error *err;
    bool failed;
};

static int set_flag(bool *flag, const char *value) {
    *flag = strcmp(value, "yes") == 0;
    return *flag || strcmp(value, "no") == 0 ? 0 : -EINVAL;
}

static int set_count(unsigned *count, const char *value) {
    bool whole = value[0] != '\0' && strspn(value, "0123456789") == strlen(value);
    *count = whole && strlen(value) < 9 ? (unsigned)strtoul(value, NULL, 10) : 0;
    return *count > 0 ? 0 : -EINVAL;
}

static int set_kind(struct pn_sweep_plan *s, const char *value) {
    static const char *const kinds[] = {"crossover", "latency", "ceiling"};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(kinds[i], value) == 0) {
            s->kind = (enum pn_sweep_kind)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* "k=v k=v" */
static int add_sets(struct pn_sweep_plan *s, const char *value, struct pn_error *err) {
    char text[512];
    char *save = NULL;
    (void)snprintf(text, sizeof text, "%s", value);
    for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        if (pn_sweep_add_set(s, word, err) != 0) {
            return -EINVAL;
        }
    }
    return 0;
}

static int set_entry(struct pn_sweep_plan *s, const char *name, const char *value,
                     struct pn_error *err) {
    if (strcmp(name, "x") == 0) {
        return pn_sweep_set_x(s, value, err);
    }
    if (strcmp(name, "by") == 0) {
        return pn_sweep_set_by(s, value, err);
    }
    if (strcmp(name, "designs") == 0) {
        return pn_sweep_set_designs(s, value, err);
    }
    if (strcmp(name, "set") == 0) {
        return add_sets(s, value, err);
    }
    if (strcmp(name, "title") == 0) {
        (void)snprintf(s->title, sizeof s->title, "%s", value);
        return 0;
    }
    if (strcmp(name, "kind") == 0 && set_kind(s, value) == 0) {
        return 0;
    }
    unsigned points = 0;
    if (strcmp(name, "rounds") == 0 && set_count(&s->rounds, value) == 0) {
        return 0;
    }
    if (strcmp(name, "points") == 0 && set_count(&points, value) == 0) {
        pn_sweep_thin(s, points);
        return 0;
    }
    if ((strcmp(name, "aa") == 0 && set_flag(&s->aa, value) == 0) ||
        (strcmp(name, "loop") == 0 && set_flag(&s->loop, value) == 0)) {
        return 0;
    }
    return refuse(err, "%s = %s is not understood", name, value);
}

static int on_entry(void *user, const char *section, const char *name, const char *value) {
    struct reader *r = user;
    struct pn_error why = {""};
    if (r->failed) {
        return 0;
    }
    if (r->n == 0 || strcmp(r->sweeps[r->n - 1].name, section) != 0) {
        if (r->n == r->max || section[0] == '\0') {
            r->failed = true;
            (void)refuse(r->err, "%s: entries belong to up to %u sections", r->file, r->max);
            return 0;
        }
        for (unsigned i = 0; i < r->n; i++) {
            if (strcmp(r->sweeps[i].name, section) == 0) {
                r->failed = true;
                (void)refuse(r->err, "%s [%s]: the section comes twice", r->file, section);
                return 0;
            }
        }
        pn_sweep_init(&r->sweeps[r->n++], section);
    }
    if (set_entry(&r->sweeps[r->n - 1], name, value, &why) != 0) {
        r->failed = true;
        (void)refuse(r->err, "%s [%s]: %s", r->file, section, why.text);
        return 0;
    }
    return 1;
}

int pn_sweep_read_plan(const char *text, const char *name, struct pn_sweep_plan *sweeps,
                       unsigned max, struct pn_error *err) {
    struct reader r = {.file = name, .sweeps = sweeps, .max = max, .err = err};
    int line = ini_parse_string(text, on_entry, &r);
    if (r.failed) {
        return -EINVAL;
    }
    if (line != 0) {
        return refuse(err, "%s:%d: not a plan file", name, line);
    }
    for (unsigned i = 0; i < r.n; i++) {
        struct pn_error why = {""};
        if (pn_sweep_check(&sweeps[i], &why) != 0) {
            return refuse(err, "%s: %s", name, why.text);
        }
    }
    return r.n == 0 ? refuse(err, "%s: no sweep in it", name) : (int)r.n;
}

/* SPDX-License-Identifier: MIT
 *
 * The run directory: manifest first, then the plan, then a line per slot, synced one by one. Whole
 * files are written beside and renamed; a line is appended with one write.
 */
#include "campaign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int complain(struct pn_error *err, const char *directory, const char *name) {
    int rc = errno == 0 ? -EIO : -errno;
    (void)snprintf(err->text, sizeof err->text, "%s/%s: %s", directory, name, strerror(-rc));
    return rc;
}

static int write_all(int fd, const char *text, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_file(const char *directory, const char *name, const char *text,
                      struct pn_error *err) {
    char path[4096];
    char draft[4096];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)snprintf(draft, sizeof draft, "%s/.%s.new", directory, name);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    errno = fd < 0 ? errno : 0;
    bool ok = fd >= 0 && write_all(fd, text, strlen(text)) == 0 && fsync(fd) == 0;
    int rc = ok ? 0 : complain(err, directory, name);
    if (fd >= 0 && close(fd) != 0 && rc == 0) {
        rc = complain(err, directory, name);
    }
    if (rc == 0 && rename(draft, path) != 0) {
        rc = complain(err, directory, name);
    }
    if (rc != 0) {
        (void)unlink(draft);
    }
    return rc;
}

int pn_rundir_write(const char *directory, const char *name, json_t *value, struct pn_error *err) {
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    if (text == NULL) {
        (void)snprintf(err->text, sizeof err->text, "%s/%s: no memory", directory, name);
        return -ENOMEM;
    }
    int rc = write_file(directory, name, text, err);
    free(text);
    return rc;
}

static json_t *words(const char *text, unsigned n, size_t stride, bool numbers) {
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++) {
        const char *word = text + i * stride;
        char *end = NULL;
        long long number = strtoll(word, &end, 10);
        bool is_number = numbers && *end == '\0' && end != word;
        json_array_append_new(list, is_number ? json_integer(number) : json_string(word));
    }
    return list;
}

/* What one step of a parameter is; "" where the key says it all. */
static const char *unit_of(const char *key) {
    static const char *const table[][2] = {
        {"units", "work units per job"}, {"rate", "jobs/s"}, {"payload", "payload bytes per job"},
        {"alloc", "bytes per job"},      {"queue", "jobs"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i][0], key) == 0) {
            return table[i][1];
        }
    }
    return "";
}

static json_t *sweep_json(const struct pn_sweep_plan *s) {
    static const char *const kinds[] = {"crossover", "latency", "ceiling"};
    static const char *const scales[] = {"log2", "linear", "list"};
    json_t *jobs = json_object();
    for (unsigned i = 0; i < s->n_x; i++) {
        json_object_set_new(jobs, s->x[i], json_integer((json_int_t)s->jobs[i]));
    }
    json_t *set = json_object();
    for (unsigned i = 0; i < s->n_set; i++) {
        const char *equals = strchr(s->set[i], '=');
        char key[PN_WORD];
        (void)snprintf(key, sizeof key, "%.*s", (int)(equals - s->set[i]), s->set[i]);
        json_object_set_new(set, key, json_string(equals + 1));
    }
    json_t *x = json_pack("{s:s,s:s,s:o,s:s}", "key", s->x_key, "scale", scales[s->scale], "values",
                          words(s->x[0], s->n_x, PN_WORD, true), "unit", unit_of(s->x_key));
    json_t *by = s->n_by == 0 ? json_null()
                              : json_pack("{s:s,s:o}", "key", s->by_key, "values",
                                          words(s->by[0], s->n_by, PN_WORD, true));
    json_t *aa = json_null();
    if (s->aa) {
        aa = json_pack("{s:s,s:s}", "x", s->x[s->n_x / 2], "design", s->design[0]);
    }
    return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:i,s:o,s:o}", "name", s->name, "title",
                     s->title, "kind", kinds[s->kind], "x", x, "by", by, "designs",
                     words(s->design[0], s->n_designs, PN_WORD, false), "set", set,
                     "rounds_planned", (int)s->rounds, "jobs", jobs, "aa", aa);
}

static void utc(json_t *manifest, const char *key) {
    char text[32];
    time_t now = time(NULL);
    struct tm tm;
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    json_object_set_new(manifest, key, json_string(text));
}

int pn_rundir_stamp(const char *directory, json_t *m, const char *status, struct pn_error *err) {
    json_object_set_new(m, "schema", json_string("pinion.manifest/1"));
    json_object_set_new(m, "status", json_string(status));
    if (json_object_get(m, "started_utc") == NULL) {
        utc(m, "started_utc");
        json_object_set_new(m, "ended_utc", json_null());
        json_object_set_new(m, "ended_utc_reason", json_string("still running, or killed"));
    }
    if (strcmp(status, "running") != 0) {
        utc(m, "ended_utc");
        (void)json_object_del(m, "ended_utc_reason");
    }
    return pn_rundir_write(directory, "manifest.json", m, err);
}

int pn_rundir_manifest(struct pn_campaign *c, const char *status, struct pn_error *err) {
    json_t *m = c->o->manifest;
    json_t *sweeps = json_array();
    for (unsigned i = 0; i < c->o->n_sweeps; i++) {
        json_array_append_new(sweeps, sweep_json(&c->o->sweeps[i]));
    }
    json_object_set_new(m, "seed", json_integer((json_int_t)c->o->seed));
    json_object_set_new(m, "sweeps", sweeps);
    return pn_rundir_stamp(c->o->directory, m, status, err);
}

json_t *pn_rundir_coordinates(const struct pn_campaign *c, const struct pn_slot_plan *slot) {
    const struct pn_sweep_plan *s = &c->o->sweeps[slot->sweep];
    char key[256];
    pn_slot_key(c, slot, key, sizeof key);
    const char *level = pn_slot_level(c, slot);
    json_t *x = words(s->x[slot->x], 1, PN_WORD, true);
    json_t *by = level == NULL ? NULL : words(level, 1, PN_WORD, true);
    json_t *line = json_pack("{s:s,s:s,s:i,s:O,s:s,s:s}", "key", key, "sweep", s->name, "round",
                             (int)slot->round, "x", json_array_get(x, 0), "design",
                             pn_slot_design(c, slot), "role", pn_slot_role(c, slot));
    json_object_set_new(line, "schema", json_integer(1));
    json_object_set_new(line, "order", json_integer(slot - c->slots));
    json_object_set(line, "by", by == NULL ? json_null() : json_array_get(by, 0));
    json_decref(x);
    json_decref(by);
    return line;
}

static json_t *params_json(const struct pn_campaign *c, const struct pn_slot_plan *slot) {
    char args[PN_SLOT_ARGS][96];
    uint64_t jobs = c->o->sweeps[slot->sweep].jobs[slot->x];
    unsigned n = pn_slot_params(c, slot, jobs, args);
    json_t *object = json_object();
    for (unsigned i = 0; i < n; i++) {
        char *equals = strchr(args[i], '=');
        *equals = '\0';
        json_object_set_new(object, args[i], json_string(equals + 1));
    }
    return object;
}

int pn_rundir_write_plan(struct pn_campaign *c, struct pn_error *err) {
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (to == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < c->n_slots; i++) {
        json_t *line = pn_rundir_coordinates(c, &c->slots[i]);
        json_object_set_new(line, "params", params_json(c, &c->slots[i]));
        (void)json_dumpf(line, to, JSON_COMPACT | JSON_SORT_KEYS);
        (void)fputc('\n', to);
        json_decref(line);
    }
    int rc = fclose(to) == 0 ? write_file(c->o->directory, "plan.jsonl", text, err) : -ENOMEM;
    free(text);
    return rc;
}

int pn_rundir_append_line(int fd, const char *directory, const char *name, const json_t *line,
                          struct pn_error *err) {
    char *text = json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    if (text == NULL) {
        (void)snprintf(err->text, sizeof err->text, "%s: no memory", name);
        return -ENOMEM;
    }
    size_t len = strlen(text);
    text[len] = '\n'; /* the NUL's place: the line goes out in one write */
    errno = 0;
    int rc = write_all(fd, text, len + 1) == 0 && fdatasync(fd) == 0
                 ? 0
                 : complain(err, directory, name);
    free(text);
    return rc;
}

int pn_rundir_append(struct pn_campaign *c, json_t *sample, struct pn_error *err) {
    return pn_rundir_append_line(c->samples, c->o->directory, "samples.jsonl", sample, err);
}

/* What a run that was killed before its manifest stood leaves behind: nothing to go on with. */
static bool is_leftover(const char *directory, const char *name) {
    char path[4096];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return strcmp(name, ".manifest.json.new") == 0 ||
           (strcmp(name, "samples.jsonl") == 0 && stat(path, &st) == 0 && st.st_size == 0);
}

static bool is_empty(const char *path, bool but_for_leftovers) {
    DIR *dir = opendir(path);
    bool empty = true;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        bool nothing = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        empty = empty && (nothing || (but_for_leftovers && is_leftover(path, e->d_name)));
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return empty;
}

static int make_folders(const char *path) {
    char part[4096];
    for (const char *at = path; (at = strchr(at + 1, '/')) != NULL;) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return -1;
        }
    }
    return mkdir(path, 0777) != 0 && errno != EEXIST ? -1 : 0;
}

/* Keys of the finished slots. A last line without its newline was cut short by a kill: it is cut
 * off and its slot is measured again. */
static int read_done(struct pn_campaign *c, struct pn_error *err) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/samples.jsonl", c->o->directory);
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    unsigned number = 0;
    off_t good = 0;
    while (f != NULL && (len = getline(&line, &cap, f)) > 0) {
        number++;
        json_t *sample = json_loads(line, 0, NULL);
        const char *key = json_string_value(json_object_get(sample, "key"));
        bool whole = line[len - 1] == '\n';
        if (key == NULL && whole) {
            (void)snprintf(err->text, sizeof err->text,
                           "%.300s:%u: damaged; remove the line to go on", path, number);
            json_decref(sample);
            free(line);
            (void)fclose(f);
            return -EINVAL;
        }
        if (whole) {
            json_object_set_new(c->done, key, json_true());
            good += len;
        } else {
            (void)snprintf(err->text, sizeof err->text,
                           "%.300s: the last line was cut short and is measured again", path);
        }
        json_decref(sample);
    }
    free(line);
    if (f != NULL) {
        (void)fclose(f);
    }
    return f != NULL && truncate(path, good) != 0 ? complain(err, c->o->directory, "samples.jsonl")
                                                  : 0;
}

/* A resumed run must be the same machine, the same program and the same plan; jobs come from it. */
static int take_manifest(struct pn_campaign *c, struct pn_error *err) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/manifest.json", c->o->directory);
    json_error_t why;
    json_t *old = json_load_file(path, 0, &why);
    const char *was = json_string_value(json_object_get(old, "fingerprint"));
    const char *is = json_string_value(json_object_get(c->o->manifest, "fingerprint"));
    int rc = 0;
    if (old == NULL) {
        (void)snprintf(err->text, sizeof err->text, "%.300s:%d: %s", path, why.line, why.text);
        rc = -EINVAL;
    } else if (was == NULL || is == NULL || strcmp(was, is) != 0 ||
               json_integer_value(json_object_get(old, "seed")) != (json_int_t)c->o->seed) {
        (void)snprintf(err->text, sizeof err->text,
                       "%s: another machine, program, plan or seed; not resumed", c->o->directory);
        rc = -EINVAL;
    }
    for (unsigned s = 0; rc == 0 && s < c->o->n_sweeps; s++) {
        json_t *jobs = json_object_get(json_array_get(json_object_get(old, "sweeps"), s), "jobs");
        for (unsigned x = 0; x < c->o->sweeps[s].n_x; x++) {
            c->o->sweeps[s].jobs[x] =
                (uint64_t)json_integer_value(json_object_get(jobs, c->o->sweeps[s].x[x]));
        }
    }
    if (rc == 0) {
        json_object_set(c->o->manifest, "started_utc", json_object_get(old, "started_utc"));
    }
    json_decref(old);
    return rc;
}

enum pn_campaign_end pn_rundir_make(const char *dir, bool resume, bool *empty,
                                    struct pn_error *err) {
    if (make_folders(dir) != 0 || access(dir, W_OK) != 0) {
        (void)snprintf(err->text, sizeof err->text, "%s: %s", dir, strerror(errno));
        return PN_CAMPAIGN_NO_ACCESS;
    }
    *empty = is_empty(dir, resume);
    return PN_CAMPAIGN_COMPLETE;
}

enum pn_campaign_end pn_rundir_open(struct pn_campaign *c, struct pn_error *err) {
    const char *dir = c->o->directory;
    bool empty = true;
    enum pn_campaign_end made = pn_rundir_make(dir, c->o->resume, &empty, err);
    if (made != PN_CAMPAIGN_COMPLETE) {
        return made;
    }
    if (!empty && !c->o->resume) {
        (void)snprintf(err->text, sizeof err->text,
                       "%s: not empty; name a new directory or give --resume", dir);
        return PN_CAMPAIGN_BAD_INPUT;
    }
    if (!empty && (take_manifest(c, err) != 0 || read_done(c, err) != 0)) {
        return PN_CAMPAIGN_BAD_INPUT;
    }
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/samples.jsonl", dir);
    c->samples = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (c->samples < 0) {
        (void)complain(err, dir, "samples.jsonl");
        return PN_CAMPAIGN_NO_ACCESS;
    }
    return PN_CAMPAIGN_COMPLETE;
}

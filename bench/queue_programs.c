/* SPDX-License-Identifier: MIT
 *
 * Which queues there are: the slot programs say it themselves. A program that was not built leaves
 * a line in PROGRAM.why; what it would have measured is known by name, so that nothing is missing
 * without a word.
 */
#include <pinion/queue_rounds.h>

#include "child.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct slot_program {
    const char *name;
    bool peers;
    const char *queues;
} programs[] = {
    {"pinion-queues-own", false, "segq,segq_credit,ring,spsc"},
    {"pinion-queues-c", true,
     "faa,faa_array,mutex_ring,rte_ring_mpmc,rte_ring_rts,rte_ring_hts,rte_ring_spsc,ck_ring_mpmc,"
     "ck_ring_spsc,ck_fifo_mpmc,urcu_rculfqueue,urcu_wfcqueue"},
    {"pinion-queues-cxx", true, "moodycamel,moodycamel_tokens,tbb_queue,tbb_bounded,boost_queue"},
    {"pinion-queues-rust", true, "crossbeam_seg,crossbeam_array"},
};

static const uint64_t list_deadline_ns = 10000000000u;

/* \return the i-th word of a list with commas in `word`; false after the last */
static bool word_at(const char *list, unsigned i, char *word, size_t cap) {
    for (; i > 0; i--) {
        list = strchr(list, ',');
        if (list == NULL) {
            return false;
        }
        list++;
    }
    (void)snprintf(word, cap, "%.*s", (int)strcspn(list, ","), list);
    return true;
}

static bool matches(const char *patterns, const char *name) {
    char pattern[128];
    for (unsigned i = 0; patterns != NULL && word_at(patterns, i, pattern, sizeof pattern); i++) {
        if (fnmatch(pattern, name, 0) == 0) {
            return true;
        }
    }
    return patterns == NULL;
}

/* A pattern of queues may name a workload, too: "ring@1p1c_*". NULL: whatever the workload. */
static bool wanted(const char *only, const char *queue, const char *workload) {
    char pattern[128];
    for (unsigned i = 0; only != NULL && word_at(only, i, pattern, sizeof pattern); i++) {
        char *at = strchr(pattern, '@');
        if (at != NULL) {
            *at++ = '\0';
        }
        if (fnmatch(pattern, queue, 0) == 0 &&
            (at == NULL || workload == NULL || fnmatch(at, workload, 0) == 0)) {
            return true;
        }
    }
    return only == NULL;
}

static void add_missing(json_t *list, const char *queue, const char *why) {
    json_t *entry =
        json_pack("{s:s,s:s,s:s}", "queue", queue, "status", "not measured", "reason", why);
    json_array_append_new(list, entry);
}

static void why_not_built(const char *path, char *why, size_t cap) {
    char file[4096 + 8];
    (void)snprintf(file, sizeof file, "%s.why", path);
    FILE *f = fopen(file, "re");
    (void)snprintf(why, cap, "the slot program is not there");
    if (f != NULL) {
        if (fgets(why, (int)cap, f) != NULL) {
            why[strcspn(why, "\n")] = '\0';
        }
        (void)fclose(f);
    }
}

/* \return what `PROGRAM --list` printed, to free; NULL and why */
static char *ask(const char *path, char *why, size_t cap) {
    const char *const argv[] = {path, "--list", NULL};
    struct pn_child c;
    int rc = pn_child_start(&c, argv, list_deadline_ns, NULL);
    if (rc != 0) {
        (void)snprintf(why, cap, "cannot be started: %s", strerror(-rc));
        return NULL;
    }
    int status = 0;
    enum pn_heard heard = pn_child_finish(&c, &status);
    char *text = NULL;
    if (heard != PN_HEARD_END) {
        (void)snprintf(why, cap, "--list %s", pn_heard_words[heard]);
    } else if (status != 0) {
        pn_child_explain(&c, status, why, cap);
    } else {
        text = strdup(c.text);
        (void)snprintf(why, cap, "--list printed nothing that can be read");
    }
    pn_child_fini(&c);
    return text;
}

/* An entry as it must be, or NULL. */
static json_t *read_entry(const char *line, size_t len, const char *path) {
    json_t *entry = json_loadb(line, len, 0, NULL);
    bool named = json_is_string(json_object_get(entry, "queue"));
    bool missing = json_is_string(json_object_get(entry, "reason"));
    bool measured = json_is_array(json_object_get(entry, "workloads")) &&
                    json_is_string(json_object_get(entry, "library")) &&
                    json_is_string(json_object_get(entry, "version"));
    if (!named || (!missing && !measured)) {
        json_decref(entry);
        return NULL;
    }
    if (measured) {
        json_object_set_new(entry, "program", json_string(path));
    }
    return entry;
}

static void add_program(json_t *list, const struct slot_program *program, const char *path) {
    char why[160] = "";
    char queue[64];
    char *text = NULL;
    size_t before = json_array_size(list);
    if (access(path, X_OK) == 0) {
        text = ask(path, why, sizeof why);
    } else {
        why_not_built(path, why, sizeof why);
    }
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, "\n");
        json_t *entry = read_entry(at, len, path);
        if (entry != NULL) {
            json_array_append_new(list, entry);
        }
        at += len + (at[len] == '\n');
    }
    free(text);
    if (json_array_size(list) == before) {
        for (unsigned i = 0; word_at(program->queues, i, queue, sizeof queue); i++) {
            add_missing(list, queue, why);
        }
    }
}

/* Every pattern must mean something. */
static enum pn_campaign_end check_patterns(const struct pn_queue_rounds_options *o,
                                           const json_t *all, struct pn_error *err) {
    char pattern[128];
    size_t k;
    size_t w;
    json_t *entry;
    json_t *name;
    for (unsigned i = 0; o->only != NULL && word_at(o->only, i, pattern, sizeof pattern); i++) {
        bool found = false;
        json_array_foreach(all, k, entry) {
            const char *queue = json_string_value(json_object_get(entry, "queue"));
            found = found ||
                    (json_object_get(entry, "workloads") == NULL && wanted(pattern, queue, NULL));
            json_array_foreach(json_object_get(entry, "workloads"), w, name) {
                found = found || wanted(pattern, queue, json_string_value(name));
            }
        }
        if (!found) {
            (void)snprintf(err->text, sizeof err->text, "no queue '%s'; --list names them%s",
                           pattern, o->peers ? "" : ", --peers adds those of other libraries");
            return PN_CAMPAIGN_BAD_INPUT;
        }
    }
    for (unsigned i = 0; o->workloads != NULL && word_at(o->workloads, i, pattern, sizeof pattern);
         i++) {
        bool found = false;
        json_array_foreach(all, k, entry) {
            json_array_foreach(json_object_get(entry, "workloads"), w, name) {
                found = found || matches(pattern, json_string_value(name));
            }
        }
        if (!found) {
            (void)snprintf(err->text, sizeof err->text, "no workload '%s'; --list names them",
                           pattern);
            return PN_CAMPAIGN_BAD_INPUT;
        }
    }
    return PN_CAMPAIGN_COMPLETE;
}

static json_t *chosen_workloads(const json_t *entry, const struct pn_queue_rounds_options *o) {
    const char *queue = json_string_value(json_object_get(entry, "queue"));
    json_t *chosen = json_array();
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(entry, "workloads"), i, name) {
        const char *workload = json_string_value(name);
        if (workload != NULL && matches(o->workloads, workload) &&
            wanted(o->only, queue, workload)) {
            json_array_append(chosen, name);
        }
    }
    return chosen;
}

enum pn_campaign_end pn_queue_rounds_list(const struct pn_queue_rounds_options *o, json_t **list,
                                          struct pn_error *err) {
    json_t *all = json_array();
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", o->programs, programs[i].name);
        if (!programs[i].peers && access(path, X_OK) != 0) {
            (void)snprintf(err->text, sizeof err->text,
                           "%.300s: %s; it lies beside pinion in a build directory", path,
                           strerror(errno));
            json_decref(all);
            return PN_CAMPAIGN_NO_ACCESS;
        }
        if (!programs[i].peers || o->peers) {
            add_program(all, &programs[i], path);
        }
    }
    enum pn_campaign_end end = check_patterns(o, all, err);
    json_t *chosen = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(all, i, entry) {
        if (!wanted(o->only, json_string_value(json_object_get(entry, "queue")), NULL)) {
            continue;
        }
        if (json_object_get(entry, "workloads") != NULL) {
            json_object_set_new(entry, "workloads", chosen_workloads(entry, o));
        }
        json_array_append(chosen, entry);
    }
    json_decref(all);
    if (end != PN_CAMPAIGN_COMPLETE) {
        json_decref(chosen);
        return end;
    }
    *list = chosen;
    return end;
}

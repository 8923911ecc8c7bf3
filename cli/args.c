/* SPDX-License-Identifier: MIT */
#include "args.h"

#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_JSON = 1000, OPT_SEED, OPT_DRY, GROUP = 100 };

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Common options:", GROUP},
    {"json", OPT_JSON, NULL, 0, "the result as JSON on standard output", GROUP},
    {"quiet", 'q', NULL, 0, "neither progress nor notes; warnings and errors stay", GROUP},
    {"verbose", 'v', NULL, 0, "say more", GROUP},
    {"seed", OPT_SEED, "N", 0, "of everything that is random, default 1", GROUP},
    {"dry-run", OPT_DRY, NULL, 0, "say what would be done, and stop", GROUP},
    {"help", '?', NULL, 0, "this list", GROUP},
    {0},
};

struct parse {
    struct pn_common *common;
    void *input;
    FILE *sink;
    bool helped;
};

enum { OPTIONS = sizeof option_table / sizeof *option_table };

/* What a command means by one of these names itself, as bench by --json[=FILE], is its own. */
static void leave_out(const struct argp_option *own, struct argp_option *list) {
    size_t n = 0;
    for (size_t i = 0; i < OPTIONS; i++) {
        bool taken = false;
        for (const struct argp_option *o = own; o != NULL && (o->name != NULL || o->key != 0);
             o++) {
            taken = taken || (o->name != NULL && option_table[i].name != NULL &&
                              strcmp(o->name, option_table[i].name) == 0);
        }
        if (!taken) {
            list[n++] = option_table[i];
        }
    }
}

static error_t help(struct argp_state *state, struct parse *p) {
    argp_state_help(state, stdout,
                    ARGP_HELP_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC);
    p->helped = true;
    return ECANCELED;
}

static error_t parse_common(int key, char *arg, struct argp_state *state) {
    struct parse *p = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        /* getopt says what is wrong in one line on stderr; argp would add a second one. */
        state->err_stream = p->sink;
        state->child_inputs[0] = p->input;
        return 0;
    case OPT_JSON:
        p->common->json = true;
        return 0;
    case 'q':
        p->common->quiet = true;
        return 0;
    case 'v':
        p->common->verbose = true;
        return 0;
    case OPT_SEED:
        p->common->seeded = true;
        return pn_args_number("seed", arg, &p->common->seed);
    case OPT_DRY:
        p->common->dry_run = true;
        return 0;
    case '?':
        return help(state, p);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

bool pn_args_parse(const struct argp *argp, int argc, char **argv, void *input,
                   struct pn_common *common, int *code) {
    struct parse p = {.common = common, .input = input, .sink = fopen("/dev/null", "we")};
    struct argp own = *argp;
    own.doc = NULL;
    own.args_doc = NULL;
    const struct argp_child children[] = {{&own, 0, NULL, 0}, {0}};
    struct argp_option options[OPTIONS];
    const struct argp root = {options, parse_common, argp->args_doc, argp->doc, children,
                              NULL,    NULL};
    leave_out(argp->options, options);
    *common = (struct pn_common){.seed = 1};
    *code = PN_EXIT_INPUT;
    if (p.sink == NULL) {
        *code = pn_fail(PN_EXIT_MACHINE, "/dev/null: %s", strerror(errno));
        return false;
    }
    /* Without ARGP_NO_EXIT a lost help text would go unnoticed: only main ends the process. */
    error_t rc = argp_parse(&root, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &p);
    (void)fclose(p.sink);
    if (p.helped) {
        *code = PN_EXIT_OK;
    }
    return rc == 0;
}

int pn_args_number(const char *option, const char *text, uint64_t *value) {
    char *end = NULL;
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0) {
        (void)pn_fail(PN_EXIT_INPUT, "--%s '%.64s': not a whole number up to 2^64-1", option, text);
        return EINVAL;
    }
    return 0;
}

int pn_args_budget(const char *command, const char *text, uint64_t *ns) {
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    uint64_t unit = strcmp(end, "s") == 0   ? 1
                    : strcmp(end, "m") == 0 ? 60
                    : strcmp(end, "h") == 0 ? 3600
                                            : 0;
    if (!isdigit((unsigned char)text[0]) || errno != 0 || n == 0 || unit == 0 || n > 1000000) {
        (void)pn_fail(PN_EXIT_INPUT, "%s: '%s': --budget takes a time such as 30s, 10m or 2h",
                      command, text);
        return EINVAL;
    }
    *ns = n * unit * 1000000000u;
    return 0;
}

void pn_note(const struct pn_common *common, const char *format, ...) {
    if (common->quiet) {
        return;
    }
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fprintf(stderr, "pinion: note: %s\n", text);
}

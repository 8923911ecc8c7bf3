/* SPDX-License-Identifier: MIT
 *
 * pinion doctor: is this machine fit to be measured on. Only reads.
 */
#include "args.h"
#include "command.h"
#include "findings_json.h"

#include <errno.h>
#include <pinion/doctor.h>
#include <stdio.h>

struct options {
    struct pn_common common;
    bool strict;
};

enum { OPT_STRICT = 256 };

static const struct argp_option option_table[] = {
    {"strict", OPT_STRICT, NULL, 0, "exit 3 if a check warns or fails", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state) {
    struct options *o = state->input;
    switch (key) {
    case OPT_STRICT:
        o->strict = true;
        return 0;
    case ARGP_KEY_ARG:
        (void)pn_fail(PN_EXIT_INPUT, "doctor: '%s' is not an option", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static size_t count(const struct pn_finding *findings, size_t n, enum pn_finding_status status) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        found += findings[i].status == status;
    }
    return found;
}

/* What is as it should be needs no explanation, unless -v asks for one. */
static void print_finding(const struct pn_finding *f, bool verbose) {
    bool bad = f->status == PN_FINDING_WARN || f->status == PN_FINDING_FAIL;
    (void)printf("%-5s %-16s %s\n", pn_finding_status_name(f->status), f->id,
                 f->status == PN_FINDING_SKIP ? f->reason : f->value);
    if (bad || verbose) {
        (void)printf("      %-16s expected %s; spoils %s\n", "", f->expected,
                     pn_finding_impact_name(f->impact));
        (void)printf("      %-16s %s\n", "", f->why);
    }
    if (bad) {
        (void)printf("      %-16s fix: %s\n", "", f->fix);
    }
    if (verbose) {
        (void)printf("      %-16s from %s\n", "", f->source);
    }
}

static void print_table(const struct pn_finding *findings, size_t n, bool verbose) {
    for (size_t i = 0; i < n; i++) {
        print_finding(&findings[i], verbose);
    }
    (void)printf("\n%zu checks: %zu ok, %zu info, %zu warn, %zu fail, %zu could not look\n", n,
                 count(findings, n, PN_FINDING_OK), count(findings, n, PN_FINDING_INFO),
                 count(findings, n, PN_FINDING_WARN), count(findings, n, PN_FINDING_FAIL),
                 count(findings, n, PN_FINDING_SKIP));
}

static int print_json(const struct pn_finding *findings, size_t n) {
    json_t *array = pn_findings_json(findings, n);
    if (array == NULL) {
        return pn_fail(PN_EXIT_LATER, "doctor: no memory for the JSON");
    }
    int rc = json_dumpf(array, stdout, JSON_INDENT(1));
    (void)putchar('\n');
    json_decref(array);
    return rc == 0 ? PN_EXIT_OK : pn_fail(PN_EXIT_LATER, "doctor: output lost");
}

static int run(int argc, char **argv) {
    struct options o = {0};
    const struct argp argp = {
        option_table, parse_option, NULL, "Is this machine fit to be measured on? Only reads.",
        NULL,         NULL,         NULL};
    int code;
    if (!pn_args_parse(&argp, argc, argv, &o, &o.common, &code)) {
        return code;
    }
    struct pn_topology *topo = NULL;
    struct pn_error err = {""};
    if (pn_topology_load(NULL, &topo, &err) != 0) {
        pn_note(&o.common, "%s", err.text);
    }
    struct pn_finding findings[PN_DOCTOR_MAX];
    size_t n = 0;
    (void)pn_doctor_run("", topo, findings, PN_DOCTOR_MAX, &n);
    pn_topology_destroy(topo);
    code = PN_EXIT_OK;
    if (o.common.json) {
        code = print_json(findings, n);
    } else {
        print_table(findings, n, o.common.verbose);
    }
    bool bad = count(findings, n, PN_FINDING_WARN) + count(findings, n, PN_FINDING_FAIL) > 0;
    return code == PN_EXIT_OK && o.strict && bad ? PN_EXIT_MACHINE : code;
}

const struct pn_command pn_cmd_doctor = {"doctor", "is this machine fit to be measured on", run};

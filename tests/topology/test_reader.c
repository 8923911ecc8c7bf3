/* SPDX-License-Identifier: MIT
 *
 * A helper that lies, dies, stalls or says too little. The test copies itself into a folder of its
 * own, where a script stands beside it under the helper's name; the copy loads a topology and says
 * what it got.
 */
#include <pinion/topology.h>

#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pinion-reader-XXXXXX";

struct answer {
    int rc;
    char text[1024];
};

static void write_file(const char *name, const char *text, mode_t mode) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* What the copy answers when the helper is this script. */
static struct answer ask(const char *script, const char *mode) {
    char command[256];
    struct answer a = {.rc = 1};
    write_file("pinion-topo", script, 0755);
    (void)snprintf(command, sizeof command, "%s/copy %s", folder, mode);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    char line[1024] = "";
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(pclose(f), 0);
    char *rest = NULL;
    a.rc = (int)strtol(line, &rest, 10);
    (void)snprintf(a.text, sizeof a.text, "%s", rest);
    return a;
}

static const char good[] = "pinion-topo 3\npackages 1\nnode 0 4096 0 1\ncore 0 1 0 0 -1 0 2\n"
                           "core 0 1 0 0 -1 1 3\ndistance 0 0:10\nallowed 0-3\nend\n";

static struct answer ask_text(const char *text, const char *mode) {
    char script[2048];
    (void)snprintf(script, sizeof script, "#!/bin/sh\ncat <<'X'\n%sX\n", text);
    return ask(script, mode);
}

static void test_reader_good_answer_is_taken(void **state) {
    (void)state;
    struct answer a = ask_text(good, "live");
    assert_int_equal(a.rc, 0);
    assert_non_null(strstr(a.text, "2 cores 1 nodes 4 allowed"));
    assert_int_equal(ask_text(good, "live-ignoring-sigchld").rc, 0);
    assert_int_equal(ask_text(good, "live-closed-descriptors").rc, 0);
}

static void test_reader_nonsense_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "end\n",
        "pinion-topo 2\npackages 1\ncore -1 -1 0 0 -1 0\nallowed 0\nend\n",
        "pinion-topo 3\npackages 1\ncore -1 -1 0 0 -1 0\nallowed 0\n", /* no end */
        "pinion-topo 3\npackages 1\nnode 0 1 0 1\nallowed 0\nend\n",   /* no cores */
        "pinion-topo 3\ncore 5 -1 0 0 -1 0\nallowed 0\nend\n",         /* no such node */
        "pinion-topo 3\ncore -1 -1 0 0 -1 0\nend\n",                   /* allowed is missing */
        "pinion-topo 3\ncore -1 -1 0 0 -1 0\ncore -1 -1 0 0 -1 0\nallowed 0\nend\n", /* PU twice */
        "pinion-topo 3\ncore -1 -1 0 0 -1 1 0\nallowed 0\nend\n",   /* not ascending */
        "pinion-topo 3\ncore -1 -1 0 0 -1\nallowed 0\nend\n",       /* no PU */
        "pinion-topo 3\ncore -1 -1 0 0 -1 65536\nallowed 0\nend\n", /* out of range */
        "pinion-topo 3\ncore -1 -1 0 2 -1 0\nallowed 0\nend\n",     /* not a flag */
        "pinion-topo 3\nnode 0 1 0 1\nnode 0 1 0 1\ncore 0 1 0 0 -1 0\nallowed 0\nend\n",
        "pinion-topo 3\nnode -1 1 0 1\ncore -1 1 0 0 -1 0\nallowed 0\nend\n", /* negative */
        "pinion-topo 3\nnode 0 99999999999999999999 0 1\ncore 0 1 0 0 -1 0\nallowed 0\nend\n",
        "pinion-topo 3\nnode 0 1 0 1\ncore 0 1 0 0 -1 0\ndistance 0 7:10\nallowed 0\nend\n",
        "pinion-topo 3\nnode 0 1 0 1\ncore 0 1 0 0 -1 0\ndistance 0 0;10\nallowed 0\nend\n",
        /* a matrix that grows after it got its memory */
        ("pinion-topo 3\nnode 0 1 0 1\ndistance 0 0:10\nnode 1 1 0 1\ncore 0 1 0 0 -1 0\n"
         "allowed 0\nend\n"),
        "pinion-topo 3\ncore -1 -1 0 0 -1 0\nallowed 0\nend\nend\n",
        "pinion-topo 3\ncore -1 -1 0 0 -1 0\nwhatever\nallowed 0\nend\n",
        "pinion-topo 3\ncore -1 -1 0 0 -1 0\nallowed 3-1\nend\n",
        "pinion-topo 3\ncore -1 -1 0 0 -2 0\nallowed 0\nend\n", /* not a kind */
        "pinion-topo 3\nnode 0 1 0 2\ncore 0 1 0 0 -1 0\nallowed 0\nend\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct answer a = ask_text(texts[i], "live");
        if (a.rc != -EPROTO || strstr(a.text, "makes no sense") == NULL) {
            fail_msg("answer %zu was taken: %d%s", i, a.rc, a.text);
        }
    }
}

static void test_reader_death_is_told(void **state) {
    (void)state;
    struct answer a = ask("#!/bin/sh\necho pinion-topo 3\nkill -SEGV $$\n", "live");
    assert_int_equal(a.rc, -EPROTO);
    assert_non_null(strstr(a.text, "signal 11"));
    a = ask("#!/bin/sh\nkill -SEGV $$\n", "file");
    assert_int_equal(a.rc, -EINVAL);
    assert_non_null(strstr(a.text, "malformed"));
    a = ask("#!/bin/sh\nexit 7\n", "live");
    assert_int_equal(a.rc, -EPROTO);
    assert_non_null(strstr(a.text, "exit 7"));
    a = ask("#!/bin/sh\necho error 27 too large; exit 1\n", "file");
    assert_int_equal(a.rc, -EFBIG);
    assert_string_equal(a.text, " too large\n");
    a = ask("#!/nonexistent\n", "live");
    assert_int_equal(a.rc, -ENOEXEC);
}

static void test_reader_stalling_is_cut_off(void **state) {
    (void)state;
    struct answer a = ask("#!/bin/sh\nexec sleep 20\n", "short");
    assert_int_equal(a.rc, -EPROTO);
    assert_non_null(strstr(a.text, "no answer in time"));
    /* The pipe has ended, the process has not. */
    a = ask("#!/bin/sh\nexec >&-\nexec sleep 20\n", "short");
    assert_int_equal(a.rc, -EPROTO);
    a = ask("#!/bin/sh\nexec yes pinion\n", "short");
    assert_int_equal(a.rc, -EPROTO);
}

/* The copy's side: one line "RC TEXT". */
static int answer(const char *mode) {
    struct pn_error err = {""};
    if (strcmp(mode, "short") == 0) {
        char *text = NULL;
        int rc = pn_reader_run("live", NULL, 300, &text, &err);
        free(text);
        return printf("%d %s\n", rc, err.text) > 0 ? 0 : 1;
    }
    if (strcmp(mode, "live-ignoring-sigchld") == 0) {
        (void)signal(SIGCHLD, SIG_IGN);
    }
    int out = fcntl(1, F_DUPFD_CLOEXEC, 10);
    if (strcmp(mode, "live-closed-descriptors") == 0) {
        (void)close(0);
        (void)close(1);
        (void)close(2);
    }
    struct pn_topology *topo = NULL;
    int rc = pn_topology_load(strcmp(mode, "file") == 0 ? "/some/file" : NULL, &topo, &err);
    (void)dprintf(out, "%d", rc);
    if (rc == 0) {
        (void)dprintf(out, " %u cores %u nodes %u allowed", topo->n_cores, topo->n_nodes,
                      topo->n_allowed);
        pn_topology_destroy(topo);
    }
    return dprintf(out, " %s\n", err.text) > 0 ? 0 : 1;
}

static int make_folder(void **state) {
    (void)state;
    char command[512];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(command, sizeof command, "cp /proc/%d/exe %s/copy", (int)getpid(), folder);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    return pclose(f);
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const names[] = {"copy", "pinion-topo"};
    char path[128];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

int main(int argc, char **argv) {
    if (argc == 2) {
        return answer(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_good_answer_is_taken),
        cmocka_unit_test(test_reader_nonsense_is_refused),
        cmocka_unit_test(test_reader_death_is_told),
        cmocka_unit_test(test_reader_stalling_is_cut_off),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

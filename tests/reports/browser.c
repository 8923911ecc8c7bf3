/* SPDX-License-Identifier: MIT
 *
 * Looks at the page in headless Chromium: light, dark and 390 px wide. The pictures must not be
 * blank, nothing may be said on the console, every label must lie inside its figure as the browser
 * measures it, and the page must not scroll sideways. Exit 77 without a browser.
 *
 * usage: test_reports_browser [DIR]   DIR: keep page and pictures there
 */
#include <ctype.h>
#include <errno.h>

#include <pinion/report.h>

#include "make_peers.h"
#include "make_queues.h"

#define FLAGS                                                                                      \
    " --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "                        \
    "--disable-background-networking"                                                              \
    " --disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr --v=0"

struct shot {
    const char *name;
    int width, height;
    const char *more;       /* further flags */
    const char *background; /* as the browser computes it */
};

static const char *find_browser(void) {
    static const char *const names[] = {"chromium-headless-shell", "chromium", "chromium-browser",
                                        "google-chrome", "google-chrome-stable"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char command[128];
        (void)snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", names[i]);
        if (system(command) == 0) {
            return names[i];
        }
    }
    return NULL;
}

/* Runs the browser on dir/page; what it prints goes to dir/out and dir/err. */
static int browse(const char *browser, const char *dir, const char *flags, const char *page) {
    char command[2048];
    (void)snprintf(command, sizeof command,
                   "timeout 60 %s" FLAGS
                   " --user-data-dir='%s/profile' %s 'file://%s/%s' >'%s/out' 2>'%s/err'",
                   browser, dir, flags, dir, page, dir, dir);
    return system(command);
}

static char *slurp(const char *dir, const char *name, size_t *len) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    char *data = malloc(16 << 20);
    *len = 0;
    if (data == NULL) {
        abort();
    }
    if (f != NULL) {
        *len = fread(data, 1, (16 << 20) - 1, f);
        (void)fclose(f);
    }
    data[*len] = '\0';
    return data;
}

static int fail(const char *what, const char *detail) {
    (void)fprintf(stderr, "FAILED: %s: %.600s\n", what, detail);
    return 1;
}

/* The page with a script that measures every visible label; the policy that forbids scripts is
 * taken out. */
static void write_check(const char *dir) {
    size_t len;
    char *html = slurp(dir, "report.html", &len);
    FILE *f = made_open(dir, "check.html");
    const char *policy = strstr(html, "<meta http-equiv");
    const char *after = strchr(policy, '>') + 1;
    (void)fwrite(html, 1, (size_t)(policy - html), f);
    (void)fputs(after, f);
    (void)fputs("<script>let bad=[],seen=0;for(const s of document.querySelectorAll('svg')){"
                "if(!s.getClientRects().length)continue;const "
                "w=s.viewBox.baseVal.width,h=s.viewBox.baseVal.height;"
                "for(const t of s.querySelectorAll('text')){const b=t.getBBox();seen++;"
                "if(b.x<-1||b.x+b.width>w+1||b.y<-2||b.y+b.height>h+2)bad.push(t.textContent);}}"
                "document.title='checked '+seen+' labels, '+bad.length+' clipped, background '"
                "+getComputedStyle(document.body).backgroundColor.replaceAll(' ','')"
                "+', sideways '+(document.documentElement.scrollWidth-innerWidth)+'; "
                "'+bad.join('|');</script>",
                f);
    (void)fclose(f);
    free(html);
}

/* One number out of the title that the check page gives itself. */
static long number_before(const char *text, const char *word) {
    const char *at = strstr(text, word);
    while (at != NULL && at > text && isdigit((unsigned char)at[-1])) {
        at--;
    }
    return at == NULL ? -1 : strtol(at, NULL, 10);
}

static int check_labels(const char *browser, const char *dir, const struct shot *shot) {
    char flags[256];
    size_t len;
    (void)snprintf(flags, sizeof flags, "--dump-dom --window-size=%d,%d %s", shot->width,
                   shot->height, shot->more);
    if (browse(browser, dir, flags, "check.html") != 0) {
        return fail(shot->name, "the browser failed on the check page");
    }
    char *dom = slurp(dir, "out", &len);
    const char *title = strstr(dom, "<title>checked ");
    char said[640] = "no title";
    if (title != NULL) {
        (void)snprintf(said, sizeof said, "%.*s", (int)strcspn(title + 7, "<"), title + 7);
    }
    free(dom);
    (void)printf("%s: %s\n", shot->name, said);
    if (number_before(said, " labels") < 100 || number_before(said, " clipped") != 0) {
        return fail("labels are clipped or missing", said);
    }
    const char *sideways = strstr(said, "sideways ");
    if (sideways == NULL || strtol(sideways + 9, NULL, 10) > 0) {
        return fail("the page scrolls sideways", said);
    }
    return strstr(said, shot->background) != NULL
               ? 0
               : fail("the theme is not the one asked for", said);
}

static size_t picture(const char *browser, const char *dir, const struct shot *shot,
                      const char *page) {
    char flags[512];
    char name[64];
    size_t len = 0;
    (void)snprintf(name, sizeof name, "%s.png", shot->name);
    (void)snprintf(flags, sizeof flags, "--screenshot='%s/%s' --window-size=%d,%d %s", dir, name,
                   shot->width, shot->height, shot->more);
    if (browse(browser, dir, flags, page) == 0) {
        char *png = slurp(dir, name, &len);
        len = len > 24 && memcmp(png, "\x89PNG", 4) == 0 ? len : 0;
        free(png);
    }
    return len;
}

/* The real page, with its policy: a picture worth several blank ones, and a silent console. */
static int check_picture(const char *browser, const char *dir, const struct shot *shot) {
    struct shot blank = *shot;
    size_t len;
    blank.name = "blank";
    size_t nothing = picture(browser, dir, &blank, "blank.html");
    size_t drawn = picture(browser, dir, shot, "report.html");
    char *err = slurp(dir, "err", &len);
    const char *console = strstr(err, "CONSOLE");
    int failed = console != NULL ? fail("the console spoke", console) : 0;
    free(err);
    (void)printf("%s: picture %zu bytes, blank %zu bytes\n", shot->name, drawn, nothing);
    if (nothing == 0 || drawn < 8 * nothing) {
        failed = fail("the picture is blank or missing", shot->name);
    }
    return failed;
}

static void clean(const char *dir) {
    char command[512];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0) {
        (void)printf("%s stays behind\n", dir);
    }
}

/* The run in dir: its report, looked at in each shot. */
static int look(const char *browser, const char *dir) {
    static const struct shot shots[] = {
        {"light", 1200, 3000, "", "rgb(255,255,255)"},
        {"dark", 1200, 3000, "--blink-settings=preferredColorScheme=0", "rgb(17,21,26)"},
        {"narrow", 390, 3000, "", "rgb(255,255,255)"},
    };
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    FILE *blank = made_open(dir, "blank.html");
    (void)fputs("<!doctype html><title>blank</title>", blank);
    (void)fclose(blank);
    int failed = pn_report_write(dir, &verdict, &err) == 0 ? 0 : fail("no report", err.text);
    if (failed == 0) {
        write_check(dir);
    }
    for (size_t i = 0; failed == 0 && i < sizeof shots / sizeof shots[0]; i++) {
        failed |= check_picture(browser, dir, &shots[i]);
        failed |= check_labels(browser, dir, &shots[i]);
    }
    return failed;
}

int main(int argc, char **argv) {
    const char *browser = find_browser();
    if (browser == NULL) {
        (void)puts("skipped: no chromium in PATH");
        return 77;
    }
    char dir[256];
    char peers[272];
    made_directory(dir, sizeof dir);
    if (argc > 1) {
        (void)rmdir(dir);
        if (mkdir(argv[1], 0755) != 0 && errno != EEXIST) {
            return fail(argv[1], strerror(errno));
        }
        (void)snprintf(dir, sizeof dir, "%s", argv[1]);
    }
    (void)snprintf(peers, sizeof peers, "%s/peers", dir);
    if (mkdir(peers, 0755) != 0 && errno != EEXIST) {
        return fail(peers, strerror(errno));
    }
    struct made_run run = made_run_plain(7);
    static char name[400]; /* one word, longer than a phone is wide */
    memset(name, 'W', sizeof name - 1);
    run.hypervisor = true;
    run.cpu_model = name;
    run.void_reason = name;
    make_run(dir, &run);
    make_queues(dir, 7, 7);
    struct made_peers many = made_peers_plain(7);
    many.version = name;
    many.reason = name;
    make_peers(peers, &many);
    int failed = look(browser, dir) | look(browser, peers);
    if (argc < 2) {
        clean(dir);
    }
    return failed;
}

/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

struct style {
    const char *minus;
    const char *plus;
    const char *group; /* between thousands, or NULL */
};

/* Appends s in front of the text that starts at *at. */
static void prepend(char *buffer, size_t *at, const char *s) {
    for (size_t n = strlen(s); n > 0 && *at > 0; n--) {
        buffer[--*at] = s[n - 1];
    }
}

/* Written from the last digit: value * 10^decimals is rounded half away from zero to an integer. */
static struct pn_num format(double value, int decimals, struct style style) {
    struct pn_num out;
    char buffer[sizeof out.s];
    size_t at = sizeof buffer - 1;
    buffer[at] = '\0';
    decimals = decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
    if (!isfinite(value) || fabs(value) >= 1e15) {
        const char *name = isnan(value) ? "n/a" : value > 0 ? "over 10^15" : "under -10^15";
        (void)memcpy(out.s, name, strlen(name) + 1);
        return out;
    }
    double scaled = floor(fabs(value) * powers[decimals] + 0.5);
    while (scaled >= 1e18) { /* keeps the conversion below defined; such digits mean nothing */
        scaled = floor(scaled / 10);
        decimals--;
    }
    uint64_t digits = (uint64_t)scaled;
    bool zero = digits == 0;
    for (int i = 0; i < decimals; i++, digits /= 10) {
        buffer[--at] = (char)('0' + digits % 10);
    }
    if (decimals > 0) {
        buffer[--at] = '.';
    }
    int written = 0;
    do {
        if (written > 0 && written % 3 == 0 && style.group != NULL) {
            prepend(buffer, &at, style.group);
        }
        buffer[--at] = (char)('0' + digits % 10);
        digits /= 10;
        written++;
    } while (digits > 0 && at > 8);
    if (!zero && value < 0) {
        prepend(buffer, &at, style.minus);
    } else if (!zero && style.plus != NULL) {
        prepend(buffer, &at, style.plus);
    }
    (void)memcpy(out.s, buffer + at, sizeof buffer - at);
    return out;
}

struct pn_num pn_num_fixed(double value, int decimals) {
    return format(value, decimals, (struct style){PN_MINUS, NULL, PN_THIN});
}

struct pn_num pn_num_signed(double value, int decimals) {
    return format(value, decimals, (struct style){PN_MINUS, "+", PN_THIN});
}

struct pn_num pn_num_plain(double value, int decimals) {
    return format(value, decimals, (struct style){PN_MINUS, NULL, NULL});
}

struct pn_num pn_num_coord(double value) {
    return format(isfinite(value) ? value : 0, 1, (struct style){"-", NULL, NULL});
}

int pn_num_decimals(double value, int digits) {
    double size = fabs(value);
    if (!(size > 0) || !isfinite(size)) {
        return 0;
    }
    int exponent = (int)floor(log10(size));
    int decimals = digits - 1 - exponent;
    if (decimals >= 0 && decimals <= 6 && floor(size * powers[decimals] + 0.5) >= pow(10, digits)) {
        decimals--;
    }
    return decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
}

/* 11383 at 3 digits is 11400: digits that are not significant are not shown. */
static double round_to(double value, int digits) {
    double size = fabs(value);
    if (!isfinite(size) || size < 1000) {
        return value;
    }
    double unit = pow(10, floor(log10(size)) - (digits - 1));
    return unit > 1 ? floor(size / unit + 0.5) * unit * (value < 0 ? -1 : 1) : value;
}

struct pn_num pn_num_sig(double value, int digits) {
    return pn_num_fixed(round_to(value, digits), pn_num_decimals(value, digits));
}

static struct pn_num with_suffix(struct pn_num number, const char *suffix) {
    size_t n = strlen(number.s);
    size_t room = sizeof number.s - 1 - n;
    size_t k = strlen(suffix);
    if (k <= room) {
        (void)memcpy(number.s + n, suffix, k + 1);
    }
    return number;
}

struct pn_num pn_num_si(double value) {
    static const struct {
        double size;
        const char *suffix;
    } units[] = {{1e9, PN_THIN "G"}, {1e6, PN_THIN "M"}, {1e3, PN_THIN "k"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (fabs(value) >= units[i].size * 0.9995) {
            return with_suffix(pn_num_sig(value / units[i].size, 3), units[i].suffix);
        }
    }
    return pn_num_sig(value, 3);
}

struct pn_num pn_num_tick(double value) {
    struct pn_num number = pn_num_si(value);
    char *dot = strchr(number.s, '.');
    if (dot == NULL) {
        return number;
    }
    char *end = dot + 1 + strspn(dot + 1, "0123456789");
    char *keep = end;
    while (keep[-1] == '0') {
        keep--;
    }
    keep -= keep[-1] == '.' ? 1 : 0;
    memmove(keep, end, strlen(end) + 1);
    return number;
}

struct pn_num pn_num_x(double value) {
    bool whole = fabs(value) < 1e15 && floor(value) == value;
    return pn_num_plain(value, whole ? 0 : pn_num_decimals(value, 3));
}

struct pn_num pn_num_percent(double log_ratio, int decimals) {
    return with_suffix(pn_num_signed(100 * expm1(log_ratio), decimals), PN_NBSP "%");
}

/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pn_text_free(struct pn_text *text) {
    free(text->data);
    *text = (struct pn_text){0};
}

/* Room for n more bytes and the terminator. */
static bool reserve(struct pn_text *text, size_t n) {
    if (text->failed || n > SIZE_MAX / 4 - text->len) {
        text->failed = true;
        return false;
    }
    size_t need = text->len + n + 1;
    if (need <= text->capacity) {
        return true;
    }
    size_t capacity = text->capacity == 0 ? 4096 : text->capacity * 2;
    while (capacity < need) {
        capacity *= 2;
    }
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void pn_text_put_n(struct pn_text *text, const char *raw, size_t n) {
    if (reserve(text, n)) {
        memcpy(text->data + text->len, raw, n);
        text->len += n;
        text->data[text->len] = '\0';
    }
}

void pn_text_put(struct pn_text *text, const char *raw) {
    pn_text_put_n(text, raw, strlen(raw));
}

void pn_text_cat(struct pn_text *text, ...) {
    va_list args;
    va_start(args, text);
    for (const char *s = va_arg(args, const char *); s != NULL; s = va_arg(args, const char *)) {
        pn_text_put(text, s);
    }
    va_end(args);
}

void pn_text_format(struct pn_text *text, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && reserve(text, (size_t)n)) {
        (void)vsnprintf(text->data + text->len, (size_t)n + 1, format, again);
        text->len += (size_t)n;
    }
    va_end(again);
}

/* U+202A..202E and U+2066..2069 reorder the text around them; U+2028/2029 break lines. */
static bool is_reordering(const unsigned char *s) {
    if (s[0] != 0xe2 || s[1] == 0) {
        return false;
    }
    return (s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
           (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

void pn_text_escape(struct pn_text *text, const char *raw) {
    for (const unsigned char *s = (const unsigned char *)raw; *s != 0; s++) {
        switch (*s) {
        case '<':
            pn_text_put(text, "&lt;");
            break;
        case '>':
            pn_text_put(text, "&gt;");
            break;
        case '&':
            pn_text_put(text, "&amp;");
            break;
        case '"':
            pn_text_put(text, "&quot;");
            break;
        case '\'':
            pn_text_put(text, "&#39;");
            break;
        default:
            if (is_reordering(s)) {
                pn_text_put(text, "\ufffd");
                s += 2;
            } else if ((*s < 0x20 && *s != '\t' && *s != '\n') || *s == 0x7f) {
                pn_text_put(text, "\ufffd");
            } else {
                pn_text_put_n(text, (const char *)s, 1);
            }
        }
    }
}

/* Advance of one character in units of the font size, DejaVu Sans rounded up: the widest face that
 * a system stack falls back to. */
static double advance(const unsigned char *s) {
    unsigned char c = *s;
    if (c < 0x80) {
        if (strchr(" .,:;|!'il", c) != NULL) {
            return 0.32;
        }
        if (strchr("()[]-/jtfr", c) != NULL) {
            return 0.40;
        }
        if (strchr("mMwW%", c) != NULL) {
            return 0.98;
        }
        if (c >= '0' && c <= '9') {
            return 0.636;
        }
        return c >= 'A' && c <= 'Z' ? 0.72 : 0.62;
    }
    if (c == 0xc2) { /* Latin-1 signs: no-break space, plus-minus, micro */
        return s[1] == 0xa0 ? 0.32 : 0.84;
    }
    if (c == 0xe2 && s[1] == 0x80) { /* thin spaces, dashes */
        return s[2] == 0xaf ? 0.20 : 0.52;
    }
    return c == 0xe2 ? 0.84 : 1.0;
}

double pn_text_width(const char *text, double px, bool bold) {
    double width = 0;
    for (const unsigned char *s = (const unsigned char *)text; *s != 0; s++) {
        if ((*s & 0xc0) != 0x80) {
            width += advance(s);
        }
    }
    return width * px * (bold ? 1.1 : 1.0);
}

/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>

int pn_fail(enum pn_exit code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)fputs("pinion: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return (int)code;
}

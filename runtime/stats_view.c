/* SPDX-License-Identifier: MIT
 *
 * Statistics read from outside: another process, another version. The segment is input: every
 * number in its head is checked against the mapped size before it is used, and the head is copied,
 * so that a writer gone mad cannot change it afterwards.
 */
#include "runtime/stats_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct pn_stats_view {
    const unsigned char *base;
    size_t bytes;
    struct pn_stats_head head;
    struct pn_stats_entry *entries; /* copies, names and units terminated */
};

static int check_head(const struct pn_stats_head *head, uint64_t bytes) {
    if (head->magic != PN_STATS_MAGIC) {
        return -EPROTO;
    }
    if (head->version != PN_STATS_VERSION) {
        return -ENOTSUP;
    }
    uint64_t described = sizeof *head + (uint64_t)head->entries * sizeof(struct pn_stats_entry) +
                         (uint64_t)head->blocks * sizeof(struct pn_stats_label);
    uint64_t values = (uint64_t)head->blocks * head->block_stride;
    if (head->entry_bytes != sizeof(struct pn_stats_entry) ||
        head->label_bytes != sizeof(struct pn_stats_label) || head->entries > 8192 ||
        head->blocks == 0 || head->blocks > 65536 || head->block_stride % 8 != 0 ||
        head->blocks_offset % 8 != 0 || head->blocks_offset < described ||
        head->segment_bytes > bytes || head->blocks_offset + values > bytes) {
        return -EPROTO;
    }
    return 0;
}

static int copy_entries(struct pn_stats_view *view) {
    size_t n = view->head.entries;
    view->entries = calloc(n + 1, sizeof *view->entries);
    if (view->entries == NULL) {
        return -ENOMEM;
    }
    memcpy(view->entries, view->base + sizeof view->head, n * sizeof *view->entries);
    for (size_t i = 0; i < n; i++) {
        struct pn_stats_entry *entry = &view->entries[i];
        entry->name[sizeof entry->name - 1] = '\0';
        entry->unit[sizeof entry->unit - 1] = '\0';
        if (entry->offset % 8 != 0 || entry->offset + 8u > view->head.block_stride) {
            return -EPROTO;
        }
    }
    return 0;
}

static int map_segment(struct pn_stats_view *view, int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return -errno;
    }
    if (st.st_size < (off_t)sizeof view->head) {
        return -EPROTO;
    }
    void *base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) {
        return -errno;
    }
    view->base = base;
    view->bytes = (size_t)st.st_size;
    memcpy(&view->head, base, sizeof view->head);
    return check_head(&view->head, view->bytes);
}

int pn_stats_open(struct pn_stats_view **out, const char *path, int fd) {
    int opened = -1;
    if (path != NULL) {
        opened = open(path, O_RDONLY | O_CLOEXEC);
        if (opened < 0) {
            return -errno;
        }
        fd = opened;
    }
    struct pn_stats_view *view = calloc(1, sizeof *view);
    int rc = view == NULL ? -ENOMEM : map_segment(view, fd);
    if (rc == 0) {
        rc = copy_entries(view);
    }
    if (opened >= 0) {
        (void)close(opened);
    }
    if (rc != 0) {
        pn_stats_close(view);
        return rc;
    }
    *out = view;
    return 0;
}

void pn_stats_close(struct pn_stats_view *view) {
    if (view == NULL) {
        return;
    }
    if (view->base != NULL) {
        (void)munmap((void *)(uintptr_t)view->base, view->bytes);
    }
    free(view->entries);
    free(view);
}

const struct pn_stats_head *pn_stats_view_head(const struct pn_stats_view *view) {
    return &view->head;
}

const struct pn_stats_entry *pn_stats_view_entry(const struct pn_stats_view *view, unsigned entry) {
    return entry < view->head.entries ? &view->entries[entry] : NULL;
}

int pn_stats_view_label(const struct pn_stats_view *view, unsigned block,
                        struct pn_stats_label *out) {
    if (block >= view->head.blocks) {
        return -ENOENT;
    }
    size_t at = sizeof view->head + view->head.entries * sizeof(struct pn_stats_entry) +
                block * sizeof *out;
    memcpy(out, view->base + at, sizeof *out);
    out->role[sizeof out->role - 1] = '\0';
    return 0;
}

int pn_stats_view_find(const struct pn_stats_view *view, const char *name) {
    for (unsigned i = 0; i < view->head.entries; i++) {
        if (strcmp(view->entries[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -ENOENT;
}

uint64_t pn_stats_view_get(const struct pn_stats_view *view, unsigned block, unsigned entry) {
    if (block >= view->head.blocks || entry >= view->head.entries) {
        return 0;
    }
    const unsigned char *at = view->base + view->head.blocks_offset +
                              (size_t)block * view->head.block_stride + view->entries[entry].offset;
    /* relaxed: the figure alone; see stats.c. */
    return pn_load_rlx((const PN_ATOMIC(uint64_t) *)(const void *)at);
}

uint64_t pn_stats_view_total(const struct pn_stats_view *view, unsigned entry) {
    uint64_t total = 0;
    for (unsigned block = 0; entry < view->head.entries && block < view->head.blocks; block++) {
        total = pn_stats_combine((enum pn_stat_kind)view->entries[entry].kind, total,
                                 pn_stats_view_get(view, block, entry));
    }
    return total;
}

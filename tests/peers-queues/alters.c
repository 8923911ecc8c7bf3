/* SPDX-License-Identifier: MIT */
#define BROKEN(item, n) ((n) == 500 ? (void *)((uintptr_t)(item) ^ 8) : (item))
#define QUEUE_NAME      "alters"
#define QUEUE_TYPE      queue_alters
#include "broken.h"

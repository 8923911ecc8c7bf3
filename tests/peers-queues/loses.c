/* SPDX-License-Identifier: MIT */
#define BROKEN(item, n) ((n) == 500 ? NULL : (item))
#define QUEUE_NAME      "loses"
#define QUEUE_TYPE      queue_loses
#include "broken.h"

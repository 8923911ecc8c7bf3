/* SPDX-License-Identifier: MIT */
#define RING(op)    ck_ring_##op##_spsc
#define QUEUE_NAME  "ck_ring_spsc"
#define QUEUE_TYPE  queue_ck_ring_spsc
#define QUEUE_FLAGS (QUEUE_BOUNDED | QUEUE_ONE_TO_ONE)
#include "c/ck_ring.h"

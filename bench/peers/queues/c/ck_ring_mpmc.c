/* SPDX-License-Identifier: MIT */
#define RING(op)    ck_ring_##op##_mpmc
#define QUEUE_NAME  "ck_ring_mpmc"
#define QUEUE_TYPE  queue_ck_ring_mpmc
#define QUEUE_FLAGS QUEUE_BOUNDED
#include "c/ck_ring.h"

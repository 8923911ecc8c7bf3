/* SPDX-License-Identifier: MIT */
#define RING_FLAGS      (0)
#define RING_PUSH(many) rte_ring_mp_enqueue_##many##_elem
#define RING_POP(many)  rte_ring_mc_dequeue_##many##_elem
#define QUEUE_NAME      "rte_ring_mpmc"
#define QUEUE_TYPE      queue_rte_ring_mpmc
#define QUEUE_FLAGS     (QUEUE_BOUNDED | QUEUE_CHAIN)
#include "c/rte_ring.h"

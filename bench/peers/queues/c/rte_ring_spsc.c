/* SPDX-License-Identifier: MIT */
#define RING_FLAGS      (RING_F_SP_ENQ | RING_F_SC_DEQ)
#define RING_PUSH(many) rte_ring_sp_enqueue_##many##_elem
#define RING_POP(many)  rte_ring_sc_dequeue_##many##_elem
#define QUEUE_NAME      "rte_ring_spsc"
#define QUEUE_TYPE      queue_rte_ring_spsc
#define QUEUE_FLAGS     (QUEUE_BOUNDED | QUEUE_ONE_TO_ONE)
#include "c/rte_ring.h"

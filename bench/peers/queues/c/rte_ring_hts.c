/* SPDX-License-Identifier: MIT */
#define RING_FLAGS      (RING_F_MP_HTS_ENQ | RING_F_MC_HTS_DEQ)
#define RING_PUSH(many) rte_ring_mp_hts_enqueue_##many##_elem
#define RING_POP(many)  rte_ring_mc_hts_dequeue_##many##_elem
#define QUEUE_NAME      "rte_ring_hts"
#define QUEUE_TYPE      queue_rte_ring_hts
#define QUEUE_FLAGS     QUEUE_BOUNDED
#include "c/rte_ring.h"

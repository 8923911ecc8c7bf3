/* SPDX-License-Identifier: MIT */
#define SEGQ_CREDIT 1
#define QUEUE_NAME  "segq_credit"
#define QUEUE_TYPE  queue_segq_credit
#include "own/segq.h"

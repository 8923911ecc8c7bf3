/* SPDX-License-Identifier: MIT */
#define SEGQ_CREDIT 0
#define QUEUE_NAME  "segq"
#define QUEUE_TYPE  queue_segq
#include "own/segq.h"

/* SPDX-License-Identifier: MIT */
#define LIN_QUEUE LIN_SEGQ
#include "lin_case.h"

/* SPDX-License-Identifier: MIT */
#define LIN_QUEUE LIN_RING
#include "lin_case.h"

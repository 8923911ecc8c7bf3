/* SPDX-License-Identifier: MIT */
#define LIN_QUEUE LIN_SPSC
#include "lin_case.h"

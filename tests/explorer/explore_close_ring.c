/* SPDX-License-Identifier: MIT */
#define KIND RING
#include "close_case.h"

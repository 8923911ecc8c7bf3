/* SPDX-License-Identifier: MIT */
#define KIND RING
#include "wait_case.h"

/* SPDX-License-Identifier: MIT */
#define KIND SPSC
#include "wait_case.h"

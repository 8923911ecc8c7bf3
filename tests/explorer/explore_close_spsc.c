/* SPDX-License-Identifier: MIT */
#define KIND SPSC
#include "close_case.h"

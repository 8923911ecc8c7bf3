/* SPDX-License-Identifier: MIT */
#define KIND SEGQ
#include "close_case.h"

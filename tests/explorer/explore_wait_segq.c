/* SPDX-License-Identifier: MIT */
#define KIND SEGQ
#include "wait_case.h"

/* SPDX-License-Identifier: MIT */
#define CAMEL_TOKENS 0
#define QUEUE_NAME   "moodycamel"
#define QUEUE_TYPE   queue_moodycamel
#include "cxx/moodycamel.h"

/* SPDX-License-Identifier: MIT */
#define CAMEL_TOKENS 1
#define QUEUE_NAME   "moodycamel_tokens"
#define QUEUE_TYPE   queue_moodycamel_tokens
#include "cxx/moodycamel.h"

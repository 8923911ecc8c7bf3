# SPDX-License-Identifier: MIT
# The table of standing targets becomes C strings, a line each: cmake -DOUT=FILE -P queue_targets.cmake
get_filename_component(here ${CMAKE_CURRENT_LIST_FILE} DIRECTORY)
file(READ ${here}/queue_targets.jsonl text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\",\n    \"" text "${text}")
file(WRITE ${OUT} "/* SPDX-License-Identifier: MIT\n *\n * Generated from reports/queue_targets.jsonl.\n */\n"
  "#include \"queue_lines.h\"\n\n#include <stddef.h>\n\n"
  "const char *const pn_queue_target_lines[] = {\n    \"${text}\", NULL};\n")

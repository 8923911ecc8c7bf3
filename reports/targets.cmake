# SPDX-License-Identifier: MIT
# A table of standing targets becomes C strings, a line each: cmake -DTABLE=queue|peer -DOUT=FILE -P targets.cmake
get_filename_component(here ${CMAKE_CURRENT_LIST_FILE} DIRECTORY)
file(READ ${here}/${TABLE}_targets.jsonl text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\",\n    \"" text "${text}")
file(WRITE ${OUT} "/* SPDX-License-Identifier: MIT\n *\n * Generated from reports/${TABLE}_targets.jsonl.\n */\n"
  "#include <stddef.h>\n\nextern const char *const pn_${TABLE}_target_lines[];\n"
  "const char *const pn_${TABLE}_target_lines[] = {\n    \"${text}\", NULL};\n")

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tables of orderings of the lock-free files, checked against the code that they describe.

usage: check_orderings.py ROOT          check runtime/ of a checkout; exit 1 and one line for each broken rule
       check_orderings.py --self-test   plant each violation once and see it caught

A file of runtime/ with an atomic operation stronger than relaxed begins with a table:

     * Orderings
     *   Q1  where it is published (release) -> where it is seen (acquire): what that carries.
     *   Q2  of other.c: this file's end of it.

1. An entry has a tag of its own and says both ends: "->", or "<->" where two sides each store and then load.
   "of FILE:" takes over FILE's entry of that tag.
2. Each tag stands at two places of the code or more; or at one, and the entry names the file of the other.
3. Each operation stronger than relaxed, and each fence, has a tag of the table, or of a file that the comment
   names, in a comment in reach.
   A tag belongs to one file.
4. Each relaxed operation has a comment in reach that says "relaxed:" and why.

In reach of an operation is: a comment on a line of its statement; the comments above it in its paragraph (up to
a blank line, the function's first line, or REACH lines of code between: fewer for the stronger ones, so that an
operation put in between two others does not pass by their tags); and the comment above its function, if that
is short. A macro is a function.
"""
import os
import re
import sys
import tempfile

REACH, REACH_STRONG = 8, 3
SHORT_FUNCTION = 12
# atomic*.h spell the operations; rcu.h's edges are liburcu's, and stated there.
EXEMPT = re.compile(r"atomic\w*\.h$")

OPERATION = re.compile(r"\bpn_(?:load|store|xchg|faa|for|fand|cas_weak|cas)_(rlx|acq|rel|acqrel|seq)\s*\("
                       r"|\bpn_fence_(?:seq|light)\s*\(")
TAG = re.compile(r"\b[A-Z][1-9]\d?\b")
ENTRY = re.compile(r"^ \*   ([A-Z][1-9]\d?)  (\S.*)$")
CONTINUED = re.compile(r"^ \*       (\S.*)$")
FILE = re.compile(r"\b[a-z_]+\.[ch]\b")


class Source:
    """A file as lines of code, with its comments beside them."""

    def __init__(self, name, raw):
        self.name = name
        self.raw = raw.split("\n")
        self.code, self.comment = [], []
        inside = False
        for line in self.raw:
            code, comment = "", ""
            rest = line
            while rest:
                if inside:
                    end = rest.find("*/")
                    comment += (rest if end < 0 else rest[:end]) + " "
                    inside = end < 0
                    rest = "" if end < 0 else rest[end + 2:]
                else:
                    start = rest.find("/*")
                    code += rest if start < 0 else rest[:start]
                    inside = start >= 0
                    rest = "" if start < 0 else rest[start + 2:]
            self.code.append(re.sub(r'"(?:\\.|[^"\\])*"', '""', code))
            self.comment.append(re.sub(r"^\s*\*", "", comment).strip())
        self.table = self.read_table()

    def head(self):
        """The lines of the comment that the file begins with."""
        lines = []
        for line in self.raw:
            lines.append(line)
            if "*/" in line and len(lines) > 1:
                break
            if not line.startswith(("/*", " *")):
                break
        return lines

    def read_table(self):
        """tag -> (line, text), or None without a table; problems with its form in self.malformed."""
        self.malformed, self.table_end = [], 0
        table, tag, begun = {}, None, False
        for number, line in enumerate(self.head(), 1):
            line = line.replace("*/", "").rstrip()
            if re.match(r"^ \* Orderings$", line):
                begun = True
                continue
            if not begun:
                continue
            entry, continued = ENTRY.match(line), CONTINUED.match(line)
            if entry:
                tag = entry.group(1)
                if tag in table:
                    self.malformed.append((number, f"{tag} stands twice in the table"))
                table[tag] = [number, entry.group(2)]
            elif continued and tag:
                table[tag][1] += " " + continued.group(1)
            elif line.strip() in ("*", ""):
                break
            elif tag and not re.match(r"^ \*   \S", line):
                self.malformed.append((number, "neither an entry ('   Q1  ') nor the rest of one (7 blanks); "
                                               "did the formatter reflow it?"))
            else:
                tag = None  # prose in the table, at the entries' indent
            self.table_end = number
        return table if begun else None

    def functions(self):
        """(first line of the signature, opening line, closing line) of each body in column 0, and macros."""
        found, start = [], None
        for n, code in enumerate(self.code):
            if re.match(r"\s*#\s*define\b", code):
                end = n
                while self.raw[end].rstrip().endswith("\\"):
                    end += 1
                found.append((n, n, end))
            elif start is None and re.match(r"(?:[A-Za-z_].*)?\)\s*\{\s*$|\s+.*\)\s*\{\s*$", code):
                first = n
                while first > 0 and self.code[first].startswith((" ", "\t")):
                    first -= 1
                if first == n or not self.code[first].strip().endswith((";", "}")):
                    start = (first, n)
            elif code.startswith("}") and start is not None:
                found.append((start[0], start[1], n))
                start = None
        return found


def comments_above(source, number):
    """What stands directly above a line: a comment of one or several lines."""
    words = []
    n, head = number - 1, len(source.head())  # the table itself speaks of no operation
    while n >= head and not source.code[n].strip() and source.raw[n].strip():
        words.insert(0, source.comment[n])
        n -= 1
    return " ".join(words)


def statement_of(source, number):
    """First and last line of the statement that a line belongs to, roughly: up to ; { or }."""
    def ends(n):
        return source.code[n].rstrip().endswith((";", "{", "}", ":")) or not source.code[n].strip()
    first = last = number
    while first > 0 and not ends(first - 1):
        first -= 1
    while last + 1 < len(source.code) and not ends(last):
        last += 1
    return first, last


def in_reach(source, number, functions, lines):
    """The comments that may speak of an operation in this line, the nearest first."""
    first, last = statement_of(source, number)
    said = [" ".join(c for c in source.comment[first:last + 1] if c)]
    inside = next((f for f in functions if f[0] <= number <= f[2]), None)
    n, code_lines = first, 0
    while n > 0 and code_lines <= lines and (inside is None or n > inside[1]):
        above = comments_above(source, n)
        if above:
            said.append(above)
        n -= 1
        while n > 0 and not source.code[n].strip() and source.raw[n].strip():
            n -= 1
        if not source.raw[n].strip():
            break
        if source.comment[n]:
            said.append(source.comment[n])
        code_lines += 1
    if inside is not None and inside[2] - inside[1] <= SHORT_FUNCTION:
        said.append(comments_above(source, inside[0]))
    elif inside is None:
        said.append(comments_above(source, first))
    return [s for s in said if s]


def tags_known(source, sources, comment):
    """Tags of the file's own table, and of each file that this comment names."""
    known = set(source.table or ())
    for name in FILE.findall(comment):
        if name in sources:
            known |= set(sources[name].table or ())
    return known


def check_table(source, sources, problem):
    for number, what in source.malformed:
        problem(number, what)
    places = {}
    for n in range(len(source.head()), len(source.raw)):
        for tag in TAG.findall(source.comment[n]):
            places.setdefault(tag, set()).add(n)
    for tag, (number, text) in source.table.items():
        others = [name for name in FILE.findall(text) if name in sources and name != source.name]
        taken_over = re.match(r"of (\S+):", text)
        if taken_over:
            owner = sources.get(taken_over.group(1))
            if owner is None or tag not in (owner.table or {}):
                problem(number, f"{tag}: {taken_over.group(1)} has no entry {tag}")
        elif "->" not in text:
            problem(number, f"{tag}: no '->' between its two ends")
        if ":" not in text:
            problem(number, f"{tag}: no ':' and what it carries")
        least = 1 if others else 2
        if len(places.get(tag, ())) < least:
            problem(number, f"{tag} stands at {len(places.get(tag, ()))} places of the code (at least {least})")


def check_file(source, sources, problem):
    strong = []
    functions = source.functions()
    for n, code in enumerate(source.code):
        if re.match(r"\s*#\s*define\s+pn_", code):
            continue  # a name for an operation, not a use of one
        for match in OPERATION.finditer(code):
            name = match.group(0).rstrip("( ")
            relaxed = match.group(1) == "rlx"
            said = in_reach(source, n, functions, REACH if relaxed else REACH_STRONG)
            if relaxed:
                if not any("relaxed:" in s for s in said):
                    problem(n + 1, f"{name}: no comment 'relaxed: why' in reach")
                continue
            strong.append(n)
            if not any(tag in tags_known(source, sources, s) for s in said for tag in TAG.findall(s)):
                problem(n + 1, f"{name}: no tag of the table in reach")
    if source.table is None:
        if strong:
            problem(strong[0] + 1, "an atomic operation stronger than relaxed, and no table 'Orderings' at the top")
        return
    check_table(source, sources, problem)


def check(root):
    problems, sources = [], {}
    folder = os.path.join(root, "runtime")
    for name in sorted(os.listdir(folder)):
        if name.endswith((".c", ".h")) and not EXEMPT.match(name):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                sources[name] = Source(name, f.read())
    owners = {}
    for name, source in sources.items():
        for tag, (number, text) in (source.table or {}).items():
            if not text.startswith("of "):
                other = owners.setdefault(tag, name)
                if other != name:
                    problems.append(f"runtime/{name}:{number}: {tag} belongs to {other} already")
        check_file(source, sources,
                   lambda number, what, name=name: problems.append(f"runtime/{name}:{number}: {what}"))
    return problems


HEAD = """/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   Q1  push's word (release) -> pop's word (acquire): the item.
 */
"""
PUSH = """void push(struct x *x) {
    x->item = 1;
    /* Q1 release: pairs with the load in pop. */
    pn_store_rel(&x->word, 1);
}
"""
POP = """int pop(struct x *x) {
    return pn_load_acq(&x->word) ? x->item : 0; /* Q1 acquire: pairs with push */
}
"""
# What stands beside a planted file that needs another.
BESIDE = {
    "other_end.c": HEAD.replace("push's word (release) -> pop's word (acquire)", "of other_end.c") + POP,
    "taken_over.c": HEAD + PUSH + POP,
    "owner_lacks_it.c": HEAD + PUSH + POP,
    "two_owners.c": HEAD + PUSH + POP,
}
# name -> (text, what the lint must say of it; None: nothing)
PLANTED = {
    "right.c": (HEAD + PUSH + POP, None),
    "other_end.c": (HEAD.replace("pop's word (acquire)", "read (acquire; right.c)") + PUSH, None),
    "taken_over.c": (HEAD.replace("push's word (release) -> pop's word (acquire)", "of right.c") + POP, None),
    "no_table.c": ("/* SPDX-License-Identifier: MIT */\n" + PUSH, "no table 'Orderings'"),
    "only_relaxed.c": ("/* SPDX */\nint f(struct x *x) {\n    return pn_load_rlx(&x->n); /* relaxed: a count */\n}\n",
                       None),
    "no_tag.c": (HEAD + PUSH + POP.replace("Q1 acquire: pairs with push", "acquire"), "pn_load_acq: no tag"),
    "unknown_tag.c": (HEAD + PUSH + POP + POP.replace("Q1", "Z9"), "pn_load_acq: no tag"),
    "two_owners.c": (HEAD + PUSH + POP, "Q1 belongs to right.c already"),
    "one_end.c": (HEAD + PUSH, "Q1 stands at 1 places"),
    "nowhere.c": (HEAD.replace(" */\n", " *   Q2  a (release) -> b (acquire): c.\n */\n") + PUSH + POP,
                  "Q2 stands at 0 places"),
    "nobodys_file.c": (HEAD.replace("pop's word (acquire)", "read (acquire; nobody.c)") + PUSH, "Q1 stands at 1"),
    "owner_lacks_it.c": (HEAD.replace("Q1  push's word (release) -> pop's word (acquire)", "Q7  of right.c")
                         + PUSH.replace("Q1", "Q7"), "right.c has no entry Q7"),
    "one_sided.c": (HEAD.replace("->", "and") + PUSH + POP, "no '->'"),
    "carries_nothing.c": (HEAD.replace(": the item", "") + PUSH + POP, "no ':'"),
    "twice.c": (HEAD.replace(" */\n", " *   Q1  a (release) -> b (acquire): c.\n */\n") + PUSH + POP, "stands twice"),
    "reflowed.c": (HEAD.replace("the item.", "the\n * item. Q2 more.") + PUSH + POP, "neither an entry"),
    "relaxed_bare.c": (HEAD + PUSH + POP + "int f(struct x *x) {\n    return pn_load_rlx(&x->n);\n}\n",
                       "pn_load_rlx: no comment"),
    "relaxed_other.c": (HEAD + PUSH + POP + "int f(struct x *x) {\n    /* a count */\n"
                        "    return pn_load_rlx(&x->n);\n}\n", "pn_load_rlx: no comment"),
    "relaxed_block.c": (HEAD + PUSH + POP + "void f(struct x *x) {\n    /* relaxed: counts. */\n"
                        + "    g(pn_load_rlx(&x->n));\n" * 6 + "}\n", None),
    "relaxed_far.c": (HEAD + PUSH + POP + "void f(struct x *x) {\n    /* relaxed: counts. */\n"
                      + "    g(1);\n" * 14 + "    g(pn_load_rlx(&x->n));\n}\n", "pn_load_rlx: no comment"),
    "relaxed_function.c": (HEAD + PUSH + POP + "/* relaxed: a count. */\nint f(struct x *x) {\n"
                           "    int n = 1;\n\n    return n + pn_load_rlx(&x->n);\n}\n", None),
    "relaxed_macro.c": (HEAD + PUSH + POP + "/* relaxed: a count. */\n#define F(x) \\\n    pn_load_rlx(&(x)->n)\n",
                        None),
    "between.c": (HEAD + PUSH.replace("}\n", "    g(1);\n" * 4 + "    pn_store_rel(&x->o, 1);\n}\n") + POP,
                  "pn_store_rel: no tag"),
    "next_function.c": (HEAD + PUSH + POP + "int f(struct x *x) {\n    return pn_xchg_acqrel(&x->o, 1);\n}\n",
                        "pn_xchg_acqrel: no tag"),
    "fence.c": (HEAD + PUSH + POP + "void f(void) {\n    pn_fence_seq();\n}\n", "pn_fence_seq: no tag"),
    "in_text.c": (HEAD + PUSH + POP + "/* pn_load_acq(x) was tried. */\nconst char *s = \"pn_load_acq(\";\n", None),
    "head.h": (HEAD + "static inline " + PUSH + "static inline " + POP, None),
    "loop.c": (HEAD + PUSH + POP + "void f(struct x *x) {\n    do {\n        g(1);\n"
               "        /* Q1 release: as above. */\n    } while (!pn_cas_weak_rel(&x->word, 0, 1));\n}\n", None),
    "atomic_native.h": ("int f(struct x *x) {\n    return pn_load_acq(&x->n);\n}\n", None),
}


def check_planted(name, text):
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "runtime"))
        for path, content in ((name, text), ("right.c", BESIDE.get(name))):
            if content is not None:
                with open(os.path.join(root, "runtime", path), "w", encoding="utf-8") as f:
                    f.write(content)
        return check(root)


def self_test():
    wrong = []
    for name, (text, expected) in PLANTED.items():
        found = check_planted(name, text)
        if expected is None and found:
            wrong.append(f"an innocent file was blamed: {found[0]}")
        elif expected is not None and not any(expected in line for line in found):
            wrong.append(f"{name}: '{expected}' was not said, but {found}")
    for line in wrong:
        print(f"self-test: {line}")
    return 1 if wrong else 0


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    problems = check(sys.argv[1])
    for line in problems:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

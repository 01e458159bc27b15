#!/usr/bin/env python3
"""floors_test.py -- tools/floors finds what is planted, and nothing else.

    floors_test.py TOP CC
"""
import json
import os
import subprocess
import sys
import tempfile

TOP, CC = sys.argv[1], sys.argv[2:]
GOOD = {
    "src/base/base_a.h": "int base_a_get(void);\n",
    "src/base/base_a.c": '#include "base/base_a.h"\n'
                         "int base_a_get(void) { return 1; }\n",
    "src/store/store_log.h": "int store_log_put(void);\n",
    "src/store/store_log_private.h": '#include "store/store_log.h"\n'
                                     "int store_log_inner(void);\n",
    "src/store/store_log.c": '#include "store/store_log.h"\n',
    "src/store/store_log_tail.c": '#include "base/base_a.h"\n'
                                  '#include "store/store_log_private.h"\n'
                                  "int store_log_put(void) { return 1; }\n"
                                  "int store_log_inner(void) { return 1; }\n",
    "src/store/store_log_test.c": '#include "fault/fault_disk.h"\n'
                                  '#include "fault_disk.h"\n'
                                  "int main(void) { return 0; }\n",
    "src/engine/ident/ident.h": "\n",
    "src/engine/stream/stream.h": "\n",
    "src/sys/sys_a.c": "#ifdef __linux__\n#endif\n",
    "src/ctl/ctl_main.c": '#include "engine/ident/ident.h"\n'
                          '#include "base/base_a.h"\n'
                          "int main(void) { return 0; }\n",
    "tests/fault/fault_disk.h": "\n",
    "bench/bench_a.c": "int main(void) { return 0; }\n",
}
# file, a line put at its end, what the offence says
PLANTED = [
    ("src/base/base_a.c", '#include "store/store_log.h"', "upward"),
    ("src/engine/ident/ident.h", '#include "engine/stream/stream.h"',
     "another of its kind"),
    ("src/store/store_log.c", '#include "../base/base_a.h"', 'no ".."'),
    ("src/store/store_log.c", '#include "store_log.h"', "path from src/"),
    ("src/store/store_log.c", '#include "base/base_b.h"', "no such file"),
    ("src/store/store_log.c", '#include "store/store_log_tail.c"',
     "only headers"),
    ("src/store/store_log.c", '#include "fault/fault_disk.h"', "no room"),
    ("src/store/store_log_test.c", '#include "ctl/ctl_a.h"', "upward"),
    ("src/store/store_log.c", "#ifdef __linux__\n#endif", "sys/ only"),
    ("src/other/other_a.c", "", "no room of src/"),
    ("tests/fault/base_a.c", "", "same name"),
    # a name of no header
    ("src/base/base_a.c", "int get(void); int get(void) { return 1; }",
     "symbol get"),
    # of the module's name, but its header does not declare it
    ("src/store/store_log_tail.c", "int store_log_more = 1;",
     "symbol store_log_more"),
    # declared, but not under the header's name
    ("src/store/store_log_private.h\0src/store/store_log_tail.c",
     "int store_other(void);\0int store_other(void) { return 1; }",
     "symbol store_other"),
    # the header only speaks of it
    ("src/store/store_log.h\0src/store/store_log_tail.c",
     "/* store_log_more; */\0int store_log_more = 1;",
     "symbol store_log_more"),
    # declared in another folder
    ("src/base/base_a.h\0src/store/store_log_tail.c",
     "int base_a_far(void);\0int base_a_far(void) { return 1; }",
     "symbol base_a_far"),
]


def write(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def build(root, files):
    commands = []
    for name in files:
        if not name.startswith("src/") or not name.endswith(".c"):
            continue
        out = name.replace("/", "-") + ".o"
        done = subprocess.run([*CC, "-I", "src", "-I", "tests", "-I",
                               "tests/fault", "-c", name, "-o", out],
                              cwd=root, capture_output=True, check=False)
        if done.returncode == 0:  # what does not compile has no symbols
            commands.append({"directory": root, "file": name, "output": out})
    with open(os.path.join(root, "compile_commands.json"), "w",
              encoding="utf-8") as file:
        json.dump(commands, file)


def offences(changes):
    files = dict(GOOD)
    for name, text in changes.items():
        files[name] = files.get(name, "") + text + "\n"
    with tempfile.TemporaryDirectory() as root:
        write(root, files)
        build(root, files)
        done = subprocess.run([os.path.join(TOP, "tools", "floors"), "--root",
                               root, root], capture_output=True, text=True,
                              check=False)
    if done.returncode != (1 if done.stdout else 0) or done.stderr:
        sys.exit(f"exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def main():
    failed = 0
    clean = offences({})
    if clean:
        print("FAIL  in a good tree:", *clean, sep="\n  ")
        failed += 1
    for names, texts, says in PLANTED:
        found = offences(dict(zip(names.split("\0"), texts.split("\0"))))
        if len(found) != 1 or says not in found[0]:
            print(f"FAIL  {names!r} {texts!r}: expected {says!r}, got {found}")
            failed += 1
    print(f"{len(PLANTED) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""node_doc_test.py -- every key that app_config.c takes stands in doc/node.md,
and every key that doc/node.md puts into a table is one.

    node_doc_test.py TOP
"""
import os
import re
import sys

TOP = sys.argv[1]
KEY = re.compile(r'\{"(\w+)", (?:MODEL_YAML_\w+|\d+)')


def text_of(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def main():
    keys = set(KEY.findall(text_of("src", "app", "app_config.c")))
    page = text_of("doc", "node.md")
    told = set(re.findall(r"`(\w+)`", page))
    rows = set(re.findall(r"(?m)^\| `(\w+)` \| [^|]+ \| [^|]", page))
    if not {"node", "limits", "handle", "rate_kib"} <= keys:
        print("the tables of app_config.c are no longer found")
        return 1
    for key in sorted(keys - told):
        print(f"doc/node.md: `{key}` of app_config.c is missing")
    for key in sorted(rows - keys):
        print(f"doc/node.md: `{key}` is no key of app_config.c")
    return 1 if keys - told or rows - keys else 0


if __name__ == "__main__":
    sys.exit(main())

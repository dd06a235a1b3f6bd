#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Prints the programs of a build that the tests whose name matches a regular expression run, as the build's targets.

  programs.py BUILD REGEX
"""

import pathlib
import re
import sys


def programs(build, expression):
    """Relative to the build; of a test run by an interpreter also what its arguments name."""
    found = set()
    for file in build.rglob("CTestTestfile.cmake"):
        for name, command in re.findall(r"^add_test\((?:\[=\[)?(.+?)(?:\]=\])? (\".*)\)$", file.read_text(), re.MULTILINE):
            if re.search(expression, name):
                found.update(a for a in re.findall(r'"([^"]*)"', command) if a.startswith(f"{build}/"))
    return sorted(str(pathlib.Path(p).relative_to(build)) for p in found if not pathlib.Path(p).is_dir())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print("\n".join(programs(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2])))

#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""alone.py COMPILER INCLUDE LIST: compiles a file that includes nothing but one header, for each header of the list."""

import concurrent.futures
import os
import subprocess
import sys

compiler, include, list_file = sys.argv[1:]
headers = [line.strip() for line in open(list_file) if line.strip()]


def check(header):
    # Twice, so that the guard is tried too.
    code = f"#include <{header}>\n#include <{header}>\n"
    run = subprocess.run([compiler, "-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only", "-I", include,
                          "-x", "c++", "-"], input=code, capture_output=True, text=True)
    return header, run.returncode, run.stderr


failed = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for header, status, errors in pool.map(check, headers):
        if status:
            failed += 1
            print(f"{header} does not compile alone:\n{errors[:2000]}")
print(f"{len(headers) - failed} of {len(headers)} headers compile alone")
sys.exit(bool(failed))

#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Habits of the repository that a compiler does not check. Prints each breach as file:line; exits 1 if there is one."""

import pathlib
import re
import subprocess
import sys

import standard_headers

root = pathlib.Path(__file__).resolve().parents[2]
breaches = []


def breach(path, line, what):
    breaches.append(f"{path.relative_to(root)}:{line}: {what}")


def tracked(*patterns):
    try:
        listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns], cwd=root,
                                 capture_output=True, text=True)
    except FileNotFoundError:
        listing = None
    if not listing or listing.returncode != 0:  # No git, or unpacked from an archive: everything but what was built.
        return [p for pattern in patterns for p in root.rglob(pattern.split("/")[-1])
                if p.is_file() and "build" not in p.relative_to(root).parts
                and ("/" not in pattern or p.relative_to(root).parts[0] == pattern.split("/")[0])]
    return [root / n for n in listing.stdout.split("\n") if n and (root / n).is_file()]


def check_licence(path, text):
    if "SPDX-License-Identifier: BSL-1.0" not in "\n".join(text.split("\n")[:4]):
        breach(path, 1, "the first lines lack 'SPDX-License-Identifier: BSL-1.0'")


def check_guard(path, text):
    """A header's guard is its path; the closing #endif stands alone."""
    parts = path.relative_to(root).parts
    name = {"include": parts[1:], "tests": ("perdure",) + parts}.get(parts[0])
    if not name:
        return
    guard = re.sub(r"[^A-Z0-9]", "_", "_".join(name).upper())
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        breach(path, 1, f"the guard is not {guard}")
    if not text.rstrip().endswith("#endif"):
        breach(path, text.count("\n"), "the closing #endif carries a comment or is missing")


def check_includes(path, text):
    relative = path.relative_to(root / "include").as_posix()
    part = relative.split("/")[1].removesuffix(".hpp") if relative.count("/") else ""
    for number, line in enumerate(text.split("\n"), 1):
        included = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
        if not included:
            continue
        what = included[1]
        if what in ("boost/asio.hpp", "boost/beast.hpp", "boost/json.hpp", "bits/stdc++.h"):
            breach(path, number, f"{what} is a whole library; name the header")
        other = re.match(r"perdure/(\w+)/detail/", what)
        if other and other[1] != part and not what.startswith("perdure/detail/"):
            # The seam's own building blocks for drivers are the one exception.
            if other[1] != "world":
                breach(path, number, f"{what} is private to the part {other[1]}")
        if part in pure_parts and re.match(r"boost/(asio|beast)|perdure/(world|error)", what):
            breach(path, number, f"the part {part} includes no {what}")
        if part in ("ring", "bytes", "placement") and what.startswith("boost/"):
            breach(path, number, f"the part {part} includes no Boost")


pure_parts = {"bytes", "ring", "placement", "availability"}


def check_forward(path, text):
    """Class templates that hosts name are declared in fwd.hpp, and only there with their default arguments."""
    if "/detail/" in path.as_posix() or path.name == "fwd.hpp":
        return
    for found in re.finditer(r"^template <[^;{]*?= [^;{]*?>\n(?:    requires [^;{]*?\n)?class (basic_\w+)", text, re.M):
        breach(path, text[: found.start()].count("\n") + 1, f"{found[1]} has its default arguments here; declare it in fwd.hpp")


def check_decisions(path, text):
    """Nothing that two runs or two processes may not agree on, outside the worlds."""
    if re.match(r"include/perdure/(world|simulation)/", path.relative_to(root).as_posix()):
        return
    for number, line in enumerate(text.split("\n"), 1):
        code = re.sub(r"//.*|^\s*\*.*|/\*.*", "", line)
        if re.search(r"std::(random_device|hash<|uniform_\w+_distribution)|std::this_thread", code):
            breach(path, number, "two processes may not agree on this: " + code.strip())


def check_markdown(path, text):
    if sum(1 for line in outside_code(text) if line.startswith("# ")) != 1:
        breach(path, 1, "a page has exactly one heading of the first level")
    for number, line in enumerate(text.split("\n"), 1):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
            if "://" not in target and not (path.parent / target).exists():
                breach(path, number, f"the link to {target} leads nowhere")


def outside_code(text):
    inside = False
    for line in text.split("\n"):
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield line


def check_quoted_code(path, text):
    """`<!-- from FILE -->` before a block of code: the block stands in that file, between //[ name and //] if FILE#name."""
    for found in re.finditer(r"<!-- from (\S+) -->\n+```\w*\n(.*?)```", text, re.S):
        number = text[: found.start()].count("\n") + 1
        name, _, region = found[1].partition("#")
        source = root / name
        if not source.exists():
            breach(path, number, f"{name} does not exist")
            continue
        code = source.read_text()
        if region:
            part = re.search(rf"^ *//\[ {re.escape(region)}\n(.*?)^ *//\]", code, re.S | re.M)
            if not part:
                breach(path, number, f"{name} has no region {region}")
                continue
            code = part[1]
        else:
            code = re.sub(r"\A(//[^\n]*\n)+\n*", "", code)
        if unindent(code) != unindent(found[2]):
            breach(path, number, f"the code differs from {found[1]}; copy it again")


def unindent(code):
    lines = [line.rstrip() for line in code.strip("\n").split("\n")]
    depth = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return [line[depth:] for line in lines]


def check_places(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(r"(?<![\w.])/(work|farm|root|home)/[a-z]", line):
            breach(path, number, "names a path of one machine")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line) and path != pathlib.Path(__file__).resolve():
            breach(path, number, "an unfinished place")


for path in tracked("include/*.hpp", "tests/*.hpp", "tests/*.cpp", "examples/*.hpp", "examples/*.cpp", "benchmarks/*.cpp",
                    "benchmarks/*.hpp", "*.sh", "*.py"):
    text = path.read_text()
    check_licence(path, text)
    check_places(path, text)
    if path.suffix == ".hpp":
        check_guard(path, text)
    if path.suffix in (".hpp", ".cpp"):
        for number, name, header in standard_headers.missing(path.resolve()):
            breach(path, number, f"std::{name} needs <{header}>: python3 tests/tidy/standard_headers.py --mend {path.relative_to(root)}")
    if "include" in path.relative_to(root).parts[:1]:
        check_includes(path, text)
        check_decisions(path, text)
        check_forward(path, text)
for path in tracked("*.md"):
    text = path.read_text()
    check_markdown(path, text)
    check_quoted_code(path, text)
    check_places(path, text)

# Every page of docs/ is linked from the reading order, docs/index.md, or from an index.md beside it.
for path in tracked("docs/*.md"):
    links = (root / "docs/index.md").read_text()
    beside = path.parent / "index.md"
    if beside.exists():
        links += beside.read_text()
    if path != root / "docs/index.md" and path.name not in links:
        breach(path, 1, "is not linked from docs/index.md")

packages = subprocess.run([sys.executable, root / "packaging/check.py"], capture_output=True, text=True)
if packages.returncode:
    breaches += (packages.stdout + packages.stderr).strip().split("\n")

print("\n".join(breaches) or "tidy")
sys.exit(bool(breaches))

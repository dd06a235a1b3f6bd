#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Makes the reference with Doxygen, in build/doxygen/html, and checks it: no warning, every public name has a comment, and every class
says what threads may do with it.

Public are the names of namespace perdure outside detail directories: types, functions, concepts, enumerators, constants,
and public members of types. Not asked for are names whose meaning stands in the language: constructors that only copy,
move or take nothing, destructors, assignments, comparisons, swap, stream output, deduction guides, executor_type and its
getter, standard nested types, and what every range has. A member that models an expression of a concept is explained there:
it needs no comment of its own where its class's comment names the concept and the concept's comment shows the expression.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

root = pathlib.Path(__file__).resolve().parents[1]
obvious = {
    "executor_type", "get_executor", "value_type", "reference", "const_reference", "iterator", "const_iterator", "size_type",
    "difference_type", "iterator_category", "iterator_concept", "pointer", "begin", "end", "cbegin", "cend", "empty", "size",
    "swap", "data", "clear", "serialize", "name", "message", "failed", "result_type", "options_type", "estimator_options",
}


def commented(node):
    return any(("".join(d.itertext()).strip()) for d in (node.find("briefdescription"), node.find("detaileddescription"))
               if d is not None) or bool("".join((node.find("inbodydescription") or ElementTree.Element("x")).itertext()).strip())


def text_of(node):
    return "\n".join("".join(d.itertext()) for d in (node.find("briefdescription"), node.find("detaileddescription")) if d is not None)


def concept_texts(compounds):
    """Of every concept of ours, its short name and its comment."""
    return {c.findtext("compoundname").split("::")[-1]: text_of(c) for c in compounds if c.get("kind") == "concept"}


def explained_by_a_concept(class_text, member, concepts):
    return any(re.search(rf"\b{name}\b", class_text) and re.search(rf"(\.|::){member}\b", text)
               for name, text in concepts.items())


def threads_of(compound):
    """Where a class would say its thread safety; an exception is used like every other exception."""
    return text_of(compound) + " ".join(b.text or "" for b in compound.findall("basecompoundref"))


def place(node):
    location = node.find("location")
    return (location.get("file"), int(location.get("line"))) if location is not None else ("?", 0)


def is_public(file):
    return file.startswith("include/perdure") and "/detail/" not in file


def names():
    """(file, line, what is missing) of every public name that says too little, and how many names there are."""
    missing, total = [], 0
    grouped = {}
    files = [p for p in sorted((root / "build/doxygen/xml").glob("*.xml")) if p.name not in ("index.xml", "Doxyfile.xml")]
    compounds = [c for c in (ElementTree.parse(p).getroot().find("compounddef") for p in files) if c is not None]
    concepts = concept_texts(compounds)
    classes = {c.findtext("compoundname") for c in compounds if c.get("kind") in ("class", "struct")}
    for compound in compounds:
        kind, scope = compound.get("kind"), compound.findtext("compoundname")
        if kind in ("class", "struct", "union", "concept"):
            file, line = place(compound)
            if compound.get("prot") == "public" and is_public(file) and scope.startswith("perdure") and "detail" not in scope:
                total += 1
                if not commented(compound) and "<" not in scope:
                    missing.append((file, line, f"{scope} has no comment"))
                nested = scope.rpartition("::")[0] in classes
                if kind == "class" and "<" not in scope and not nested and not re.search(r"[Tt]hread|system_error|runtime_error", threads_of(compound)):
                    missing.append((file, line, f"{scope} does not say its thread safety"))
        if kind not in ("class", "struct", "namespace"):
            continue
        if not scope.startswith("perdure") or "detail" in scope.split("::") or compound.get("prot") == "private":
            continue
        short = re.sub(r"<.*", "", scope).split("::")[-1]
        for member in compound.iter("memberdef"):
            if member.get("prot") != "public" or member.get("kind") == "friend":
                continue
            file, line = place(member)
            name = member.findtext("name")
            if file == "include/perdure/fwd.hpp":  # Aliases: the template that each names has the comment.
                continue
            if not is_public(file) or not name or name.startswith(("operator", "~", "@")) or name in obvious:
                continue
            arguments = member.findtext("argsstring") or ""
            if name == short and (re.match(r"\(\)|\((const )?" + short + r"\b", arguments) or "=delete" in arguments):
                continue
            if kind == "namespace" and member.get("kind") == "function" and "->" in arguments and name[0].isalpha() and \
                    not member.findtext("type"):
                continue  # A deduction guide.
            for value in member.iter("enumvalue"):
                total += 1
                # Where the enumeration's comment explains the values, they need none of their own.
                if not commented(value) and not commented(member):
                    missing.append((file, line, f"{scope}::{name}::{value.findtext('name')} has no comment"))
            if kind != "namespace" and explained_by_a_concept(text_of(compound), name, concepts):
                total += 1
                continue
            # Overloads that stand together share the first one's comment, as the pair f(error_code&) and f() does.
            grouped.setdefault((file, scope, name), []).append((line, commented(member)))
    for (file, scope, name), overloads in grouped.items():
        total += len(overloads)
        if not any(done for _, done in overloads):
            missing.append((file, overloads[0][0], f"{scope}::{name} has no comment"))
    return sorted(set(missing)), total


def main():
    if not shutil.which("doxygen"):
        print("scripts/reference.py: doxygen is not installed (Debian: doxygen)", file=sys.stderr)
        return 3
    shutil.rmtree(root / "build/doxygen", ignore_errors=True)
    (root / "build/doxygen").mkdir(parents=True)
    run = subprocess.run(["doxygen", "docs/Doxyfile"], cwd=root, capture_output=True, text=True)
    warnings = [w.replace(str(root) + "/", "") for w in run.stderr.split("\n") if w.strip()]
    missing, total = names()
    print("\n".join(warnings) + "\n" if warnings else "", end="")
    for file, line, name in missing:
        print(f"{file}:{line}: {name}")
    print(f"{len(warnings)} warnings; {total - len(missing)} of {total} public names have a comment")
    return bool(warnings or missing)


if __name__ == "__main__":
    sys.exit(main())

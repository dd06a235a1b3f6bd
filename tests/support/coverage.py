# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""What the lists of published cases share that say where each case is tested here."""


def report(cases, find, left_out, widths, unit):
    """Prints a line for each case: (name, what it is, what to look for...). `find(name, *what to look for)` gives the
    places, and "MISSING ..." for what is nowhere. Then the cases that do not apply, (name, what it is, why), and a
    sum that counts the cases as `unit`. The exit status: 1 if anything is missing.
    """
    def line(name, what, rest):
        print(f"{name:{widths[0]}} {what:{widths[1]}} {rest}")

    missing = 0
    for name, what, *wanted in cases:
        places = find(name, *wanted)
        missing += sum(p.startswith("MISSING") for p in places)
        line(name, what, ", ".join(places))
    for name, what, why in left_out:
        line(name, what, f"not tested: {why}")
    print(f"{len(cases)} {unit}, {missing} missing, {len(left_out)} do not apply")
    return 1 if missing else 0

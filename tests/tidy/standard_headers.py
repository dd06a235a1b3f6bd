#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Names of the standard library and the headers that declare them.

A file names the header itself, or includes one of our own that does. What another header of the standard library or of
Boost happens to bring along differs from one release of a library to the next, and then a newer compiler refuses the file.

    python3 tests/tidy/standard_headers.py --mend FILE...     adds what is missing
"""

import functools
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]

declared = {
    "algorithm": "sort stable_sort min max minmax clamp find find_if find_if_not count count_if all_of any_of none_of copy copy_n copy_if "
                 "fill fill_n shuffle is_sorted reverse equal mismatch lower_bound upper_bound equal_range binary_search unique "
                 "remove_if max_element min_element minmax_element transform generate generate_n adjacent_find rotate "
                 "nth_element partial_sort next_permutation set_difference set_intersection set_union includes "
                 "lexicographical_compare push_heap pop_heap make_heap for_each search replace partition merge "
                 "inplace_merge ranges::sort ranges::find ranges::equal ranges::all_of ranges::any_of ranges::copy "
                 "ranges::lower_bound ranges::max ranges::min ranges::count ranges::reverse ranges::fill ranges::transform "
                 "ranges::find_if ranges::count_if ranges::none_of ranges::is_sorted ranges::unique",
    "numeric": "accumulate iota inner_product partial_sum reduce gcd lcm",
    "cmath": "sqrt cbrt pow exp expm1 log log1p log2 log10 floor ceil round lround llround trunc abs fabs isnan isfinite isinf "
             "signbit nextafter ldexp frexp fmod hypot erf erfc tgamma lgamma fma copysign nearbyint rint",
    "memory": "unique_ptr shared_ptr weak_ptr make_unique make_shared make_unique_for_overwrite allocator_traits addressof "
              "enable_shared_from_this construct_at destroy_at allocator",
    "functional": "function bind invoke plus hash reference_wrapper ref cref identity",
    "optional": "optional nullopt",
    "variant": "variant visit get_if holds_alternative monostate",
    "vector": "vector",
    "array": "array",
    "deque": "deque",
    "map": "map multimap",
    "set": "set multiset",
    "unordered_map": "unordered_map",
    "unordered_set": "unordered_set",
    "string": "string to_string stoi stoul stoull stod getline",
    "string_view": "string_view",
    "span": "span as_bytes as_writable_bytes",
    "tuple": "tuple tie apply make_tuple forward_as_tuple",
    "atomic": "atomic atomic_flag",
    "mutex": "mutex lock_guard unique_lock scoped_lock call_once once_flag",
    "condition_variable": "condition_variable",
    "thread": "thread jthread this_thread::sleep_for this_thread::yield",
    "future": "promise future async",
    "limits": "numeric_limits",
    "sstream": "ostringstream istringstream stringstream",
    "fstream": "ofstream ifstream fstream",
    "iostream": "cout cerr cin clog",
    "cstring": "memcpy memcmp memset memmove strlen strcmp strerror",
    "bit": "bit_cast endian countr_zero countl_zero bit_width bit_ceil bit_floor popcount has_single_bit rotl rotr",
    "charconv": "from_chars to_chars",
    "random": "mt19937 mt19937_64 uniform_int_distribution uniform_real_distribution exponential_distribution",
    "filesystem": "filesystem::path filesystem::remove_all filesystem::exists filesystem::create_directories",
    "stdexcept": "runtime_error invalid_argument logic_error out_of_range length_error",
    "exception": "exception_ptr rethrow_exception current_exception make_exception_ptr uncaught_exceptions terminate",
    "coroutine": "coroutine_handle suspend_always suspend_never",
    "numbers": "numbers::pi numbers::e numbers::ln2",
    "iterator": "back_inserter istreambuf_iterator ostreambuf_iterator distance advance next prev",
    "utility": "exchange cmp_less cmp_greater cmp_equal in_range index_sequence make_index_sequence index_sequence_for",
    "chrono": "chrono::milliseconds chrono::microseconds chrono::seconds chrono::nanoseconds chrono::steady_clock chrono::system_clock "
              "chrono::duration chrono::duration_cast",
    "concepts": "same_as integral floating_point convertible_to derived_from copyable movable default_initializable invocable",
}
# Standard headers that have to declare another's names as well.
also = {"string_view": ["string"], "iterator": ["vector", "string", "array", "map", "set", "deque",
        "span", "string_view", "unordered_map", "unordered_set"]}
header_of = {name: header for header, names in declared.items() for name in names.split()}
# Longest first, so that ranges::sort is not taken for a name of its own.
used = re.compile(r"\bstd::((?:ranges::|this_thread::|chrono::|filesystem::|numbers::)?\w+)\b(?!::)")


def without_comments(text):
    """Strings are left out too; lines keep their numbers."""
    return re.sub(r"//[^\n]*|/\*.*?\*/|R\"(\w*)\(.*?\)\1\"|\"(?:\\.|[^\"\\\n])*\"", lambda found: "\n" * found[0].count("\n"),
                  text, flags=re.S)


@functools.lru_cache(maxsize=None)
def included_by(path):
    """Standard headers that a file of ours includes, itself or by others of ours."""
    found = set()
    for name in re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M):
        for base in (path.parent, root / "include", root / "tests", root / "benchmarks", root / "examples"):
            if (base / name).is_file():
                found |= included_by((base / name).resolve())
                break
        else:
            found.add(name)
    return frozenset(found)


def missing(path):
    """(line, name, header) of each first use of a name whose header the file does not have."""
    has = included_by(path)
    seen = set()
    code = without_comments(path.read_text())
    for number, line in enumerate(code.split("\n"), 1):
        for name in used.findall(line):
            header = header_of.get(name)
            if header and header not in has and not has & set(also.get(header, ())) and header not in seen:
                seen.add(header)
                yield number, name, header


def mend(path):
    headers = sorted(header for _, _, header in missing(path))
    if not headers:
        return
    lines = path.read_text().split("\n")
    plain = [i for i, l in enumerate(lines) if re.match(r"#include <[a-z_0-9]+>$", l)]
    for header in headers:
        wanted = f"#include <{header}>"
        place = next((i for i in plain if lines[i] > wanted), None)
        if place is None:
            last = plain[-1] if plain else max(i for i, l in enumerate(lines) if l.startswith("#include"))
            lines[last + 1 : last + 1] = [wanted] if plain else ["", wanted]
        else:
            lines.insert(place, wanted)
        plain = [i for i, l in enumerate(lines) if re.match(r"#include <[a-z_0-9]+>$", l)]
    path.write_text("\n".join(lines))
    included_by.cache_clear()


if __name__ == "__main__":
    if sys.argv[1:2] != ["--mend"]:
        sys.exit(__doc__)
    for name in sys.argv[2:]:
        mend(pathlib.Path(name).resolve())

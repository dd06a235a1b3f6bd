#!/usr/bin/env python3
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Holds the Conan recipe and the vcpkg port to cmake/parts.cmake, and both to the rules of their registries.

  packaging/check.py            prints each breach as file: what; exits 1 if there is one
  packaging/check.py --fix      first rewrites what follows from the table of parts and from the includes
  packaging/check.py --release  also what only a release settles: no placeholder, and the version database in step with
                                the port; with --fix it writes the database
"""

import hashlib
import json
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[1]
conan = root / "packaging/conan/recipes/perdure"
vcpkg = root / "packaging/vcpkg"
port = vcpkg / "ports/perdure"
placeholder_host = "example.org"
placeholder_owner = "example/perdure"
breaches = []


def breach(path, what):
    breaches.append(f"{path.relative_to(root)}: {what}")


# What a part may need of others: the CMake target; Conan's component and, if it is optional there, the option; vcpkg's
# port and, if it is optional there, the feature and what the feature brings.
externals = {
    "Boost::headers": ("boost::headers", None, None, None, None),
    "Boost::serialization": ("boost::serialization", "with_serialization", "boost-serialization", "snapshot",
                             "Snapshots of Boost-serializable types"),
    "perdure::xxhash_headers": ("xxhash::libxxhash", None, "xxhash", None, None),
    "Threads::Threads": (None, None, None, None, None),
    "pugixml::pugixml": ("pugixml::pugixml", "with_pugixml", "pugixml", "open-psa",
                         "Fault trees in the Open-PSA format"),
    "perdure::lz4_library": ("lz4::lz4", "with_lz4", "lz4", "lz4", "Snapshots compressed with LZ4"),
    "perdure::zstd_library": ("zstd::zstdlib", "with_zstd", "zstd", "zstd", "Snapshots compressed with Zstandard"),
    "OpenSSL::SSL": ("openssl::ssl", "with_openssl", "openssl", "openssl", "What uses OpenSSL: the rings of ketama"),
    "OpenSSL::Crypto": ("openssl::crypto", "with_openssl", "openssl", "openssl", "What uses OpenSSL: the rings of ketama"),
}
# The versions that Conan's registry pins; a range is allowed there for a few packages only.
conan_references = {"boost": "boost/1.91.0", "xxhash": "xxhash/0.8.3", "pugixml": "pugixml/1.15", "lz4": "lz4/1.10.0",
                    "zstd": "zstd/[~1.5]", "openssl": "openssl/[>=1.1 <4]"}
conan_defaults = {"with_serialization": True}
# A Boost library is the first directory under boost/, with these exceptions.
boost_library = {"archive": "serialization", "version": "config"}


def parts_table():
    """name -> (optional, parts, external targets, paths of headers), in the table's order."""
    text = re.sub(r"#[^\n]*", "", (root / "cmake/parts.cmake").read_text())
    table = {}
    for body in re.findall(r"^perdure_part\(([^)]*)\)", text, re.M):
        name, *words = body.split()
        fields, current = {"PARTS": [], "EXTERNAL": [], "HEADERS": []}, None
        optional = False
        for word in words:
            if word == "OPTIONAL":
                optional = True
            elif word in fields:
                current = word
            else:
                fields[current].append(word)
        for external in fields["EXTERNAL"]:
            if external not in externals:
                breach(root / "cmake/parts.cmake", f"{name} needs {external}, of which packaging/check.py knows nothing; "
                       "add it to the table `externals` there")
        table[name] = (optional, fields["PARTS"], [e for e in fields["EXTERNAL"] if e in externals], fields["HEADERS"])
    return table


parts = parts_table()
version = re.search(r"VERSION (\d+\.\d+\.\d+)", (root / "CMakeLists.txt").read_text())[1]


def boost_libraries(paths):
    found = set()
    for path in paths:
        for first in re.findall(r'^\s*#\s*include <boost/([a-z_0-9]+)', path.read_text(), re.M):
            found.add("boost-" + boost_library.get(first, first).replace("_", "-"))
    return found


# ------------------------------------------------------------------------------------------------------------- Conan

def conan_block():
    lines = ["        return {"]
    for name, (_, needs, external, _) in parts.items():
        option, requires, threads = None, list(needs), False
        for target in external:
            component, by, *_ = externals[target]
            option = by or option
            threads = threads or target == "Threads::Threads"
            if component and component not in requires:
                requires.append(component)
        shown = "None" if option is None else f'"{option}"'
        listed = ", ".join(f'"{r}"' for r in requires)
        lines.append(f'            "{name}": ({shown}, [{listed}], {threads}),')
    lines.append("        }")
    return "\n".join(lines) + "\n"


def conan_options():
    used = dict.fromkeys(externals[t][1] for p in parts.values() for t in p[2] if externals[t][1])
    names = "".join(f'        "{o}": [True, False],\n' for o in used)
    defaults = "".join(f'        "{o}": {conan_defaults.get(o, False)},\n' for o in used)
    requirements = ""
    for option in used:
        references = dict.fromkeys(conan_references[externals[t][0].split("::")[0]]
                                   for p in parts.values() for t in p[2] if externals[t][1] == option)
        for reference in references:
            if not reference.startswith("boost/"):
                requirements += f'        if self.options.{option}:\n            self.requires("{reference}")\n'
    return (f"    options = {{\n{names}    }}\n    default_options = {{\n{defaults}    }}\n",
            f'    def requirements(self):\n        self.requires("{conan_references["boost"]}")\n'
            f'        self.requires("{conan_references["xxhash"]}")\n{requirements}')


def fixed_conanfile(text):
    text = re.sub(r"(parts\.cmake by packaging/check\.py --fix\n).*?(        # end of components)",
                  lambda m: m[1] + conan_block() + m[2], text, flags=re.S)
    options, requirements = conan_options()
    text = re.sub(r"    options = \{.*?\n    \}\n    default_options = \{.*?\n    \}\n", lambda m: options, text, flags=re.S)
    return re.sub(r"    def requirements\(self\):\n(?:        .*\n)+", lambda m: requirements, text)


def check_conan(fix, release):
    recipe = conan / "all/conanfile.py"
    text = recipe.read_text()
    wanted = fixed_conanfile(text)
    if text != wanted and fix:
        recipe.write_text(wanted)
        text = wanted
    if text != wanted:
        breach(recipe, "components, options or requirements differ from cmake/parts.cmake; run packaging/check.py --fix")
    # C3: attributes.
    for attribute in ("name", "description", "license", "url", "homepage", "topics", "package_type"):
        if not re.search(rf"^    {attribute} = ", text, re.M):
            breach(recipe, f"lacks the attribute {attribute}")
    for attribute in ("version", "author"):
        if re.search(rf"^    {attribute} = ", text, re.M):
            breach(recipe, f"must not set {attribute}")
    topics = re.findall(r'"([^"]+)"', re.search(r"topics = \(([^)]*)\)", text)[1])
    if "header-only" not in topics or "conan" in topics or "perdure" in topics or any(t != t.lower() for t in topics):
        breach(recipe, "topics hold header-only, neither conan nor the project's name, and are lower-case")
    if 'license = "BSL-1.0"' not in text or "Boost Software License" not in (root / "LICENSE").read_text():
        breach(recipe, "the licence differs from LICENSE")  # C2
    if 'dst=os.path.join(self.package_folder, "licenses")' not in text:
        breach(recipe, "does not package the licence")
    if not re.search(r"def package_id\(self\):\n        self\.info\.clear\(\)", text):
        breach(recipe, "package_id() must clear the info of a header-only package")  # C5
    if re.search(r"\.cmake\b|\.pc\"", re.sub(r"parts\.cmake", "", text)):
        breach(recipe, "packages CMake or pkg-config files; targets are declared in package_info()")  # C6
    for reference in re.findall(r'self\.requires\("([^"]+)"', text):
        if "[" in reference and reference.split("/")[0] not in ("openssl", "cmake", "zlib", "zstd", "libcurl"):
            breach(recipe, f"{reference}: a version range is not allowed for it")  # C7
    for word in ("python_requires", "build_testing", "generators ="):
        if word in text:
            breach(recipe, f"uses {word}")  # C7, C8
    for option in re.findall(r'^        "(\w+)": \[True, False\]', text, re.M):
        if not re.match(r"with_|enable_|shared$|fPIC$", option):
            breach(recipe, f"the option {option} is named neither with_x nor enable_x")  # C8
    if "self.options[" in text or re.search(r'dependencies\["\w+"\]\.options\.\w+ = ', text):
        breach(recipe, "changes an option of a dependency")  # C8
    if "ConanInvalidConfiguration" not in text or "check_min_cppstd(self, 20)" not in text:
        breach(recipe, "validate() must refuse what does not compile")  # C13
    if "cmake.test" in text or "ctest" in text:
        breach(recipe, "runs tests")  # C10
    # C4, C12: layout.
    for file in ("config.yml", "all/conandata.yml", "all/test_package/conanfile.py", "all/test_package/CMakeLists.txt",
                 "all/test_package/test_package.cpp"):
        if not (conan / file).exists():
            breach(conan / file, "is missing")
    size = sum(f.stat().st_size for f in conan.rglob("*") if f.is_file())
    if size > 256 * 1024:
        breach(recipe, f"the folder holds {size} bytes; 256 KiB are allowed")
    for file in conan.rglob("*"):
        if file.is_file() and b"\r" in file.read_bytes():
            breach(file, "has CR line ends")
        if file.name != file.name.lower() and file.name != "CMakeLists.txt":
            breach(file, "is not named in lower case")
    test = (conan / "all/test_package/conanfile.py").read_text()
    if "can_run(self)" not in test or "tested_reference_str" not in test:
        breach(conan / "all/test_package/conanfile.py", "asks can_run() before it runs the tested reference")  # C9
    # C11 and the version.
    versions = re.findall(r'^  "([^"]+)":', (conan / "config.yml").read_text(), re.M)
    data = (conan / "all/conandata.yml").read_text()
    if versions != [version]:
        breach(conan / "config.yml", f"lists {versions}; a first submission has the newest version only, {version}")
    for listed in versions:
        if f'"{listed}":' not in data:
            breach(conan / "all/conandata.yml", f"has no source of {listed}")
    hashes = re.findall(r'sha256: "([^"]*)"', data)
    if len(hashes) != len(versions) or any(not re.fullmatch(r"[0-9a-f]{64}", h) for h in hashes):
        breach(conan / "all/conandata.yml", "each source has a sha256 of 64 lower-case digits")
    if "patches" in data:
        breach(conan / "all/conandata.yml", "patches are a last resort")
    if release and any(set(h) == {"0"} for h in hashes):
        breach(conan / "all/conandata.yml", "the hash of the release archive is still a placeholder")
    if release and placeholder_host in text + data:
        breach(recipe, f"homepage and archive are still at {placeholder_host}")


# ------------------------------------------------------------------------------------------------------------- vcpkg

def headers_of_features():
    """feature -> its headers; None -> the headers of everything else."""
    every = set((root / "include").rglob("*.hpp"))
    base = root / "include/perdure"
    claimed = {}
    order = sorted(parts.items(), key=lambda p: not p[1][0])  # Optional parts claim their headers first.
    for name, (_, needs, external, paths) in order:
        feature = feature_of(name)
        for path in paths or [name + ".hpp", name]:
            for header in list(every):
                if header == base / path or base / path in header.parents:
                    claimed.setdefault(feature, set()).add(header)
                    every.discard(header)
    claimed.setdefault(None, set()).update(every)
    return claimed


def feature_of(name):
    """The feature that a part needs, by itself or by a part that it needs."""
    _, needs, external, _ = parts[name]
    for target in external:
        if externals[target][3]:
            return externals[target][3]
    return next((f for f in map(feature_of, needs) if f), None)


def wanted_manifest(old):
    headers = headers_of_features()
    base = boost_libraries(headers[None]) | {"xxhash"}
    manifest = {
        "name": "perdure", "version": version, "description": old["description"], "homepage": old["homepage"],
        "license": "BSL-1.0", "supports": "!windows",
        "dependencies": in_order(base | {"vcpkg-cmake", "vcpkg-cmake-config"}),
    }
    features = {}
    for name, (_, needs, external, _) in parts.items():
        for target in external:
            _, _, dependency, feature, description = externals[target]
            if feature:
                entry = features.setdefault(feature, {"description": description, "dependencies": []})
                entry["dependencies"].append(dependency)
                above = [f for f in map(feature_of, needs) if f]
                if above:
                    entry["dependencies"] += [{"name": "perdure", "default-features": False, "features": sorted(set(above))}]
    for feature, entry in features.items():
        plain = {d for d in entry["dependencies"] if isinstance(d, str)} | (boost_libraries(headers.get(feature, set())) - base)
        entry["dependencies"] = in_order(plain, [d for d in entry["dependencies"] if not isinstance(d, str)][:1])
    manifest["features"] = dict(sorted(features.items()))
    return manifest


def in_order(names, more=()):
    """By name, as format-manifest orders them; what runs while building is of the host."""
    entries = [{"name": n, "host": True} if n.startswith("vcpkg-") else n for n in names] + list(more)
    return sorted(entries, key=lambda d: d if isinstance(d, str) else d["name"])


def git_tree(folder):
    """The id that git gives a folder, computed from the files as they are."""
    entries = b""
    for item in sorted(folder.iterdir(), key=lambda p: p.name + ("/" if p.is_dir() else "")):
        if item.is_dir():
            mode, identity = b"40000", bytes.fromhex(git_tree(item))
        else:
            data = item.read_bytes()
            mode, identity = b"100644", hashlib.sha1(b"blob %d\0" % len(data) + data).digest()
        entries += mode + b" " + item.name.encode() + b"\0" + identity
    return hashlib.sha1(b"tree %d\0" % len(entries) + entries).hexdigest()


def check_vcpkg(fix, release):
    manifest_file = port / "vcpkg.json"
    text = manifest_file.read_text()
    wanted = json.dumps(wanted_manifest(json.loads(text)), indent=2) + "\n"  # V10: as format-manifest prints it
    if text != wanted and fix:
        manifest_file.write_text(wanted)
        text = wanted
    if text != wanted:
        breach(manifest_file, "differs from cmake/parts.cmake, the includes or the canonical form; run packaging/check.py --fix")
    manifest = json.loads(text)
    if "default-features" in manifest:
        breach(manifest_file, "default features must not add to the interface")  # V5
    for feature, entry in manifest["features"].items():
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", feature):
            breach(manifest_file, f"the feature {feature} is not named in lower case")
        if re.search(r"\b(no|without|disable)\b", feature):
            breach(manifest_file, f"the feature {feature} takes something away")  # V5
    listed = [d if isinstance(d, str) else d["name"] for d in manifest["dependencies"]]
    if "boost" in listed or any("version>=" in d for d in manifest["dependencies"] if isinstance(d, dict)):
        breach(manifest_file, "names one Boost library each, and no version bound that is not proven necessary")
    if manifest["license"] != "BSL-1.0":
        breach(manifest_file, "the licence is not the SPDX name of LICENSE")  # V8

    portfile = port / "portfile.cmake"
    code = portfile.read_text()
    for call in ("set(VCPKG_BUILD_TYPE release)", "vcpkg_from_github(", "vcpkg_cmake_configure(", "vcpkg_cmake_install()",
                 "vcpkg_cmake_config_fixup(", "vcpkg_install_copyright(FILE_LIST"):
        if call not in code:
            breach(portfile, f"lacks {call}")  # V8, V12
    for deprecated in ("vcpkg_configure_cmake", "vcpkg_install_cmake", "vcpkg_fixup_cmake_targets", "vcpkg_copy_pdbs",
                       "file(INSTALL", "vcpkg_build_cmake", "PREFER_NINJA"):
        if deprecated in code:
            breach(portfile, f"uses {deprecated}")  # V11
    for option in ("TESTS", "EXAMPLES", "BENCHMARKS", "FUZZERS"):
        if f"-DPERDURE_BUILD_{option}=OFF" not in code:
            breach(portfile, f"does not turn PERDURE_BUILD_{option} off")  # V9
    for needle, rule in (("if(TARGET", "depends on what is installed"), ("FetchContent", "downloads while it builds"),
                         ("git submodule", "uses submodules"), ("unofficial::", "invents targets"),
                         ("# Common Ambient", "holds boilerplate"), ("vcpkg_from_git(", "clones")):
        if needle in code:
            breach(portfile, rule)  # V6, V16, V13, V11
    sha = re.search(r"SHA512 (\S+)", code)
    if not sha or not re.fullmatch(r"[0-9a-f]{128}|0", sha[1]):
        breach(portfile, "SHA512 is 128 lower-case digits, or 0 before the release")  # V11
    if 'REF "v${VERSION}"' not in code:
        breach(portfile, 'REF is not "v${VERSION}"')
    # V3, V16: the install step looks for nothing and fetches nothing.
    for file in ("CMakeLists.txt", "cmake/parts.cmake", "cmake/install.cmake"):
        source = re.sub(r"#[^\n]*", "", (root / file).read_text())
        if re.search(r"\bfind_(package|path|library)\(|FetchContent|ExternalProject|file\(DOWNLOAD", source):
            breach(root / file, "the install step looks for a package or downloads one")
    # V4, V7: only our own directory, nothing vendored.
    strangers = [p.name for p in (root / "include").iterdir() if p.name != "perdure" and p.name != "perdure.hpp"]
    if strangers:
        breach(root / "include", f"owns {strangers} in everybody's include directory")
    if any(p.name in ("third_party", "external", "vendor", "deps") for p in (root / "include").rglob("*")):
        breach(root / "include", "holds others' code")
    # V14.
    usage = (port / "usage").read_text()
    if not usage.startswith("perdure is header-only and can be used from CMake via:\n"):
        breach(port / "usage", "does not begin as usage files of header-only libraries do")
    if len(usage.split("\n")) > 20:
        breach(port / "usage", "is not brief")
    for file in port.iterdir():
        data = file.read_bytes()
        if b"\r" in data or b"\t" in data or not data.endswith(b"\n"):
            breach(file, "has CR line ends, tabs, or no end of line at the end")

    # V10: the version database holds each version once, the newest with the tree of the port as it is.
    database = vcpkg / "versions/p-/perdure.json"
    baseline = vcpkg / "versions/baseline.json"
    tree = git_tree(port)
    entries = json.loads(database.read_text())["versions"]
    if fix and release:
        entries = [{"git-tree": tree, "version": version, "port-version": 0}] + [e for e in entries if e["version"] != version]
        database.write_text(json.dumps({"versions": entries}, indent=2) + "\n")
        baseline.write_text(json.dumps({"default": {"perdure": {"baseline": version, "port-version": 0}}}, indent=2) + "\n")
    if len({(e["version"], e["port-version"]) for e in entries}) != len(entries):
        breach(database, "lists a version twice")
    if release and (not entries or entries[0]["version"] != version or entries[0]["git-tree"] != tree):
        breach(database, f"the newest entry is not {version} with the tree {tree}; run packaging/check.py --release --fix")
    if json.loads(baseline.read_text())["default"]["perdure"] != {"baseline": version, "port-version": 0}:
        breach(baseline, f"the baseline is not {version}")
    if release and (sha[1] == "0" or placeholder_owner in code or placeholder_host in text):
        breach(portfile, "the repository, the homepage or the hash of the release archive is still a placeholder")


def main(arguments):
    unknown = set(arguments) - {"--fix", "--release"}
    if unknown:
        print(__doc__, file=sys.stderr)
        return 2
    check_conan("--fix" in arguments, "--release" in arguments)
    check_vcpkg("--fix" in arguments, "--release" in arguments)
    print("\n".join(breaches) or "the recipe and the port agree with cmake/parts.cmake and with their registries' rules")
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

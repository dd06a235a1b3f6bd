#!/usr/bin/env bash
# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
# Makes a git registry of the port: vcpkg wants ports/ and versions/ at the top of a repository, which ours keeps under
# packaging/vcpkg. Run it after the release archive exists and packaging/check.py --release passes.
#   packaging/vcpkg/registry.sh DIRECTORY         a new repository, or one made by this script before
# Users name its address and the printed commit in their vcpkg-configuration.json.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
registry=${1:?"usage: packaging/vcpkg/registry.sh DIRECTORY"}
mkdir -p "$registry"
cd "$registry"
[[ -d .git ]] || git init -q -b main
mkdir -p ports versions
rm -rf ports/perdure
cp -r "$here/ports/perdure" ports/
git add ports
if ! git diff --cached --quiet; then git commit -q -m "perdure $(sed -n 's/.*"version": "\(.*\)",/\1/p' ports/perdure/vcpkg.json)"; fi

# As `vcpkg x-add-version` does: the version with the tree of its port, newest first, none changed once it is there.
python3 - "$(git rev-parse HEAD:ports/perdure)" <<'PYTHON'
import json, pathlib, sys
tree, version = sys.argv[1], json.load(open("ports/perdure/vcpkg.json"))["version"]
file = pathlib.Path("versions/p-/perdure.json")
file.parent.mkdir(exist_ok=True)
entries = json.loads(file.read_text())["versions"] if file.exists() else []
known = {e["version"]: e["git-tree"] for e in entries if e["port-version"] == 0}
if known.get(version, tree) != tree:
    sys.exit(f"perdure {version} is in the registry already, with another port; raise the version")
if version not in known:
    entries.insert(0, {"git-tree": tree, "version": version, "port-version": 0})
file.write_text(json.dumps({"versions": entries}, indent=2) + "\n")
baseline = {"default": {"perdure": {"baseline": version, "port-version": 0}}}
pathlib.Path("versions/baseline.json").write_text(json.dumps(baseline, indent=2) + "\n")
PYTHON
git add versions
if ! git diff --cached --quiet; then git commit -q -m "versions"; fi
commit=$(git rev-parse HEAD)
# Every version can be had from the repository by its tree alone, as vcpkg fetches it.
python3 -c 'import json; [print(e["git-tree"]) for e in json.load(open("versions/p-/perdure.json"))["versions"]]' |
    while read -r tree; do git cat-file -p "$tree:vcpkg.json" >/dev/null; done
cat <<TEXT
{ "registries": [ { "kind": "git", "repository": "<address of $registry>", "baseline": "$commit", "packages": [ "perdure" ] } ] }
TEXT

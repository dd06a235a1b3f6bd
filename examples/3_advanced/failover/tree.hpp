// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_TREE_HPP
#define FAILOVER_TREE_HPP

#include "shard_map.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace failover {

/// The files to store: path, relative to the root, and content.
struct tree {
    std::filesystem::path root;
    std::map<std::string, std::string> files;
    std::uint64_t bytes = 0;
};

/** Reads regular files below `root`, in the order of their paths, until `bytes_max` bytes are read.
 *
 *  `endings`: only names that end so; empty: all. What cannot be read is left out; links are not followed.
 */
inline tree read_tree(std::filesystem::path const& root, std::uint64_t bytes_max,
                      std::vector<std::string> const& endings,
                      std::uint64_t file_bytes_max = 8U << 20)
{
    namespace fs = std::filesystem;
    std::vector<fs::path> paths;
    std::error_code ignored;
    for (fs::recursive_directory_iterator
             at(root, fs::directory_options::skip_permission_denied, ignored),
         end;
         at != end; at.increment(ignored)) {
        if (!at->is_regular_file(ignored) || at->is_symlink(ignored))
            continue;
        std::string const name = at->path().filename().string();
        if (endings.empty() || std::any_of(endings.begin(), endings.end(),
                                           [&](auto const& e) { return name.ends_with(e); }))
            paths.push_back(at->path());
    }
    std::sort(paths.begin(), paths.end());
    tree result;
    result.root = root;
    for (fs::path const& path : paths) {
        if (result.bytes >= bytes_max)
            break;
        if (fs::file_size(path, ignored) > file_bytes_max)
            continue;
        std::ifstream in(path, std::ios::binary);
        std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        if (!in)
            continue;
        result.bytes += content.size();
        result.files.emplace(path.lexically_relative(root).string(), std::move(content));
    }
    return result;
}

/// What version `version` of a file holds: version 1 is the file itself, later ones say which they are.
inline std::string content_of(tree const& t, std::string const& path, std::uint64_t version)
{
    auto const found = t.files.find(path);
    std::string const& original = found == t.files.end() ? path : found->second;
    if (version == 1)
        return original;
    return "// version " + std::to_string(version) + " of " + path + "\n" + original;
}

/// The bytes of these files in each slot, versions aside.
inline std::vector<std::uint64_t> sizes_of_slots(std::vector<std::string> const& paths,
                                                 tree const& t)
{
    std::vector<std::uint64_t> sizes(slot_count);
    for (auto const& path : paths)
        sizes[slot_of(path)] += t.files.at(path).size();
    return sizes;
}

} // namespace failover

#endif

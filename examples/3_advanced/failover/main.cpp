// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The failover demonstration: six storage processes on this machine keep a directory tree while they
// are killed, frozen, restarted and joined under load. Prints a timeline of what happens and, at the
// end, what was acknowledged, what of it was verified, and what was lost (nothing).
//
// `failover --help` lists the options. Read shard_map.hpp first, then storage_node.hpp,
// quorum_client.hpp and coordinator.hpp; demonstration.hpp is the play.

#include "demonstration.hpp"
#include "options.hpp"
#include "storage_process.hpp"
#include "tree.hpp"

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

/// Three copies of the tree, in up to two snapshots each and in the logs between them, and some air.
void require_space(std::filesystem::path const& place, std::uint64_t tree_bytes)
{
    auto const needed = 30 * tree_bytes;
    auto const available = std::filesystem::space(place).available;
    if (available < needed)
        throw std::invalid_argument("the run may need " + std::to_string(needed / 1'000'000) +
                                    " MB below '" + place.string() + "', and " +
                                    std::to_string(available / 1'000'000) +
                                    " MB are free; --data names another directory, "
                                    "--megabytes stores less");
}

int demonstrate(failover::options o)
{
    std::printf("reading %s ...\n", o.source.c_str());
    auto tree = failover::read_tree(o.source, o.megabytes * 1'000'000, o.endings);
    if (tree.files.empty())
        throw std::invalid_argument("there is nothing to store below '" + o.source.string() + "'");
    std::printf("%zu files, %.1f MB\n", tree.files.size(), static_cast<double>(tree.bytes) / 1e6);
    bool const temporary = o.data.empty();
    if (!temporary)
        std::filesystem::create_directories(o.data);
    require_space(temporary ? std::filesystem::temp_directory_path() : o.data, tree.bytes);
    if (temporary) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "perdure-failover-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error("cannot make a directory like " + pattern);
        o.data = pattern;
    }
    bool const keep = o.keep || !temporary;
    auto const data = o.data;
    int const status = failover::demonstration(std::move(o), std::move(tree)).run();
    if (keep || (status != 0 && status != failover::demonstration::interrupted))
        std::printf("logs, snapshots and outputs are in %s\n", data.c_str());
    else
        std::filesystem::remove_all(data);
    return status;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        auto o = failover::parse_options({argv + 1, argv + argc});
        if (o.help) {
            std::fputs(std::string(failover::usage_text).c_str(), stdout);
            return 0;
        }
        return o.storage != 0 ? failover::run_storage_process(o) : demonstrate(std::move(o));
    } catch (std::invalid_argument const& e) {
        std::fprintf(stderr, "failover: %s\n", e.what());
        return 2;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "failover: %s\n", e.what());
        return 1;
    }
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Reading a placement from bytes: what is accepted is written as it was read, makes a map within the
// bounds, and moves nothing to where it is.
//
// Input: one byte of choices, then the placement. Choices: 1: the checksums, the length and the number
// of sections are put right first, since a fuzzer does not guess them.

#include "fuzz/fuzz.hpp"
#include "placement/seal.hpp"
#include <perdure/placement/placement_codec.hpp>
#include <perdure/placement/placement_diff.hpp>
#include <perdure/placement/placement_map.hpp>

#include <stdexcept>
#include <vector>

using namespace perdure;

namespace {

constexpr std::size_t header_size = 32;

std::uint32_t sections_in(std::vector<std::byte> const& b)
{
    std::uint32_t sections = 0;
    for (auto at = header_size; at + 12 <= b.size(); ++sections) {
        auto const size = load_little<std::uint32_t>(b.data() + at + 4);
        if (size > b.size() - at - 12)
            break;
        at += 12 + size;
    }
    return sections;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 1)
        return 0;
    auto const in = fuzz::bytes(data + 1, size - 1);
    std::vector<std::byte> placement(in.begin(), in.end());
    if ((data[0] & 1) != 0 && placement.size() >= header_size) {
        store_little(placement.data() + 12, sections_in(placement));
        store_little(placement.data() + 24, static_cast<std::uint32_t>(placement.size()));
        placement_test::seal(placement);
    }
    placement_bounds const bounds{std::size_t{1} << 14, std::uint64_t{1} << 17};
    auto const decoded = decode_placement(placement, bounds);
    fuzz::require(decoded || (decoded.fault != placement_fault::none && !decoded.message.empty() &&
                              decoded.offset <= placement.size()),
                  "what is refused says why and where");
    if (!decoded)
        return 0;
    auto const written = encode_placement(*decoded.spec);
    auto const again = decode_placement(written, {});
    fuzz::require(again && *again.spec == *decoded.spec, "what was written is read as it was");
    // Version 1.0 leaves no choice of the bytes; sections that are skipped are not written.
    if (load_little<std::uint16_t>(placement.data() + 10) == 0)
        fuzz::require(written.size() <= placement.size(), "nothing is written that was not read");

    auto spec = *decoded.spec;
    try {
        placement_map const checked(spec);
    } catch (std::invalid_argument const&) {
        fuzz::require(spec.fingerprint.has_value(), "only a fingerprint can contradict the owners");
    }
    spec.fingerprint.reset();
    placement_map const map(spec);
    fuzz::require(map.spec().nodes == spec.nodes && map.epoch() == spec.epoch,
                  "the map has the nodes and the epoch that were read");
    fuzz::require(plan_movement(map, map).moves.empty(), "nothing moves to where it is");
    return 0;
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Loading the portable archive into types with every kind of member: what loads can be saved, and
// what was saved loads to the same bytes.
//
// Input: one byte that chooses the type and the sizes of the pieces, then the archive.

#include "fuzz/fuzz.hpp"
#include "snapshot/golden.hpp"
#include <perdure/snapshot/codec.hpp>

#include <boost/serialization/map.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/vector.hpp>

#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

using namespace perdure;

namespace {

// An owned list, a shared object met twice, and a tree.
struct node {
    int value = 0;
    std::unique_ptr<node> next;
    std::shared_ptr<golden_types::point> one, two;
    std::vector<node> children;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& value& next& one& two& children;
    }
};

template <class T>
void try_type(std::span<std::span<std::byte const> const> pieces)
{
    archive_limits const limits{50};
    T value{};
    try {
        segmented_source source(pieces);
        portable_codec{limits}.decode(source, value);
    } catch (std::exception const&) {
        return;
    }
    // The order of these is the library's, and may be another one when they are loaded.
    if constexpr (std::is_same_v<T, golden_types::all>)
        while (value.one.size() > 1)
            value.one.erase(value.one.begin());
    memory_sink first;
    portable_codec{limits}.encode(value, first);
    auto const saved = first.release();
    T again{};
    memory_source source(saved);
    portable_codec{limits}.decode(source, again);
    memory_sink second;
    portable_codec{limits}.encode(again, second);
    fuzz::require(second.release() == saved, "saving what was saved gives the same bytes");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 1)
        return 0;
    unsigned const choices = data[0];
    auto in = fuzz::bytes(data + 1, size - 1);
    std::vector<std::span<std::byte const>> pieces;
    for (std::size_t const step = choices >> 3; !in.empty();) {
        auto const n = step == 0 ? in.size() : std::min(step, in.size());
        pieces.push_back(in.first(n));
        in = in.subspan(n);
    }
    switch (choices & 7) {
    case 0:
        return try_type<golden_types::all>(pieces), 0;
    case 1:
        return try_type<node>(pieces), 0;
    case 2:
        return try_type<std::map<std::string, std::vector<std::uint64_t>>>(pieces), 0;
    case 3:
        return try_type<std::vector<std::shared_ptr<golden_types::point>>>(pieces), 0;
    case 4:
        return try_type<std::vector<bool>>(pieces), 0;
    case 5:
        return try_type<std::vector<std::optional<std::variant<int, std::string>>>>(pieces), 0;
    default:
        return try_type<std::string>(pieces), 0;
    }
}

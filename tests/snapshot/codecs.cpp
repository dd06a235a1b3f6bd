// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/boost_archive.hpp>
#include <perdure/snapshot/file.hpp>

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <map>
#include <string>
#include <vector>

namespace {

using perdure::errc;
using perdure::error_code;

struct inventory {
    std::map<std::string, std::vector<double>> items;
    bool open = false;
    friend bool operator==(inventory const&, inventory const&) = default;
    void serialize(auto& archive, unsigned) { archive& items& open; }
};

inventory example(std::size_t entries)
{
    inventory v;
    for (std::size_t i = 0; i != entries; ++i)
        v.items["item " + std::to_string(i)] = std::vector<double>(i % 50, 0.1 * double(i));
    v.open = true;
    return v;
}

// The same bytes as another release of Boost would have written them.
struct other_release : perdure::boost_binary_codec {
    static std::uint32_t version() { return perdure::boost_binary_codec::version() + 1; }
};

template <class Codec>
void round_trip(Codec const& codec, std::size_t entries)
{
    temporary_directory const directory;
    error_code ec;
    auto const saved = example(entries);
    perdure::save(directory / "s", saved, ec, {}, codec);
    REQUIRE(!ec);
    CHECK(perdure::load<inventory>(directory / "s", ec, {}, codec) == saved);
    CHECK(!ec);
}

} // namespace

TEST_CASE("snapshot codecs: Boost's archives, small and across many chunks", "[snapshot][core]")
{
    for (std::size_t const entries : {std::size_t{0}, std::size_t{10}, std::size_t{20'000}}) {
        round_trip(perdure::boost_binary_codec{}, entries);
        round_trip(perdure::boost_text_codec{}, entries / 4);
    }
}

TEST_CASE("snapshot codecs: another archive version or codec is refused before the type sees a byte",
          "[snapshot][core]")
{
    temporary_directory const directory;
    error_code ec;
    perdure::save(directory / "s", example(3), ec, {}, other_release{});
    REQUIRE(!ec);
    CHECK(perdure::load<inventory>(directory / "s", ec, {}, perdure::boost_binary_codec{}) ==
          inventory{});
    CHECK(ec == errc::unsupported_version);
    CHECK(perdure::load<inventory>(directory / "s", ec, {}, perdure::boost_text_codec{}) ==
          inventory{});
    CHECK(ec == errc::wrong_type);

    perdure::boost_text_codec text;
    CHECK(text.reads(text.version()));
    CHECK(!text.reads(text.version() - 1));
    text.oldest_version = 5;
    CHECK(text.reads(5));
    CHECK(!text.reads(4));
    CHECK(!text.reads(text.version() + 1));
}

TEST_CASE("snapshot codecs: a native archive of other content is rejected, and nothing is half loaded",
          "[snapshot][core]")
{
    perdure::memory_sink sink;
    perdure::boost_binary_codec{}.encode(example(5), sink);
    auto const good = sink.release();
    // Every shorter one, and one that is longer.
    for (std::size_t n = 0; n < good.size(); ++n) {
        perdure::memory_source source({good.data(), n});
        inventory value;
        error_code ec;
        perdure::detail::translate_decode(
            [&] { perdure::boost_binary_codec{}.decode(source, value); }, ec);
        CHECK((ec == errc::cannot_decode || ec == errc::unsupported_version));
    }
    auto longer = good;
    longer.push_back(std::byte{0});
    perdure::memory_source source(longer);
    inventory value;
    error_code ec;
    perdure::detail::translate_decode([&] { perdure::boost_binary_codec{}.decode(source, value); },
                                      ec);
    CHECK(ec == errc::cannot_decode);
}

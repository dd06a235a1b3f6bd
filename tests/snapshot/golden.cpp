// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/golden.hpp"

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/snapshot/file.hpp>

#include <array>
#include <bit>
#include <cstdlib>

using namespace test;

namespace {

std::string golden(std::string const& name)
{
    return std::string(PERDURE_TEST_DATA) + "/snapshot/" + name;
}

// The value's snapshot has the bytes that every release has written, and they give the value.
// With PERDURE_WRITE_GOLDEN set, missing files are made.
template <class T, class Codec = perdure::portable_codec>
void check_golden(std::string const& name, T const& value,
                  perdure::snapshot_options const& options = {}, Codec const& codec = {})
{
    CAPTURE(name);
    temporary_directory const dir;
    perdure::error_code ec;
    perdure::save(dir / "now", value, ec, options, codec);
    REQUIRE(!ec);
    auto const now = read_file(dir / "now");
    if (std::getenv("PERDURE_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(golden(name)))
        write_file(golden(name), now);
    auto const released = read_file(golden(name));
    REQUIRE(!released.empty());
    CHECK(now == released);
    auto const loaded = perdure::load<T>(golden(name), ec, options, codec);
    CHECK(!ec);
    CHECK((loaded == value));
}

} // namespace

TEST_CASE("snapshot: the example of the format document", "[snapshot][format]")
{
    check_golden("accounts-1.0.snap", std::map<std::string, std::uint32_t>{{"ann", 7}},
                 {.type = "accounts", .schema_version = 2});
}

TEST_CASE("snapshot: every type of the archive, as released", "[snapshot][format]")
{
    check_golden("types-1.0.snap", golden_types::sample());
}

TEST_CASE("snapshot: objects behind pointers, as released", "[snapshot][format]")
{
    check_golden("pointers-1.0.snap", golden_types::graph::sample());
}

TEST_CASE("snapshot: the raw codec and the caller's bytes, as released", "[snapshot][format]")
{
    using numbers = std::array<std::uint32_t, 3>;
    if constexpr (std::endian::native == std::endian::little) {
        check_golden("raw-1.0.snap", numbers{1, 2, 3}, {}, perdure::raw_codec{});
    } else { // It says whose memory it is, and is refused on other machines.
        perdure::error_code ec;
        (void)perdure::load<numbers>(golden("raw-1.0.snap"), ec, {}, perdure::raw_codec{});
        CHECK(ec);
    }
    check_golden("bytes-1.0.snap", hex({1, 2, 3}), {}, perdure::bytes_codec{});
}

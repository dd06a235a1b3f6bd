// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/file.hpp>

#include <boost/serialization/version.hpp>

using perdure::condition;
using perdure::errc;
using perdure::error_code;
using namespace test;

namespace {

struct config {
    std::string name;
    std::map<std::string, int> limits;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& name& limits;
    }
    friend bool operator==(config const&, config const&) = default;
};

struct refuses {
    int v = 0;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& v;
        if (v == 13)
            throw std::runtime_error("13 is not allowed");
    }
};

config const first{"first", {{"a", 1}}};
config const second{"second", {{"a", 2}, {"b", 3}}};

} // namespace

TEST_CASE("save and load: a value comes back, and a second save replaces it", "[snapshot][core]")
{
    temporary_directory const dir;
    perdure::save(dir / "config", first);
    CHECK(perdure::load<config>(dir / "config") == first);
    perdure::save(dir / "config", second);
    CHECK(perdure::load<config>(dir / "config") == second);
    CHECK(names_in(dir.path()) == std::vector<std::string>{"config"});
}

TEST_CASE("save and load: a missing file and directory are the system's errors", "[snapshot][core]")
{
    temporary_directory const dir;
    error_code ec;
    CHECK(perdure::load<config>(dir / "none", ec) == config{});
    CHECK(ec == boost::system::errc::no_such_file_or_directory);
    CHECK_THROWS_AS(perdure::load<config>(dir / "none"), boost::system::system_error);
    perdure::save(dir / "none/at/all", first, ec);
    CHECK(ec == boost::system::errc::no_such_file_or_directory);
}

TEST_CASE("save and load: every damage is found and the value is a default one", "[snapshot][core]")
{
    temporary_directory const dir;
    perdure::save(dir / "config", first);
    auto const whole = read_file(dir / "config");
    for (std::size_t n = 0; n < whole.size(); n += 7) {
        write_file(dir / "config", std::span(whole).first(n));
        error_code ec;
        CHECK(perdure::load<config>(dir / "config", ec) == config{});
        CHECK(ec == condition::corruption);
    }
    for (std::size_t at = 0; at < whole.size(); at += 5) {
        auto changed = whole;
        changed[at] ^= std::byte{0x40};
        write_file(dir / "config", changed);
        error_code ec;
        CHECK(perdure::load<config>(dir / "config", ec) == config{});
        CHECK(ec);
    }
}

TEST_CASE("save and load: a type that throws leaves the old value", "[snapshot][core]")
{
    temporary_directory const dir;
    perdure::save(dir / "x", refuses{1});
    error_code ec;
    perdure::save(dir / "x", refuses{13}, ec);
    CHECK(ec == errc::cannot_encode);
    CHECK(perdure::load<refuses>(dir / "x").v == 1);
    CHECK(names_in(dir.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("save and load: bytes of another type are refused", "[snapshot][core]")
{
    temporary_directory const dir;
    error_code ec;
    perdure::save(dir / "x", first, ec, {.type = "config"});
    REQUIRE(!ec);
    CHECK(perdure::load<config>(dir / "x") == first);
    CHECK(perdure::load<config>(dir / "x", ec, {.type = "other"}) == config{});
    CHECK(ec == errc::wrong_type);
    // Without names of types the archive itself finds that the bytes do not fit.
    CHECK(perdure::load<std::map<std::string, std::string>>(dir / "x", ec).empty());
    CHECK(ec == errc::cannot_decode);
}

TEST_CASE("save and load: the memory of a plain value as it is, with the raw codec",
          "[snapshot][core]")
{
    struct plain {
        int a;
        double b;
    };
    temporary_directory const dir;
    error_code ec;
    perdure::save(dir / "x", plain{3, 0.5}, ec, {}, perdure::raw_codec{});
    REQUIRE(!ec);
    auto const p = perdure::load<plain>(dir / "x", ec, {}, perdure::raw_codec{});
    CHECK(!ec);
    CHECK(p.a == 3);
    CHECK(p.b == 0.5);
    static_cast<void>(perdure::load<int>(dir / "x", ec, {}, perdure::raw_codec{}));
    CHECK(ec == errc::cannot_decode);
    static_cast<void>(perdure::load<int>(dir / "x", ec));
    CHECK(ec == errc::wrong_type);
}

TEST_CASE("save and load: bad options are named", "[snapshot][core]")
{
    error_code ec;
    try {
        perdure::save("x", first, ec, {.type = std::string(64, 't')});
        FAIL("not refused");
    } catch (std::invalid_argument const& e) {
        CHECK(std::string(e.what()).find("snapshot_options.type") != std::string::npos);
    }
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/catalogue.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/directory_backend.hpp>
#include <perdure/snapshot/file.hpp>
#include <perdure/world/counting_calls.hpp>
#include <perdure/world/faulty_calls.hpp>

#include <string>
#include <vector>

namespace {

using perdure::errc;
using perdure::error_code;
using files = perdure::posix_files<perdure::faulty_calls>;
using catalogue = perdure::snapshot_catalogue<perdure::directory_backend<files>>;

struct disk {
    temporary_directory directory;
    std::shared_ptr<perdure::call_faults> faults = std::make_shared<perdure::call_faults>();

    files make_files() const { return files(perdure::faulty_calls({faults})); }
    catalogue open() const { return {{make_files(), directory / "s"}, {}}; }
};

error_code save(catalogue& c, int n)
{
    error_code ec;
    auto writer = c.begin(static_cast<std::uint64_t>(n), 1, 1, ec);
    if (ec)
        return ec;
    perdure::memory_sink sink;
    perdure::portable_codec{}.encode(n, sink);
    writer->append(sink.bytes(), ec);
    if (!ec)
        c.publish(*writer, ec);
    return ec;
}

int load(catalogue& c, error_code& ec, perdure::snapshot_report& report)
{
    int value = 0;
    c.load_newest(
        1, [](std::uint32_t v) { return v == 1; },
        [&](perdure::snapshot_content const& content, error_code& e) {
            perdure::detail::translate_decode(
                [&] {
                    perdure::segmented_source source(content.bytes());
                    perdure::portable_codec{}.decode(source, value);
                },
                e);
        },
        report, ec);
    return value;
}

} // namespace

TEST_CASE(
    "snapshots: whichever call of a save fails, what was acknowledged stays and the next works",
    "[snapshot][core]")
{
    for (int error : {EIO, ENOSPC}) {
        std::uint64_t failures = 0;
        for (std::uint64_t nth = 1;; ++nth) {
            CAPTURE(error, nth);
            disk const d;
            {
                auto c = d.open();
                REQUIRE(!save(c, 1));
            }
            int acknowledged = 1;
            bool reached = false;
            {
                auto c = d.open();
                auto const before = d.faults->calls();
                d.faults->fail_any(error, nth);
                auto const ec = save(c, 2);
                reached = d.faults->calls() - before >= nth;
                if (!ec)
                    acknowledged = 2;
                else
                    ++failures;
                if (error == ENOSPC && ec && nth > 8) // Behind making the directory.
                    CHECK(ec == errc::no_space);
                d.faults->clear();
                // The same object goes on, and a new one finds the best.
                CHECK(!save(c, 3));
            }
            auto c = d.open();
            error_code ec;
            perdure::snapshot_report report;
            CHECK(load(c, ec, report) == 3);
            CHECK(!report.fell_back());
            auto const ids = c.ids(ec);
            CHECK(ids.size() == 2);
            CHECK(acknowledged <= 2);
            // No temporary is left behind once a store has opened.
            for (auto const& name : test::names_in(d.directory / "s"))
                CHECK(!name.starts_with(".tmp"));
            if (!reached)
                break;
        }
        CHECK(failures > 5);
    }
}

TEST_CASE(
    "snapshots: whichever call of a save fails for good, the old one is loaded by the next process",
    "[snapshot][core]")
{
    for (std::uint64_t nth = 1;; ++nth) {
        CAPTURE(nth);
        disk const d;
        {
            auto c = d.open();
            REQUIRE(!save(c, 1));
        }
        bool acknowledged = false;
        bool reached = false;
        {
            auto c = d.open();
            auto const before = d.faults->calls();
            for (std::uint64_t n = nth; n < nth + 100; ++n)
                d.faults->fail_any(EIO, n);
            acknowledged = !save(c, 2);
            reached = d.faults->calls() - before >= nth;
        }
        d.faults->clear();
        auto c = d.open();
        error_code ec;
        perdure::snapshot_report report;
        int const value = load(c, ec, report);
        CHECK(!ec);
        CHECK((value == 2 || (value == 1 && !acknowledged)));
        CHECK(!report.fell_back());
        if (!reached)
            break;
    }
}

TEST_CASE("snapshots: a read that fails is an error of the load and puts nothing aside",
          "[snapshot][core]")
{
    std::uint64_t failures = 0;
    for (std::uint64_t nth = 1;; ++nth) {
        CAPTURE(nth);
        disk const d;
        {
            auto c = d.open();
            REQUIRE(!save(c, 1));
            REQUIRE(!save(c, 2));
        }
        auto c = d.open();
        error_code ec;
        perdure::snapshot_report report;
        auto const before = d.faults->calls();
        d.faults->fail_any(EIO, nth);
        int value = load(c, ec, report);
        bool const reached = d.faults->calls() - before >= nth;
        d.faults->clear();
        CHECK(!report.fell_back());
        if (ec) {
            CHECK(ec.category() == boost::system::system_category());
            ++failures;
            value = load(c, ec, report);
        }
        CHECK(value == 2);
        CHECK(!ec);
        for (auto const& name : test::names_in(d.directory / "s"))
            CHECK(!name.ends_with(".corrupt"));
        if (!reached)
            break;
    }
    CHECK(failures > 5);
}

TEST_CASE("snapshots: short reads and writes change nothing", "[snapshot][core]")
{
    disk const d;
    auto c = d.open();
    d.faults->shorten(perdure::system_call::pwritev, 7, 1, perdure::call_faults::for_ever);
    CHECK(!save(c, 42));
    d.faults->shorten(perdure::system_call::preadv, 5, 1, perdure::call_faults::for_ever);
    error_code ec;
    perdure::snapshot_report report;
    CHECK(load(c, ec, report) == 42);
    CHECK(!ec);
}

TEST_CASE("save: whichever call fails, the file holds the old value or the new one",
          "[snapshot][core]")
{
    for (std::uint64_t nth = 1;; ++nth) {
        CAPTURE(nth);
        disk const d;
        error_code ec;
        std::string const path = d.directory / "file";
        perdure::save(path, 1, ec, {}, perdure::portable_codec{}, d.make_files());
        REQUIRE(!ec);
        auto const before = d.faults->calls();
        d.faults->fail_any(EIO, nth);
        perdure::save(path, 2, ec, {}, perdure::portable_codec{}, d.make_files());
        bool const reached = d.faults->calls() - before >= nth;
        d.faults->clear();
        bool const acknowledged = !ec;
        int const value = perdure::load<int>(path, ec);
        CHECK(!ec);
        CHECK((value == 2 || (value == 1 && !acknowledged)));
        if (!reached)
            break;
    }
}

TEST_CASE("snapshots: the device begins with a large one while it is written, and what fails then "
          "is the sync's",
          "[snapshot][core]")
{
    using calls = perdure::intercepted_calls<perdure::detail::count_hooks, perdure::faulty_calls>;
    using counting_files = perdure::posix_files<calls>;
    disk const d;
    auto const counts = std::make_shared<perdure::call_counts>();
    auto const counted = [&] {
        return counting_files(
            calls(perdure::detail::count_hooks{counts}, perdure::faulty_calls({d.faults})));
    };
    auto const begun = [&] { return counts->of(perdure::system_call::start_write_back); };
    std::vector<std::uint64_t> const state(std::size_t{3} << 20,
                                           7); // 24 MiB: three steps of 8, less headers.
    std::string const path = d.directory / "one_file";
    error_code ec;

    perdure::save(path, state, ec, {}, perdure::portable_codec(), counted());
    REQUIRE(!ec);
    CHECK(begun() == 3);

    d.faults->fail(perdure::system_call::start_write_back, EIO, 1, 3);
    perdure::save(path, state, ec, {}, perdure::portable_codec(), counted());
    CHECK(!ec);
    CHECK(begun() == 6);
    CHECK(perdure::load<std::vector<std::uint64_t>>(path) == state);

    perdure::directory_backend<counting_files> backend(counted(), d.directory / "objects");
    backend.open(ec);
    REQUIRE(!ec);
    auto upload = backend.create("large", ec);
    REQUIRE(!ec);
    std::span<std::byte const> const part = std::as_bytes(std::span(state)).first(1 << 20);
    std::array const parts{part.first(100), part};
    for (int i = 0; i != 17; ++i)
        upload.append(parts, ec);
    CHECK(begun() == 8);
    upload.commit(ec);
    CHECK(!ec);
}

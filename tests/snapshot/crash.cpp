// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/simulation/crash_states.hpp>
#include <perdure/simulation/disk_files.hpp>
#include <perdure/snapshot/catalogue.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/directory_backend.hpp>
#include <perdure/snapshot/file.hpp>

#include <functional>
#include <string>

namespace {

namespace simulation = perdure::simulation;
using perdure::errc;
using perdure::error_code;
using perdure::sync_mode;
using simulation::disk;
using perdure::simulation::disk_files;

// What may be left out of the real protocol, to see that the search finds it.
enum class bug { no_file_sync, no_directory_sync };

// Files that forget a step.
template <bug Bug>
class careless_files : public disk_files {
public:
    using disk_files::disk_files;

    class file : public disk_files::file {
    public:
        file() = default;
        explicit file(disk_files::file f) : disk_files::file(std::move(f)) {}
        void sync(sync_mode mode, error_code& ec)
        {
            ec = {};
            if (Bug != bug::no_file_sync)
                disk_files::file::sync(mode, ec);
        }
    };

    file open(std::string const& path, perdure::open_mode mode, error_code& ec)
    {
        return file(disk_files::open(path, mode, ec));
    }
    void sync_directory(std::string const& path, error_code& ec)
    {
        ec = {};
        if (Bug != bug::no_directory_sync)
            disk_files::sync_directory(path, ec);
    }
};

template <class Files>
using catalogue = perdure::snapshot_catalogue<perdure::directory_backend<Files>>;

// Saves the number n under position n. True once it is acknowledged.
template <class Files>
bool save(catalogue<Files>& c, int n)
{
    error_code ec;
    auto writer = c.begin(static_cast<std::uint64_t>(n), 1, 1, ec);
    if (!ec) {
        perdure::memory_sink sink;
        perdure::portable_codec{}.encode(n, sink);
        writer->append(sink.bytes(), ec);
        if (!ec)
            c.publish(*writer, ec);
    }
    return !ec;
}

struct found {
    int value = 0; // 0: none
    error_code ec;
    perdure::snapshot_report report;
};

template <class Files>
found load(catalogue<Files>& c)
{
    found f;
    auto const info = c.load_newest(
        1, [](std::uint32_t v) { return v == 1; },
        [&](perdure::snapshot_content const& content, error_code& ec) {
            perdure::detail::translate_decode(
                [&] {
                    perdure::segmented_source source(content.bytes());
                    perdure::portable_codec{}.decode(source, f.value);
                },
                ec);
        },
        f.report, f.ec);
    if (!f.ec && info.position != static_cast<std::uint64_t>(f.value))
        f.ec = errc::malformed;
    return f;
}

/* Runs `program` on a disk, and after each of its disk operations looks at every state that a power
 * cut can leave: a store that starts there finds `acknowledged` or something newer that was begun,
 * has nothing to put aside, can save, and finds what it saved. Returns the first violation.
 */
class search {
public:
    int acknowledged = 0;
    int begun = 0;
    std::size_t states = 0;
    std::string violation;
    bool may_fall_back = false; // A snapshot on the disk is damaged.

    void run(disk& d, std::function<void()> const& program)
    {
        d.watch([this](disk const& now, simulation::interval) {
            if (violation.empty())
                states += simulation::for_each_crash_state(
                    now, {}, [this](disk const& left) { look(left); });
        });
        program();
        d.watch(nullptr);
    }

private:
    void look(disk const& left)
    {
        if (!violation.empty())
            return;
        disk d = left;
        catalogue<disk_files> c({disk_files(d), "s"}, {});
        auto const first = load(c);
        if (first.ec == errc::no_snapshot && acknowledged == 0)
            return try_to_save(c);
        if (first.ec)
            violation = "load: " + first.ec.message();
        else if (first.value < acknowledged || first.value > begun)
            violation = "found " + std::to_string(first.value) + " where " +
                        std::to_string(acknowledged) + " was acknowledged";
        else if (first.report.fell_back() && !may_fall_back)
            violation = "a crash left a published snapshot that is bad";
        else
            try_to_save(c);
    }
    void try_to_save(catalogue<disk_files>& c)
    {
        if (!save(c, 1000) || load(c).value != 1000)
            violation = "after the crash the store does not work";
    }
};

template <class Files>
search search_saves()
{
    disk d;
    search s;
    catalogue<Files> c({Files(d), "s"}, {});
    s.run(d, [&] {
        for (int n = 1; n <= 4; ++n) {
            s.begun = n;
            if (save(c, n))
                s.acknowledged = n;
        }
    });
    return s;
}

} // namespace

TEST_CASE("snapshots: every power cut during saves leaves the newest acknowledged one",
          "[snapshot][core]")
{
    auto const s = search_saves<disk_files>();
    CHECK(s.violation == "");
    CHECK(s.acknowledged == 4);
    CHECK(s.states > 150);
}

TEST_CASE("snapshots: the search finds a sync that is left out", "[snapshot][core]")
{
    CHECK(search_saves<careless_files<bug::no_file_sync>>().violation ==
          "load: no snapshot can be loaded");
    CHECK(search_saves<careless_files<bug::no_directory_sync>>().violation ==
          "load: there is no snapshot");
}

TEST_CASE("snapshots: every power cut while a bad one is put aside leaves the older one",
          "[snapshot][core]")
{
    disk d;
    {
        catalogue<disk_files> c({disk_files(d), "s"}, {});
        REQUIRE(save(c, 1));
        REQUIRE(save(c, 2));
    }
    auto bytes = d.contents("s/snapshot-00000000000000000002.snap");
    bytes[300] ^= std::byte{1};
    d.put("s/snapshot-00000000000000000002.snap", bytes);
    search s;
    s.acknowledged = s.begun = 1;
    s.may_fall_back = true;
    catalogue<disk_files> c({disk_files(d), "s"}, {});
    s.run(d, [&] {
        auto const f = load(c);
        CHECK(f.value == 1);
        CHECK(f.report.fell_back());
    });
    CHECK(s.violation == "");
    CHECK(s.states > 5);
    CHECK(d.exists("s/snapshot-00000000000000000002.snap.corrupt"));
}

TEST_CASE("snapshots: loads that end in a power cut put a good snapshot aside only at the limit",
          "[snapshot][core]")
{
    // The power goes while the type decodes, again and again: what a crash of the program does too.
    disk d;
    {
        catalogue<disk_files> c({disk_files(d), "s"}, {});
        REQUIRE(save(c, 1));
        REQUIRE(save(c, 2));
    }
    struct power_cut {};
    auto const crash_while_loading = [](disk& at) {
        catalogue<disk_files> c({disk_files(at), "s"}, {});
        perdure::snapshot_report report;
        error_code ec;
        std::uint64_t seen = 0;
        try {
            c.load_newest(
                1, [](std::uint32_t) { return true; },
                [&](perdure::snapshot_content const& content, error_code&) {
                    seen = content.info().id;
                    throw power_cut();
                },
                report, ec);
        } catch (power_cut const&) {
        }
        return seen;
    };
    auto const after_power_cut = [](disk const& before) {
        disk after = before;
        after.crash({}, [](simulation::crash_question, std::size_t) { return std::size_t{0}; });
        return after;
    };
    CHECK(crash_while_loading(d) == 2);
    d = after_power_cut(d);
    CHECK(crash_while_loading(d) == 2);
    d = after_power_cut(d);
    CHECK(crash_while_loading(d) == 1); // 2 was put aside
    d = after_power_cut(d);
    {
        // It went well at last: the mark is gone for good.
        catalogue<disk_files> c({disk_files(d), "s"}, {});
        auto const f = load(c);
        CHECK(f.value == 1);
        CHECK(f.report.aside_before == 1);
    }
    d = after_power_cut(d);
    for (int i = 0; i < 3; ++i) {
        catalogue<disk_files> c({disk_files(d), "s"}, {});
        CHECK(load(c).value == 1);
        d = after_power_cut(d);
    }
}

TEST_CASE(
    "save: every power cut leaves the old value or the new one, and the new one once it returned",
    "[snapshot][core]")
{
    disk d;
    error_code ec;
    int acknowledged = 0;
    int begun = 0;
    std::string violation;
    std::size_t states = 0;
    d.watch([&](disk const& now, simulation::interval) {
        states += simulation::for_each_crash_state(now, {}, [&](disk const& left) {
            disk copy = left;
            error_code e;
            int const v =
                perdure::load<int>("file", e, {}, perdure::portable_codec{}, disk_files(copy));
            if (e == boost::system::errc::no_such_file_or_directory && acknowledged == 0)
                return;
            if (e || v < acknowledged || v > begun)
                violation = "found " + std::to_string(v) + ", " + e.message();
        });
    });
    for (int n = 1; n <= 3; ++n) {
        begun = n;
        perdure::save("file", n, ec, {}, perdure::portable_codec{}, disk_files(d));
        CHECK(!ec);
        acknowledged = n;
    }
    d.watch(nullptr);
    CHECK(violation == "");
    CHECK(states > 50);
}

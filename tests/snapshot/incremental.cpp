// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/simulation/disk.hpp>
#include <perdure/simulation/disk_files.hpp>
#include <perdure/snapshot/catalogue.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/directory_backend.hpp>
#include <perdure/snapshot/memory_backend.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

namespace simulation = perdure::simulation;
using perdure::chunking;
using perdure::errc;
using perdure::error_code;
using perdure::simulation::disk_files;

using bytes = std::vector<std::byte>;

perdure::snapshot_options options(chunking how = chunking::content_defined)
{
    perdure::snapshot_options o;
    o.incremental = {.enabled = true, .how = how, .chunk_size = 4096};
    return o;
}

// One test's random bytes and choices.
struct random_bytes {
    std::mt19937_64 engine;
    bytes operator()(std::size_t n)
    {
        bytes b(n);
        for (auto& x : b)
            x = static_cast<std::byte>(engine());
        return b;
    }
    std::size_t below(std::size_t n) { return engine() % n; }
};

template <class Catalogue>
bool save(Catalogue& c, bytes const& state, std::uint64_t position = 0)
{
    error_code ec;
    auto writer = c.begin(position, 3, 1, ec);
    // In pieces as a store would: up to 1 MiB.
    for (std::size_t at = 0; !ec && at < state.size(); at += 300'000)
        writer->append(std::span(state).subspan(at, std::min<std::size_t>(300'000,
                                                                          state.size() - at)),
                       ec);
    if (!ec)
        c.publish(*writer, ec);
    return !ec;
}

struct found {
    bytes state;
    std::uint64_t position = 0;
    error_code ec;
    perdure::snapshot_report report;
};

template <class Catalogue>
found load(Catalogue& c)
{
    found f;
    f.position = c.load_newest(
                      3, [](std::uint32_t) { return true; },
                      [&](perdure::snapshot_content const& content, error_code&) {
                          f.state.clear();
                          for (auto const part : content.bytes())
                              f.state.insert(f.state.end(), part.begin(), part.end());
                      },
                      f.report, f.ec)
                     .position;
    return f;
}

std::uint64_t seed_of_this_run()
{
    auto const* const given = std::getenv("PERDURE_SEED");
    return given ? std::strtoull(given, nullptr, 10) : 1;
}

} // namespace

TEST_CASE("chunks: cuts do not depend on how the bytes arrive, and are found again behind an insertion",
          "[snapshot][core]")
{
    random_bytes random{std::mt19937_64(1)};
    auto const content = random(400'000);
    auto const cut = [](bytes const& b, std::size_t piece, chunking how) {
        std::vector<bytes> chunks;
        perdure::chunker c(how, 4096);
        auto const emit = [&](std::span<std::byte const> s) { chunks.emplace_back(s.begin(), s.end()); };
        for (std::size_t at = 0; at < b.size(); at += piece)
            c.add(std::span(b).subspan(at, std::min(piece, b.size() - at)), emit);
        c.finish(emit);
        return chunks;
    };
    for (auto const how : {chunking::fixed, chunking::content_defined}) {
        auto const whole = cut(content, content.size(), how);
        for (std::size_t const piece : {std::size_t{1}, std::size_t{777}, std::size_t{5000}})
            CHECK(cut(content, piece, how) == whole);
        bytes joined;
        for (auto const& c : whole) {
            joined.insert(joined.end(), c.begin(), c.end());
            CHECK(c.size() <= 4u * 4096);
            if (&c != &whole.back())
                CHECK(c.size() >= 1024);
        }
        CHECK(joined == content);
        CHECK(content.size() / whole.size() > 2500);
        CHECK(content.size() / whole.size() < 7000);

        auto longer = content;
        longer.insert(longer.begin() + 1000, std::byte{1});
        auto const again = cut(longer, 10'000, how);
        auto const same = std::count_if(again.begin(), again.end(), [&](bytes const& c) {
            return std::find(whole.begin(), whole.end(), c) != whole.end();
        });
        if (how == chunking::content_defined)
            CHECK(same >= static_cast<long>(whole.size()) - 4);
        else
            CHECK(same <= 2);
    }
}

TEST_CASE("incremental snapshots: what did not change is not written again", "[snapshot][core]")
{
    for (auto const how : {chunking::fixed, chunking::content_defined}) {
        auto const objects = std::make_shared<perdure::memory_objects>();
        perdure::snapshot_catalogue<perdure::memory_backend> c(perdure::memory_backend(objects),
                                                               options(how));
        random_bytes random{std::mt19937_64(2)};
        auto state = random(2'000'000);
        REQUIRE(save(c, state, 1));
        auto const first = c.counters().bytes_written;
        CHECK(first > state.size());
        CHECK(first < state.size() + state.size() / 20);
        auto const changed = random(20'000);
        std::copy(changed.begin(), changed.end(), state.begin() + 500'000);
        REQUIRE(save(c, state, 2));
        auto const second = c.counters().bytes_written - first;
        CHECK(second > 20'000);
        CHECK(second < 90'000);
        CHECK(load(c).state == state);
        // The same again: nothing but the index.
        REQUIRE(save(c, state, 3));
        CHECK(c.counters().bytes_written - first - second < 40'000);
    }
}

TEST_CASE("incremental snapshots: old packs go when no snapshot needs them, and space stays bounded",
          "[snapshot][core]")
{
    auto const objects = std::make_shared<perdure::memory_objects>();
    auto const seed = seed_of_this_run();
    INFO("replay: PERDURE_SEED=" << seed << " tests/snapshot/test_snapshot_incremental");
    random_bytes random{std::mt19937_64(seed)};
    auto state = random(400'000);
    std::uint64_t most = 0;
    std::optional<perdure::snapshot_catalogue<perdure::memory_backend>> c;
    for (std::uint64_t n = 1; n <= 150; ++n) {
        if (n % 10 == 1) { // Another process.
            c.reset();
            c.emplace(perdure::memory_backend(objects), options());
        }
        auto const some = random(1 + random.below(20'000));
        auto const at = static_cast<std::ptrdiff_t>(random.below(state.size() - some.size()));
        if (n % 3 == 0) {
            state.insert(state.begin() + at, some.begin(), some.end());
            state.erase(state.end() - static_cast<std::ptrdiff_t>(some.size()), state.end());
        } else {
            std::copy(some.begin(), some.end(), state.begin() + at);
        }
        REQUIRE(save(*c, state, n));
        auto const f = load(*c);
        REQUIRE(f.state == state);
        REQUIRE(f.position == n);
        std::uint64_t total = 0;
        for (auto const& [name, object] : objects->objects)
            total += object.bytes->size();
        most = std::max(most, total);
    }
    CHECK(most < 4 * state.size());
    CHECK(most > state.size());
    CHECK(c->counters().packs_removed > 0);
}

TEST_CASE("incremental snapshots: a changed byte anywhere is found, and the older snapshot is loaded if it "
          "does not share it",
          "[snapshot][core]")
{
    auto const objects = std::make_shared<perdure::memory_objects>();
    random_bytes random{std::mt19937_64(3)};
    auto const older = random(30'000);
    auto newer = older;
    auto const fresh = random(9'000);
    std::copy(fresh.begin(), fresh.end(), newer.begin() + 10'000);
    {
        perdure::snapshot_catalogue<perdure::memory_backend> c(perdure::memory_backend(objects),
                                                               options());
        REQUIRE(save(c, older, 1));
        REQUIRE(save(c, newer, 2));
    }
    std::size_t fell_back = 0, lost = 0;
    std::vector<std::string> names;
    for (auto const& [name, o] : objects->objects)
        names.push_back(name);
    REQUIRE(names.size() == 4);
    for (auto const& name : names)
        for (std::size_t at = 0; at < objects->objects[name].bytes->size(); at += 13) {
            auto const copy = std::make_shared<perdure::memory_objects>();
            for (auto const& [n, o] : objects->objects)
                copy->objects[n] = {std::make_shared<bytes>(*o.bytes), false};
            (*copy->objects[name].bytes)[at] ^= std::byte{1};
            perdure::snapshot_catalogue<perdure::memory_backend> c(perdure::memory_backend(copy),
                                                                   options());
            auto const f = load(c);
            CAPTURE(name, at);
            if (f.ec) {
                ++lost; // A chunk that both share.
                REQUIRE(f.ec == errc::no_good_snapshot);
                REQUIRE(name == names[0]);
            } else {
                REQUIRE((f.state == newer || f.state == older));
                REQUIRE((f.state == newer) == !f.report.fell_back());
                fell_back += f.report.fell_back();
            }
            // The store goes on, and what was put aside keeps its packs.
            if (at % 91 == 0) {
                REQUIRE(save(c, newer, 3));
                REQUIRE(save(c, newer, 4));
                REQUIRE(save(c, newer, 5));
                REQUIRE(load(c).state == newer);
                if (f.report.fell_back())
                    REQUIRE(copy->objects.contains(names[0]));
            }
        }
    CHECK(fell_back > 500);
    CHECK(lost > 500);
}

TEST_CASE("incremental snapshots: every so many ids one stands for itself", "[snapshot][core]")
{
    auto const objects = std::make_shared<perdure::memory_objects>();
    auto o = options();
    o.incremental.full_every = 3;
    perdure::snapshot_catalogue<perdure::memory_backend> c(perdure::memory_backend(objects), o);
    random_bytes random{std::mt19937_64(4)};
    auto const state = random(100'000);
    std::vector<std::uint64_t> written;
    for (std::uint64_t n = 1; n <= 6; ++n) {
        auto const before = c.counters().bytes_written;
        REQUIRE(save(c, state, n));
        written.push_back(c.counters().bytes_written - before);
    }
    CHECK(written[1] < 10'000);
    CHECK(written[2] > 100'000);
    CHECK(written[3] < 10'000);
    CHECK(written[5] > 100'000);
}

TEST_CASE("incremental snapshots: saves that overlap do not lose each other's chunks",
          "[snapshot][core]")
{
    auto const objects = std::make_shared<perdure::memory_objects>();
    perdure::snapshot_catalogue<perdure::memory_backend> c(perdure::memory_backend(objects),
                                                           options());
    random_bytes random{std::mt19937_64(5)};
    auto const old_state = random(50'000);
    REQUIRE(save(c, old_state, 1));
    error_code ec;
    auto const other = random(50'000);
    std::vector<std::optional<perdure::snapshot_catalogue<perdure::memory_backend>::writer>> quick;
    for (std::uint64_t n = 2; n <= 4; ++n)
        quick.push_back(c.begin(n, 3, 1, ec));
    auto slow = c.begin(5, 3, 1, ec); // Shares with 1 ...
    for (auto& w : quick) {           // ... which is removed meanwhile.
        w->append(other, ec);
        c.publish(*w, ec);
        REQUIRE(!ec);
    }
    CHECK(c.ids(ec) == std::vector<std::uint64_t>{3, 4});
    slow->append(old_state, ec);
    c.publish(*slow, ec);
    REQUIRE(!ec);
    auto const f = load(c);
    CHECK(f.position == 5);
    CHECK(f.state == old_state);
    CHECK(!f.report.fell_back());
    // Now that none is under way, what nobody needs goes.
    slow.reset();
    quick.clear();
    REQUIRE(save(c, other, 6));
    REQUIRE(save(c, other, 7));
    CHECK(c.counters().packs_removed >= 1);
}

TEST_CASE("incremental snapshots: those of every release are read, and packs have the same bytes",
          "[snapshot][core][format]")
{
    auto const objects = std::make_shared<perdure::memory_objects>();
    bytes state(10'000);
    for (std::size_t i = 0; i != state.size(); ++i)
        state[i] = static_cast<std::byte>(i / 40);
    {
        perdure::snapshot_catalogue<perdure::memory_backend> c(perdure::memory_backend(objects),
                                                               options(chunking::fixed));
        REQUIRE(save(c, state, 1));
        state[5000] = std::byte{1};
        REQUIRE(save(c, state, 2));
    }
    auto const released = std::make_shared<perdure::memory_objects>();
    for (auto const& [name, object] : objects->objects) {
        auto const path = std::string(PERDURE_TEST_DATA) + "/snapshot/shared-1.0/" + name;
        if (std::getenv("PERDURE_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path))
            test::write_file(path, *object.bytes);
        auto const golden = test::read_file(path);
        CAPTURE(name);
        REQUIRE(!golden.empty());
        if (name.ends_with(".pack")) // A snapshot names the release that wrote it.
            CHECK(golden == *object.bytes);
        released->objects[name].bytes = std::make_shared<bytes>(golden);
    }
    CHECK(released->objects.size() == 4);
    perdure::snapshot_catalogue<perdure::memory_backend> c(perdure::memory_backend(released),
                                                           options());
    auto const f = load(c);
    CHECK(!f.report.fell_back());
    CHECK(f.position == 2);
    CHECK(f.state == state);
}

namespace {

// What may be left out, to see that the search finds it: the pack's sync.
class no_pack_sync : public disk_files {
public:
    using disk_files::disk_files;
    class file : public disk_files::file {
    public:
        file() = default;
        file(disk_files::file f, bool pack) : disk_files::file(std::move(f)), pack_(pack) {}
        void sync(perdure::sync_mode mode, error_code& ec)
        {
            ec = {};
            if (!pack_)
                disk_files::file::sync(mode, ec);
        }

    private:
        bool pack_ = false;
    };
    file open(std::string const& path, perdure::open_mode mode, error_code& ec)
    {
        return file(disk_files::open(path, mode, ec), path.ends_with(".pack"));
    }
};

template <class Files>
std::string search_power_cuts(std::size_t& states)
{
    using catalogue = perdure::snapshot_catalogue<perdure::directory_backend<Files>>;
    using plain = perdure::snapshot_catalogue<perdure::directory_backend<disk_files>>;
    simulation::disk d;
    random_bytes random{std::mt19937_64(6)};
    std::vector<bytes> history(1);
    std::uint64_t acknowledged = 0, begun = 0;
    std::string violation;
    auto const look = [&](simulation::disk const& left) {
        if (!violation.empty())
            return;
        ++states;
        simulation::disk copy = left;
        plain c({disk_files(copy), "s"}, options());
        auto const f = load(c);
        if (f.ec == errc::no_snapshot && acknowledged == 0)
            return;
        if (f.ec)
            violation = "load: " + f.ec.message();
        else if (f.position < acknowledged || f.position > begun)
            violation = "an acknowledged snapshot is gone";
        else if (f.report.fell_back())
            violation = "a published snapshot is bad";
        else if (f.state != history[f.position])
            violation = "other bytes";
        else if (!save(c, history[f.position], 1000) || load(c).state != history[f.position])
            violation = "after the crash the store does not work";
    };
    auto state = random(12'000);
    {
        catalogue c({Files(d), "s"}, options());
        d.watch([&](simulation::disk const& now, simulation::interval) {
            // What is not synced is whole pages, so the states are drawn, with the two extremes always.
            for (int draw = 0; draw != 12 && violation.empty(); ++draw) {
                simulation::disk after = now;
                after.watch(nullptr);
                after.crash({}, [&](simulation::crash_question, std::size_t answers) {
                    return draw == 0 ? 0 : draw == 1 ? answers - 1 : random.below(answers);
                });
                look(after);
            }
        });
        for (std::uint64_t n = 1; n <= 6; ++n) {
            auto const some = random(n == 4 ? 12'000 : 2'000);
            std::copy(some.begin(), some.end(), state.begin());
            history.push_back(state);
            begun = n;
            if (save(c, state, n))
                acknowledged = n;
        }
        d.watch(nullptr);
    }
    if (violation.empty() && acknowledged != 6)
        violation = "a save failed";
    return violation;
}

} // namespace

TEST_CASE("incremental snapshots: every power cut, also while packs are removed, leaves the newest acknowledged one",
          "[snapshot][core]")
{
    std::size_t states = 0;
    CHECK(search_power_cuts<disk_files>(states) == "");
    CHECK(states > 500);
    std::size_t ignored = 0;
    CHECK(search_power_cuts<no_pack_sync>(ignored) != "");
}

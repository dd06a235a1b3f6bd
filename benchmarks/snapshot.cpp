// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* What it costs to save a state to a verified file and to load it.
 *
 *   map:     2 million entries of an unordered_map<string, string> with keys of 20 and values of 64
 *            bytes. Peer: Boost's binary archive to a file, with a sync and without checksums.
 *            Floor: a bare loop over the same map into a 1 MiB buffer, written and synced; for
 *            loading, a read of the file and a bare loop that inserts.
 *   vector:  1 GiB of std::vector<std::uint64_t>. Floor: the same bytes written and synced.
 *
 * Every figure is a wall-clock time in a process of its own, before which what is to be written to disk
 * is on disk. The measures take turns, and every second turn goes backwards: a disk that was just written
 * to may be slower or faster for whoever comes next. The medians of all turns are printed.
 *
 *     benchmark_snapshot [--smoke]
 */

#include "support/bars.hpp"
#include "support/measure.hpp"
#include <perdure/snapshot/file.hpp>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unordered_map.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace {

using map = std::unordered_map<std::string, std::string>;
using steady = std::chrono::steady_clock;

[[noreturn]] void fail(char const* what)
{
    std::perror(what);
    std::exit(1);
}

void write_all(int fd, std::byte const* p, std::size_t n)
{
    while (n != 0) {
        auto const written = ::write(fd, p, n);
        if (written <= 0)
            fail("write");
        p += written;
        n -= static_cast<std::size_t>(written);
    }
}

int create(std::string const& path)
{
    int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        fail(path.c_str());
    return fd;
}

void sync_and_close(int fd)
{
    if (::fdatasync(fd) != 0 || ::close(fd) != 0)
        fail("fdatasync");
}

/// Puts a new file in the place of the old one, as ours does: a disk may write faster over what a file had
/// than to where nothing was.
int replace(std::string const& path, std::function<void(std::string const&)> const& write)
{
    write(path + ".new");
    if (::rename((path + ".new").c_str(), path.c_str()) != 0)
        fail("rename");
    return 0;
}

map make_map(std::size_t n)
{
    map m;
    m.reserve(n);
    for (std::size_t i = 0; i != n; ++i) {
        std::string key = std::to_string(i * 7919);
        key.insert(0, 20 - key.size(), 'k');
        m.emplace(std::move(key), std::string(64, static_cast<char>('a' + i % 26)));
    }
    return m;
}

void save_bare(std::string const& path, map const& m)
{
    int const fd = create(path);
    std::vector<std::byte> buffer(1 << 20);
    std::size_t used = 0;
    auto const put = [&](void const* p, std::size_t n) {
        if (used + n > buffer.size()) {
            write_all(fd, buffer.data(), used);
            used = 0;
        }
        std::memcpy(buffer.data() + used, p, n);
        used += n;
    };
    auto const put_text = [&](std::string const& s) {
        std::uint64_t const n = s.size();
        put(&n, sizeof n);
        put(s.data(), s.size());
    };
    for (auto const& [key, value] : m) {
        put_text(key);
        put_text(value);
    }
    write_all(fd, buffer.data(), used);
    sync_and_close(fd);
}

map load_bare(std::string const& path, std::size_t n)
{
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    std::vector<char> bytes(static_cast<std::size_t>(in.tellg()));
    in.seekg(0);
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    map m;
    m.reserve(n);
    char const* p = bytes.data();
    auto const get_text = [&p] {
        std::uint64_t size = 0;
        std::memcpy(&size, p, sizeof size);
        std::string s(p + sizeof size, static_cast<std::size_t>(size));
        p += sizeof size + size;
        return s;
    };
    while (p != bytes.data() + bytes.size()) {
        auto key = get_text();
        m.try_emplace(std::move(key), get_text());
    }
    return m;
}

void save_boost(std::string const& path, map const& m)
{
    {
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        boost::archive::binary_oarchive ar(out);
        ar << m;
    }
    int const fd = ::open(path.c_str(), O_RDWR);
    sync_and_close(fd);
}

map load_boost(std::string const& path)
{
    map m;
    std::ifstream in(path, std::ios::binary);
    boost::archive::binary_iarchive ar(in);
    ar >> m;
    return m;
}

/// Seconds that `work` takes in a process of its own, behind `prepare`.
template <class Prepare, class Work>
double in_own_process(Prepare prepare, Work work)
{
    ::sync();
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0)
        fail("pipe");
    pid_t const child = ::fork();
    if (child == 0) {
        auto state = prepare();
        auto const begin = steady::now();
        auto const result = work(state);
        double const seconds = std::chrono::duration<double>(steady::now() - begin).count();
        benchmark::keep(&result);
        if (::write(pipe_ends[1], &seconds, sizeof seconds) != sizeof seconds)
            std::_Exit(1);
        std::_Exit(0); // Without destroying the map.
    }
    ::close(pipe_ends[1]);
    double seconds = 0;
    bool const got = ::read(pipe_ends[0], &seconds, sizeof seconds) == sizeof seconds;
    ::close(pipe_ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!got || status != 0) {
        std::fprintf(stderr, "a measured process failed\n");
        std::exit(1);
    }
    return seconds;
}

/// Ways to do the same, in turns.
class measure {
public:
    measure(std::initializer_list<std::function<double()>> ways) : ways_(ways), seconds_(ways.size()) {}

    void take_turn(int turn)
    {
        auto const n = ways_.size();
        for (std::size_t i = 0; i != n; ++i) {
            auto const way = turn % 2 == 0 ? i : n - 1 - i;
            seconds_[way].push_back(ways_[way]());
        }
    }
    /// The median of one way.
    double operator[](std::size_t way)
    {
        auto& v = seconds_[way];
        std::sort(v.begin(), v.end());
        return v[v.size() / 2];
    }

private:
    std::vector<std::function<double()>> ways_;
    std::vector<std::vector<double>> seconds_;
};

} // namespace

int main(int argc, char** argv)
{
    auto const settings = benchmark::settings::from(argc, argv);
    std::size_t const entries = settings.smoke ? 1000 : 2'000'000;
    std::size_t const numbers = settings.smoke ? 10'000 : std::size_t{1} << 27;
    int const turns = settings.smoke ? 1 : 7;

    std::string directory = "benchmark_snapshot.XXXXXX";
    if (!::mkdtemp(directory.data()))
        fail("mkdtemp");
    std::string const ours = directory + "/ours";
    std::string const boosts = directory + "/boost";
    std::string const bare = directory + "/bare";

    auto const the_map = [&] { return make_map(entries); };
    auto const the_numbers = [&] { return std::vector<std::uint64_t>(numbers, 42); };
    using vector = std::vector<std::uint64_t>;
    auto const nothing = [] { return 0; };
    auto const checked = [&](map m) {
        if (m.size() != entries)
            std::_Exit(1);
        return m;
    };
    measure saving{
        [&] { return in_own_process(the_map, [&](map& m) { return perdure::save(ours, m), 0; }); },
        [&] {
            return in_own_process(the_map, [&](map& m) {
                return replace(boosts, [&](std::string const& path) { save_boost(path, m); });
            });
        },
        [&] {
            return in_own_process(the_map, [&](map& m) {
                return replace(bare, [&](std::string const& path) { save_bare(path, m); });
            });
        }};
    measure loading{
        [&] { return in_own_process(nothing, [&](int) { return checked(perdure::load<map>(ours)); }); },
        [&] { return in_own_process(nothing, [&](int) { return checked(load_boost(boosts)); }); },
        [&] { return in_own_process(nothing, [&](int) { return checked(load_bare(bare, entries)); }); }};
    measure saving_numbers{
        [&] {
            return in_own_process(the_numbers, [&](vector& v) { return perdure::save(ours, v), 0; });
        },
        [&] {
            return in_own_process(the_numbers, [&](vector& v) {
                return replace(bare, [&](std::string const& path) {
                    int const fd = create(path);
                    write_all(fd, reinterpret_cast<std::byte const*>(v.data()), 8 * v.size());
                    sync_and_close(fd);
                });
            });
        }};
    measure loading_numbers{[&] {
        return in_own_process(nothing, [&](int) { return perdure::load<vector>(ours).size(); });
    }};
    for (int turn = 0; turn != turns; ++turn) {
        saving.take_turn(turn);
        loading.take_turn(turn);
    }
    for (int turn = 0; turn != 2 * turns; ++turn) // The disk's own pace changes; large files show it most.
        saving_numbers.take_turn(turn);
    for (int turn = 0; turn != turns; ++turn)
        loading_numbers.take_turn(turn);
    for (auto const& path : {ours, boosts, bare})
        ::unlink(path.c_str());
    ::rmdir(directory.c_str());

    benchmark::print_header();
    std::string const entries_text = std::to_string(entries) + " entries";
    std::string const bytes_text = std::to_string(8 * numbers) + " bytes";
    benchmark::print_row("save a map of " + entries_text, saving[0], "s", saving[1],
                         "Boost binary archive", saving[2]);
    benchmark::print_row("load a map of " + entries_text, loading[0], "s", loading[1],
                         "Boost binary archive", loading[2]);
    benchmark::print_row("save a vector of " + bytes_text, saving_numbers[0], "s", 0, "",
                         saving_numbers[1]);
    benchmark::print_row("load a vector of " + bytes_text, loading_numbers[0], "s");
    benchmark::bars goals;
    goals.at_least("save a map: Boost / perdure", saving[1] / saving[0], 1.4, "times");
    goals.at_least("load a map: Boost / perdure", loading[1] / loading[0], 1, "times");
    goals.at_most("save a map: perdure / bare loop", saving[0] / saving[2], 1.25, "times");
    goals.at_most("load a map: perdure / bare loop", loading[0] / loading[2], 1.25, "times");
    goals.at_least("save a vector: raw write and sync / perdure", saving_numbers[1] / saving_numbers[0],
                   0.9, "times");
    if (!settings.smoke)
        goals.print();
}

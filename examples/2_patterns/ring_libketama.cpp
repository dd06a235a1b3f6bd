// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// A drop-in for libketama: reads its file of servers, and finds every key where its clients put it.
//
//   ring_libketama [FILE OF SERVERS]      keys on standard input, one a line; without a file, libketama's own
//                                  eight servers and ten keys
//
// Prints for each key its hash, its point and its server, as libketama's test program does, and what
// leaving libketama's weights behind would gain.

#include <perdure/ring/hash_ring.hpp>
#include <perdure/ring/ketama.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

char const* const own_servers = "#------ Server -------\t-Mem-#\n"
                                "10.0.1.1:11211\t600\n10.0.1.2:11211\t300\n10.0.1.3:11211\t200\n"
                                "10.0.1.4:11211\t350\n10.0.1.5:11211\t1000\n10.0.1.6:11211\t800\n"
                                "10.0.1.7:11211\t950\n10.0.1.8:11211\t100\n";

/// libketama's format: an address, blanks, a weight; lines that begin with # are comments.
std::vector<perdure::compatible_host> read_servers(std::istream& in)
{
    std::vector<perdure::compatible_host> servers;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.size() < 2 || line[0] == '#')
            continue;
        std::istringstream words(line);
        perdure::compatible_host server;
        if (!(words >> server.name >> server.weight))
            throw std::runtime_error("line " + std::to_string(number) +
                                     ": expected an address and a weight");
        servers.push_back(server);
    }
    return servers;
}

/// How much moves when a server leaves, of all keys, and how much of that between those that stay.
template <class Before, class After>
void report(char const* what, Before const& before, After const& after, std::string const& gone)
{
    int moved = 0, between = 0;
    constexpr int keys = 100000;
    for (int k = 0; k != keys; ++k) {
        auto const key = std::to_string(k);
        if (before.node_for(key) != after.node_for(key)) {
            ++moved;
            between += before.node_for(key) != gone;
        }
    }
    std::printf("%-14s %5.2f %% of the keys move, %.2f %% for no reason\n", what,
                100.0 * moved / keys, 100.0 * between / keys);
}

} // namespace

int main(int argc, char** argv)
try {
    std::istringstream own(own_servers);
    std::ifstream file;
    if (argc > 1) {
        file.open(argv[1]);
        if (!file)
            throw std::runtime_error(std::string("cannot read ") + argv[1]);
    }
    perdure::libketama_ring const ring(read_servers(argc > 1 ? static_cast<std::istream&>(file) : own));
    std::printf("%zu servers, %llu points\n", ring.size(),
                static_cast<unsigned long long>(ring.points_count()));

    auto const points = ring.points();
    auto const look_up = [&](std::string const& key) {
        auto const hash = ring.hash_of(key);
        auto point = points.front();
        for (auto const& p : points)
            if (p.hash >= hash) {
                point = p;
                break;
            }
        std::printf("%s: %llu %llu %s\n", key.c_str(), static_cast<unsigned long long>(hash >> 32),
                    static_cast<unsigned long long>(point.hash >> 32), ring.node_for(key).c_str());
    };
    if (argc > 1)
        for (std::string key; std::getline(std::cin, key);)
            look_up(key);
    else
        for (int k = 0; k != 10; ++k)
            look_up(std::to_string(k));

    // What its weights cost: the smallest server leaves.
    auto const* smallest = &ring.hosts().front();
    for (auto const& h : ring.hosts())
        if (h.weight < smallest->weight)
            smallest = &h;
    auto after = ring;
    after.remove(smallest->name);
    double total = 0;
    perdure::hash_ring ours({.points_per_weight = 160}); // as many as libketama
    for (auto const& h : ring.hosts())
        total += static_cast<double>(h.weight);
    for (auto const& h : ring.hosts())
        ours.add(h.name, static_cast<double>(h.weight) / total * static_cast<double>(ring.size()));
    auto ours_after = ours;
    ours_after.remove(smallest->name);
    std::printf("%s leaves, which has %.2f %% of the weight:\n", smallest->name.c_str(),
                100 * static_cast<double>(smallest->weight) / total);
    report("libketama_ring", ring, after, smallest->name);
    report("hash_ring", ours, ours_after, smallest->name);
} catch (std::exception const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}

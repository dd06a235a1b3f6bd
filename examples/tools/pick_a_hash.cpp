// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Which hash to take: measures all of them on this machine, with these nodes, side by side.
//
//   pick_a_hash [NODES [KEYS]] [--svg DIRECTORY]     100 nodes and 1 000 000 keys unless given
//
// Prints a table: the time of a lookup, how even the load is, what moves when a node joins and when
// one leaves beside what must move, the memory of a node. With --svg it draws load.svg (each node's
// share) and movement.svg (what moves) into the directory. docs/ring/index.md shows and explains a run.

#include <perdure/ring.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace {

using perdure::key_hash;
using perdure::node_index;

/// What everybody begins with, and why it is not enough: the hash modulo the number of nodes.
class modulo {
public:
    void add(std::string name) { names_.push_back(std::move(name)); }
    void remove(std::string const& name) { std::erase(names_, name); }
    node_index index_for(key_hash key) const
    {
        return static_cast<node_index>(key.value % names_.size());
    }
    std::string const& node(node_index n) const { return names_[n]; }
    std::size_t memory() const { return 0; }

private:
    std::vector<std::string> names_;
};

std::string name_of(std::size_t i)
{
    return "node-" + std::to_string(i);
}

struct measured {
    std::string name;
    double ns = 0, peak = 0, deviation = 0, joined = 0, left = 0, memory = -1;
    std::vector<double> loads; // by node, in means
};

struct setting {
    std::size_t nodes = 100, keys = 1000000;
};

template <class H>
std::vector<std::string const*> owners(H const& h, setting const& s)
{
    std::vector<std::string const*> all(s.keys);
    for (std::size_t k = 0; k != s.keys; ++k)
        all[k] = &h.node(h.index_for(key_hash{perdure::hash_key(k)}));
    return all;
}

template <class H>
measured measure(std::string name, H h, setting const& s)
{
    measured m;
    m.name = std::move(name);
    for (std::size_t i = 0; i != s.nodes; ++i)
        h.add(name_of(i));

    // The best of five, since others use this machine too.
    m.ns = 1e9;
    for (int round = 0; round != 5; ++round) {
        std::uint64_t state = static_cast<std::uint64_t>(round), sum = 0;
        std::size_t const lookups = std::min<std::size_t>(s.keys, 200000);
        auto const begin = std::chrono::steady_clock::now();
        for (std::size_t k = 0; k != lookups; ++k)
            sum += h.index_for(key_hash{state += 0x9E3779B97F4A7C15});
        std::chrono::duration<double, std::nano> const took =
            std::chrono::steady_clock::now() - begin;
        m.ns = std::min(m.ns, took.count() / static_cast<double>(lookups) +
                                  (sum == 1 ? 1e-9 : 0)); // so that the loop stays
    }

    auto const before = owners(h, s);
    m.loads.assign(s.nodes, 0);
    for (auto const* owner : before)
        m.loads[std::strtoul(owner->c_str() + 5, nullptr, 10)] +=
            static_cast<double>(s.nodes) / static_cast<double>(s.keys);
    double squares = 0;
    for (auto const load : m.loads) {
        m.peak = std::max(m.peak, load);
        squares += (load - 1) * (load - 1);
    }
    m.deviation = std::sqrt(squares / static_cast<double>(s.nodes));
    if constexpr (requires { h.memory(); })
        m.memory = static_cast<double>(h.memory()) / static_cast<double>(s.nodes);

    auto const moved = [&](H const& after) {
        auto const now = owners(after, s);
        std::size_t count = 0;
        for (std::size_t k = 0; k != s.keys; ++k)
            count += *now[k] != *before[k];
        return static_cast<double>(count) / static_cast<double>(s.keys);
    };
    auto grown = h;
    grown.add(name_of(s.nodes));
    m.joined = moved(grown);
    auto shrunk = h;
    shrunk.remove(name_of(s.nodes / 2));
    m.left = moved(shrunk);
    return m;
}

std::string number(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", value);
    return text;
}

std::string svg_begin(int width, int height, std::string const& title)
{
    return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + std::to_string(width) + " " +
           std::to_string(height) + "' font-family='sans-serif' font-size='12'>\n<rect width='" +
           std::to_string(width) + "' height='" + std::to_string(height) +
           "' fill='white'/>\n<text x='10' y='20' font-size='15'>" + title + "</text>\n";
}

/// A strip a hash: every node's load as a bar around the mean.
std::string draw_loads(std::vector<measured> const& all)
{
    int const row = 64, width = 760;
    auto svg = svg_begin(width, 40 + row * static_cast<int>(all.size()),
                         "Load of each node; the line is the mean");
    for (std::size_t i = 0; i != all.size(); ++i) {
        auto const& m = all[i];
        double const base = 40.0 + row * static_cast<double>(i) + 50;
        svg += "<text x='10' y='" + number(base - 20) + "'>" + m.name + "</text><text x='10' y='" +
               number(base - 5) + "' fill='#666'>peak " + number(m.peak) + "</text>\n";
        double const step = 560.0 / static_cast<double>(m.loads.size());
        for (std::size_t n = 0; n != m.loads.size(); ++n) {
            double const height = 24 * std::min(m.loads[n], 2.0);
            svg += "<rect x='" + number(180 + step * static_cast<double>(n)) + "' y='" +
                   number(base - height) + "' width='" + number(std::max(step - 0.5, 0.2)) +
                   "' height='" + number(height) + "' fill='" +
                   (m.loads[n] > 1.25 ? "#c0392b" : "#2980b9") + "'/>";
        }
        svg += "\n<line x1='180' x2='740' y1='" + number(base - 24) + "' y2='" + number(base - 24) +
               "' stroke='black' stroke-width='0.7'/>\n";
    }
    return svg + "</svg>\n";
}

/// Two bars a hash, what moves when a node joins and when one leaves; the line is what must move.
std::string draw_movement(std::vector<measured> const& all, setting const& s)
{
    int const row = 46, width = 760;
    auto svg = svg_begin(width, 50 + row * static_cast<int>(all.size()),
                         "Keys that move when one node joins (above) and one leaves (below); the "
                         "line is what must move");
    double const must = 1 / static_cast<double>(s.nodes);
    // Five times the minimum fills the strip; what is longer is cut and labelled.
    auto const bar = [&](double share, double y, char const* colour) {
        double const length = std::min(share / must, 5.0) * 100;
        return "<rect x='180' y='" + number(y) + "' width='" + number(length) +
               "' height='14' fill='" + colour + "'/><text x='" + number(186 + length) + "' y='" +
               number(y + 11) + "'>" + number(100 * share) + " %</text>\n";
    };
    for (std::size_t i = 0; i != all.size(); ++i) {
        double const y = 40.0 + row * static_cast<double>(i);
        svg += "<text x='10' y='" + number(y + 18) + "'>" + all[i].name + "</text>\n" +
               bar(all[i].joined, y, "#27ae60") + bar(all[i].left, y + 16, "#e67e22");
    }
    svg += "<line x1='280' x2='280' y1='34' y2='" +
           number(40.0 + row * static_cast<double>(all.size())) +
           "' stroke='black' stroke-width='0.7'/>\n";
    return svg + "</svg>\n";
}

} // namespace

int main(int argc, char** argv)
{
    setting s;
    std::string directory;
    std::vector<std::size_t> numbers;
    for (int i = 1; i < argc; ++i) {
        char* end = nullptr;
        auto const value = std::strtoul(argv[i], &end, 10);
        if (std::strcmp(argv[i], "--svg") == 0 && i + 1 < argc)
            directory = argv[++i];
        else if (*end == '\0' && value >= 1)
            numbers.push_back(value);
        else
            numbers.resize(3);
    }
    if (numbers.size() > 2 || (!numbers.empty() && (numbers[0] < 2 || numbers[0] > 10000))) {
        std::fprintf(stderr, "usage: pick_a_hash [NODES (2 to 10000) [KEYS]] [--svg DIRECTORY]\n");
        return 2;
    }
    if (!numbers.empty())
        s.nodes = numbers[0];
    if (numbers.size() == 2)
        s.keys = numbers[1];

    std::vector<measured> all;
    all.push_back(measure("hash modulo nodes", modulo(), s));
    all.push_back(measure("hash_ring, 100 points", perdure::hash_ring(), s));
    all.push_back(measure("hash_ring, 1000 points",
                          perdure::hash_ring({.points_per_weight = 1000}), s));
    all.push_back(measure("hash_ring, compact", perdure::hash_ring({.compact = true}), s));
    all.push_back(measure("slot_table of 65536", perdure::slot_table({.slots = 65536}), s));
    all.push_back(measure("maglev of 65537", perdure::maglev(), s));
    all.push_back(measure("dx_hash", perdure::dx_hash(), s));
    all.push_back(measure("multi_probe_hash", perdure::multi_probe_hash(), s));
    all.push_back(measure("rendezvous_hash", perdure::rendezvous_hash(), s));
    all.push_back(measure("weighted_rendezvous_hash", perdure::weighted_rendezvous_hash(), s));

    std::printf("%zu nodes, %zu keys. Must move: %.2f %% when a node joins, %.2f %% when one leaves.\n\n",
                s.nodes, s.keys, 100.0 / static_cast<double>(s.nodes + 1),
                100.0 / static_cast<double>(s.nodes));
    std::printf("| hash | lookup | peak / mean | deviation | joins: moves | leaves: moves | memory a node |\n"
                "|---|---|---|---|---|---|---|\n");
    for (auto const& m : all) {
        std::printf("| %s | %.1f ns | %.2f | %.1f %% | %.2f %% | %.2f %% | ", m.name.c_str(), m.ns,
                    m.peak, 100 * m.deviation, 100 * m.joined, 100 * m.left);
        if (m.memory < 0)
            std::printf("its name |\n");
        else
            std::printf("%.4g B |\n", m.memory);
    }
    if (!directory.empty()) {
        std::ofstream load(directory + "/load.svg"), movement(directory + "/movement.svg");
        load << draw_loads(all);
        movement << draw_movement(all, s);
        if (!load.flush() || !movement.flush()) {
            std::fprintf(stderr, "cannot write load.svg and movement.svg into %s\n",
                         directory.c_str());
            return 1;
        }
        std::printf("\nwrote load.svg and movement.svg\n");
    }
}

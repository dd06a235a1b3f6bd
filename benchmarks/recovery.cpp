// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* Choosing recovery: how long a restart takes and what running costs, for four ways to come back.
 *
 *   again     nothing is kept; the commands are given once more from where they came from
 *   log       every command is logged; a restart replays the log from the beginning
 *   snapshot  the state is saved every so often; what came after the last one is lost
 *   both      logged, and saved every so often; a restart loads and replays what came after
 *
 * Measures on this machine, over state sizes: saving, loading, logging a command, replaying one, and applying
 * one, and prints what each way comes to for the given rate of commands, with a failure at a
 * random moment. Measured durations are marked m; others are sums of measured ones.
 *
 *     benchmark_recovery [--smoke] [--svg file]
 */

#include "support/measure.hpp"
#include <perdure/durable/durable.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using perdure::error_code;
using steady = std::chrono::steady_clock;

struct put {
    std::uint64_t key = 0;
    std::string value;
    void serialize(auto& archive, unsigned) { archive& key& value; }
};
struct table {
    std::map<std::uint64_t, std::string> values;
    void apply(put const& p) { values[p.key] = p.value; }
    void serialize(auto& archive, unsigned) { archive& values; }
};
using store = perdure::durable<table, put>;

constexpr std::size_t value_bytes = 200;

double seconds_since(steady::time_point t)
{
    return std::chrono::duration<double>(steady::now() - t).count();
}

void check(error_code ec, char const* what)
{
    if (ec) {
        std::fprintf(stderr, "%s failed: %s\n", what, ec.message().c_str());
        std::exit(1);
    }
}

perdure::durable_options options(std::string const& directory)
{
    perdure::durable_options o;
    o.directory = directory;
    o.snapshot_every_bytes = 0;
    o.log.idle_seal_after = {};
    return o;
}

struct measured {
    double megabytes = 0; // of state
    std::uint64_t entries = 0;
    double save = 0, load = 0, open = 0;   // s; opening a log with nothing to replay
    double apply = 0, log = 0, replay = 0; // s a command; logging with 256 under way
};

measured measure(std::string const& directory, std::uint64_t entries)
{
    measured m;
    m.entries = entries;
    m.megabytes = static_cast<double>(entries) * (value_bytes + 16) / 1e6;
    std::filesystem::remove_all(directory);
    std::string const value(value_bytes, 'v');
    {
        table t;
        auto const begin = steady::now();
        for (std::uint64_t i = 0; i != entries; ++i)
            t.apply({i, value});
        m.apply = seconds_since(begin) / static_cast<double>(entries);
    }
    auto const open = [&](store& s, asio::io_context& io) {
        perdure::durable_report report;
        s.async_open([&](error_code ec, perdure::durable_report r) {
            check(ec, "opening");
            report = std::move(r);
        });
        io.run();
        io.restart();
        return report;
    };
    {
        asio::io_context io;
        store s(io, options(directory));
        open(s, io);
        std::uint64_t given = 0;
        std::function<void(error_code)> next = [&](error_code ec) {
            check(ec, "a command");
            if (given != entries)
                s.async_execute({given++, value}, next);
        };
        auto const begin = steady::now();
        for (int i = 0; i != 256; ++i)
            next({});
        io.run();
        io.restart();
        m.log = seconds_since(begin) / static_cast<double>(entries) - m.apply;
    }
    {
        asio::io_context io;
        auto o = options(directory);
        std::optional<steady::time_point> replaying;
        o.on_progress = [&](perdure::durable_progress const& p) {
            if (p.at == perdure::durable_progress::stage::replaying && !replaying)
                replaying = steady::now();
        };
        store s(io, std::move(o));
        auto const report = open(s, io);
        m.replay = seconds_since(*replaying) / static_cast<double>(report.commands_replayed);
        m.open = std::chrono::duration<double>(report.took).count() -
                 m.replay * static_cast<double>(report.commands_replayed);
        auto const begin = steady::now();
        s.async_snapshot([](error_code ec, perdure::snapshot_info) { check(ec, "a snapshot"); });
        io.run();
        m.save = seconds_since(begin);
    }
    {
        asio::io_context io;
        store s(io, options(directory));
        m.load = std::chrono::duration<double>(open(s, io).took).count();
    }
    std::filesystem::remove_all(directory);
    return m;
}

struct way {
    char const* name;
    char const* colour;
    // Of a measured state size, at `rate` commands a second, `hours` after the beginning, saving every `interval` s.
    std::function<double(measured const&, double rate, double hours, double interval)> restart, cost;
    char const* loses;
    // With it a line does not hide the one that it nearly covers.
    char const* dashes = "none";
};

std::vector<way> ways()
{
    using m_t = measured const&;
    return {
        {"again", "#888888", [](m_t m, double r, double h, double) { return r * 3600 * h * m.apply; },
         [](m_t, double, double, double) { return 0.0; }, "nothing, if the source keeps all"},
        {"log", "#c0504d", [](m_t m, double r, double h, double) { return m.open + r * 3600 * h * m.replay; },
         [](m_t m, double r, double, double) { return r * m.log; }, "nothing"},
        {"snapshot", "#9bbb59", [](m_t m, double, double, double) { return m.load; },
         [](m_t m, double, double, double i) { return m.save / i; }, "up to an interval"},
        {"both", "#4f81bd",
         [](m_t m, double r, double, double i) { return m.load + r * (i / 2) * m.replay; },
         [](m_t m, double r, double, double i) { return r * m.log + m.save / i; }, "nothing", "8 6"},
    };
}

// One picture: restart time over state size, log-log, one line a way, one panel a rate.
void draw(std::string const& path, std::vector<measured> const& sizes, std::vector<double> const& rates,
          double hours, double mtbf)
{
    std::ofstream svg(path);
    double const width = 300, height = 240, left = 60, top = 60;
    svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "
        << (width + left + 20) * static_cast<double>(rates.size()) + 20
        << " 370\" font-family=\"sans-serif\" font-size=\"12\">\n"
           "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
           "<text x=\"8\" y=\"20\" font-weight=\"bold\">Time of a restart</text>\n";
    double const low = -3, high = 4; // 1 ms to 10 000 s
    for (std::size_t p = 0; p != rates.size(); ++p) {
        double const x0 = left + static_cast<double>(p) * (width + left + 20);
        auto const x = [&](double mb) {
            return x0 + width * (std::log10(mb) - std::log10(sizes.front().megabytes)) /
                            std::max(0.1, std::log10(sizes.back().megabytes) -
                                              std::log10(sizes.front().megabytes));
        };
        auto const y = [&](double s) {
            return top + height * (high - std::clamp(std::log10(s), low, high)) / (high - low);
        };
        svg << "<text x=\"" << x0 << "\" y=\"" << top - 10 << "\">" << rates[p] << " commands/s, after " << hours
            << " h</text>\n<rect x=\"" << x0 << "\" y=\"" << top << "\" width=\"" << width
            << "\" height=\"" << height << "\" fill=\"none\" stroke=\"#444444\"/>\n";
        for (int d = -3; d <= 4; ++d)
            svg << "<line x1=\"" << x0 << "\" x2=\"" << x0 + width << "\" y1=\"" << y(std::pow(10, d))
                << "\" y2=\"" << y(std::pow(10, d)) << "\" stroke=\"#dddddd\"/><text x=\"" << x0 - 6
                << "\" y=\"" << y(std::pow(10, d)) + 4 << "\" text-anchor=\"end\">"
                << (d < 0 ? std::to_string(static_cast<int>(std::pow(10, d + 3))) + " ms"
                          : std::to_string(static_cast<int>(std::pow(10, d))) + " s")
                << "</text>\n";
        for (auto const& m : sizes)
            svg << "<text x=\"" << x(m.megabytes) << "\" y=\"" << top + height + 16
                << "\" text-anchor=\"middle\">" << std::llround(m.megabytes) << "</text>\n";
        svg << "<text x=\"" << x0 + width / 2 << "\" y=\"" << top + height + 34
            << "\" text-anchor=\"middle\">state, MB</text>\n";
        double label = top + height + 52;
        for (auto const& w : ways()) {
            svg << "<polyline fill=\"none\" stroke-width=\"2.5\" stroke=\"" << w.colour
                << "\" stroke-dasharray=\"" << w.dashes << "\" points=\"";
            for (auto const& m : sizes) {
                double const interval = std::sqrt(2 * m.save * mtbf);
                svg << x(m.megabytes) << ',' << y(w.restart(m, rates[p], hours, interval)) << ' ';
            }
            svg << "\"/>\n";
            if (p == 0) {
                svg << "<text x=\"" << left + (label - top - height - 52) * 6 << "\" y=\"" << top + height + 62
                    << "\" fill=\"" << w.colour << "\">" << w.name << "</text>\n";
                label += 16;
            }
        }
    }
    svg << "</svg>\n";
}

} // namespace

int main(int argc, char** argv)
{
    auto const settings = benchmark::settings::from(argc, argv);
    std::string svg;
    for (int i = 1; i + 1 < argc; ++i)
        if (std::string(argv[i]) == "--svg")
            svg = argv[i + 1];
    std::string directory = "benchmark_recovery.XXXXXX";
    if (!::mkdtemp(directory.data()))
        return 1;
    std::vector<std::uint64_t> const entries =
        settings.smoke ? std::vector<std::uint64_t>{200, 2000}
                       : std::vector<std::uint64_t>{5'000, 50'000, 500'000};
    std::vector<measured> sizes;
    std::printf("| state | save m | open and load m | open m | apply m | log m (256 under way) | replay m |\n"
                "|---|---|---|---|---|---|---|\n");
    for (auto const n : entries) {
        auto const m = sizes.emplace_back(measure(directory + "/s", n));
        std::printf("| %.1f MB | %.1f ms | %.1f ms | %.1f ms | %.2f us | %.2f us | %.2f us |\n",
                    m.megabytes, 1e3 * m.save, 1e3 * m.load, 1e3 * m.open, 1e6 * m.apply, 1e6 * m.log, 1e6 * m.replay);
        std::fflush(stdout);
    }
    std::filesystem::remove_all(directory);
    double const hours = 24, mtbf = 24 * 3600;
    std::vector<double> const rates{10, 1000};
    std::printf("\nOne failure a day, %g h of commands since the beginning; snapshots every "
                "sqrt(2 save mtbf) (Young).\n\n"
                "| state | commands/s | way | restart | running costs, of a core | loses |\n"
                "|---|---|---|---|---|---|\n",
                hours);
    for (auto const& m : sizes)
        for (double const rate : rates)
            for (auto const& w : ways()) {
                double const interval = std::sqrt(2 * m.save * mtbf);
                std::printf("| %.1f MB | %g | %s | %.3g s | %.3g %% | %s |\n", m.megabytes, rate,
                            w.name, w.restart(m, rate, hours, interval),
                            100 * w.cost(m, rate, hours, interval), w.loses);
            }
    if (!svg.empty())
        draw(svg, sizes, rates, hours, mtbf);
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/durable/durable.hpp>
#include <perdure/simulation/cluster.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

/* Clients that give each command until it is acknowledged, across losses of power, to a state whose
 * snapshots are taken in slices while commands go on. Each command must have exactly one effect: its
 * result says what it found, and the results of all acknowledged commands must fit one order.
 */
namespace {

namespace asio = boost::asio;

struct swap_command {
    std::uint64_t key = 0, value = 0;
    void serialize(auto& archive, unsigned) { archive& key& value; }
};

// Each command leaves a value of its own in a cell and takes out what was there. Setting a cell to what the command says
// is idempotent; the count of a cell's commands is not part of the state.
struct cells {
    static constexpr bool exactly_once = true;
    static constexpr bool replay_is_idempotent = true;
    std::map<std::uint64_t, std::uint64_t> values;
    std::uint64_t apply(swap_command const& c) { return std::exchange(values[c.key], c.value); }
    void serialize(auto& archive, unsigned) { archive& values; }
    auto slices() const { return perdure::ordered_slices(values, 2); }
    void load_slices(perdure::portable_iarchive& ar) { perdure::load_slices_of(ar, values); }
};

using store = perdure::basic_durable<cells, swap_command, perdure::simulation::world>;

constexpr std::uint64_t clients = 6;
constexpr std::uint64_t keys = 40;

// What the clients know; they outlive the crashes of the service.
struct history {
    struct client {
        std::uint64_t sequence = 1; ///< Of the command that is being given.
        std::uint64_t repeats = 0;
    };
    std::array<client, clients> all;
    // By cell: which value was taken out by the command that left which value.
    std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> took;
    std::uint64_t openings = 0, fuzzy = 0, acknowledged = 0, repeated = 0;
    std::string violation;
};

std::uint64_t value_of(std::uint64_t client, std::uint64_t sequence)
{
    return client * 1'000'000 + sequence;
}
std::uint64_t key_of(std::uint64_t client, std::uint64_t sequence)
{
    return (client * 7 + sequence * 13) % keys;
}

asio::awaitable<void> run_client(std::shared_ptr<store> state, std::uint64_t number, history& h)
{
    auto& me = h.all[number];
    for (bool again = true;; again = false) {
        auto const sequence = me.sequence;
        auto const key = key_of(number, sequence), value = value_of(number, sequence);
        perdure::client_command const by{number, sequence};
        swap_command command{key, value};
        auto const result = co_await state->async_execute_once(by, command, asio::use_awaitable);
        h.repeated += again;
        ++h.acknowledged;
        // Now and then the answer is lost, and the client asks once more.
        if (sequence % 5 == 0) {
            auto const once_more =
                co_await state->async_execute_once(by, command, asio::use_awaitable);
            if (once_more != result)
                h.violation = "a repeated command had another result";
        }
        if (!h.took[key].emplace(value, result).second)
            h.violation = "a command was acknowledged twice";
        ++me.sequence;
    }
}

asio::awaitable<void> live(std::shared_ptr<store> state, history& h)
{
    auto const report = co_await state->async_open(asio::use_awaitable);
    ++h.openings;
    h.fuzzy += report.loaded.id != 0 && report.commands_replayed != 0;
    for (std::uint64_t c = 0; c != clients; ++c)
        asio::co_spawn(state->get_executor(), run_client(state, c, h), asio::detached);
}

// The acknowledged commands of a cell form one chain from 0: each took out what another one had left.
void check_chains(history& h)
{
    for (auto const& [key, took] : h.took) {
        std::map<std::uint64_t, std::uint64_t> by_taken;
        for (auto const& [left, taken] : took)
            if (!by_taken.emplace(taken, left).second)
                h.violation = "two commands took the same value out of cell " + std::to_string(key);
        std::size_t unknown = 0; // What was taken out and whose command was not acknowledged (yet).
        for (auto const& [taken, left] : by_taken)
            unknown += taken != 0 && !took.contains(taken);
        if (unknown > clients)
            h.violation = "cell " + std::to_string(key) + " held values that nobody left";
    }
}

void run_seed(std::uint64_t seed, history& h)
{
    perdure::simulation::cluster cluster(seed);
    auto& random = cluster.random();
    cluster.add("cells", [&h](perdure::simulation::world w) {
        perdure::durable_options options;
        options.directory = "/state";
        options.snapshot_every_bytes = 4'000;
        options.slices.calls = 1;
        options.log.segment_bytes = 16 * 1024;
        options.snapshots.incremental.enabled = true;
        options.snapshots.incremental.chunk_size = 4096;
        auto state = std::make_shared<store>(w, options);
        asio::co_spawn(w.get_executor(), live(state, h), [&h](std::exception_ptr e) {
            try {
                if (e)
                    std::rethrow_exception(e);
            } catch (boost::system::system_error const& error) {
                if (error.code() != asio::error::operation_aborted)
                    h.violation = std::string("it did not open: ") + error.what();
            }
        });
        return state;
    });
    for (int life = 0; life != 8 && h.violation.empty(); ++life) {
        cluster.run_for(std::chrono::microseconds(random.below(life % 3 == 0 ? 20'000 : 300'000)));
        cluster.crash("cells");
        cluster.restart("cells");
    }
    cluster.run_for(std::chrono::seconds(1));
    check_chains(h);
}

} // namespace

TEST_CASE("durable: with snapshots in slices and losses of power each command has exactly one effect",
          "[durable][sim]")
{
    auto const* const only = std::getenv("PERDURE_SEED");
    auto const* const count = std::getenv("PERDURE_SEEDS");
    std::uint64_t const first = only ? std::strtoull(only, nullptr, 10) : 1;
    std::uint64_t const last = only ? first : count ? std::strtoull(count, nullptr, 10) : 60;
    history sum;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        history h;
        INFO("replay: PERDURE_SEED=" << seed << " tests/durable/test_durable_exactly_once_simulated");
        run_seed(seed, h);
        REQUIRE(h.violation == "");
        sum.openings += h.openings;
        sum.fuzzy += h.fuzzy;
        sum.acknowledged += h.acknowledged;
        sum.repeated += h.repeated;
    }
    if (!only) { // The search has been where it should go.
        CHECK(sum.openings > 6 * last);
        CHECK(sum.fuzzy > last);
        CHECK(sum.acknowledged > 200 * last);
        CHECK(sum.repeated > 10 * last);
    }
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Saves the state of a program in a directory of snapshots, damages the newest one, and loads.
//
// Prints the three snapshots as they are saved, then what a restarted program finds: the newest is
// bad, so it is put aside and the one before it is loaded, with the log position to replay from.
// Before that, the shortest use: one value in one file.

#include <perdure/snapshot/file.hpp>
#include <perdure/snapshot/store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

namespace asio = boost::asio;

// All that a type needs is the serialize function of Boost.Serialization.
struct bank {
    std::map<std::string, long> accounts;
    long transfers = 0;

    template <class Archive>
    void serialize(Archive& ar, unsigned /*version*/)
    {
        ar& accounts& transfers;
    }
};

asio::awaitable<void> run_service(perdure::snapshot_store& store)
{
    bank state{{{"ann", 100}, {"bob", 50}}};
    for (std::uint64_t position = 1000; position <= 3000; position += 1000) {
        state.accounts["ann"] -= 5;
        state.accounts["bob"] += 5;
        ++state.transfers;
        // The state may go on changing while the snapshot is written.
        std::cout << "saved " << co_await store.async_save(state, position) << '\n';
    }
}

int main()
{
    std::filesystem::remove_all("snapshot_example");

    // One value, one file: atomic and checked.
    perdure::save("greeting.snap", std::string("hello"));
    std::cout << "loaded '" << perdure::load<std::string>("greeting.snap") << "' from one file\n";

    {
        asio::io_context io;
        perdure::snapshot_store store(io, "snapshot_example", {.type = "bank"});
        asio::co_spawn(io, run_service(store), [](std::exception_ptr e) {
            if (e)
                std::rethrow_exception(e);
        });
        io.run();
    }

    // One bit of the newest snapshot rots.
    {
        std::fstream file("snapshot_example/snapshot-00000000000000000003.snap",
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(320);
        file.put('!');
    }

    asio::io_context io;
    perdure::snapshot_store store(io, "snapshot_example", {.type = "bank"});
    perdure::error_code ec;
    auto const loaded = store.load_newest<bank>(ec);
    std::cout << "found " << loaded.report << '\n';
    if (ec) {
        std::cout << "nothing to load: " << ec.message() << '\n';
        return 1;
    }
    if (loaded.report.fell_back())
        std::cout << "fell back to snapshot " << loaded.info.id << ": replay the log from position "
                  << loaded.info.position << '\n';
    for (auto const& [name, amount] : loaded.value->accounts)
        std::cout << name << " has " << amount << '\n';
}

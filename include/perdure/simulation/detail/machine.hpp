// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_MACHINE_HPP
#define PERDURE_SIMULATION_DETAIL_MACHINE_HPP

#include <perdure/simulation/detail/clock.hpp>
#include <perdure/simulation/detail/timeline.hpp>
#include <perdure/simulation/disk.hpp>
#include <perdure/simulation/options.hpp>
#include <perdure/simulation/random.hpp>
#include <perdure/simulation/trace.hpp>

#include <boost/asio/ip/address_v4.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace perdure::simulation::detail {

class network;

/// What all machines of a cluster share.
struct surroundings {
    std::uint64_t seed;
    simulation::options options;
    detail::timeline timeline{};
    simulation::trace trace{};
};

/// One computer with one named process on it. It outlives the process's incarnations.
struct machine {
    machine(surroundings& all_, std::uint32_t id_, std::string name_, asio::ip::address_v4 address_)
        : all(all_),
          id(id_),
          name(std::move(name_)),
          address(address_),
          random(all_.seed, "machine " + name),
          disk_random(all_.seed, "disk " + name),
          clock(draw_origin(random))
    {
    }

    timeline::time now() const noexcept { return all.timeline.now(); }
    void record(event e, std::uint32_t peer = 0, std::uint64_t amount = 0, std::uint64_t digest = 0)
    {
        all.trace.record({now(), e, id, peer, amount, digest});
    }

    void record(crash_report const& r)
    {
        auto const count = [this](event e, std::uint64_t n) {
            if (n != 0)
                all.trace.record({now(), e, id, 0, n, 0}, n);
        };
        count(event::write_interrupted, r.writes_interrupted);
        count(event::page_lost, r.pages_lost);
        count(event::page_kept, r.pages_kept);
        count(event::page_torn, r.pages_torn);
        count(event::size_lost, r.sizes_lost);
        count(event::size_kept, r.sizes_kept);
        count(event::name_lost, r.names_lost);
        count(event::name_kept, r.names_kept);
    }

    // A steady clock counts from an unknown moment: values of two machines must not be compared.
    static duration draw_origin(random_stream& random)
    {
        return std::chrono::seconds(random.between(std::int64_t(1000), 10'000'000));
    }

    surroundings& all;
    std::uint32_t id;
    std::string name;
    asio::ip::address_v4 address;
    random_stream random;
    random_stream disk_random;
    simulation::disk disk;
    machine_clock clock;
    bool powered = true;
    detail::network* network = nullptr;
    std::uint32_t ports_given = 0;
    std::uint32_t incarnations = 0; // how many there have been
};

} // namespace perdure::simulation::detail

#endif

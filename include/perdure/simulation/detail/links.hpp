// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_LINKS_HPP
#define PERDURE_SIMULATION_DETAIL_LINKS_HPP

#include <perdure/simulation/options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace perdure::simulation::detail {

/// Who can reach whom, and what is on the way, per ordered pair of machines.
class links {
public:
    using machine_id = std::uint32_t;

    struct link {
        duration clogged_until{};
        std::uint64_t sent = 0;             // datagrams, numbered from 1
        std::uint64_t newest_delivered = 0; // the highest number delivered
        std::uint64_t on_the_way = 0;
    };

    link& between(machine_id from, machine_id to) { return links_[{from, to}]; }

    bool is_cut(machine_id from, machine_id to) const
    {
        return cut_.contains({from, to}) || partition_.contains({from, to});
    }
    void cut(machine_id from, machine_id to) { cut_.insert({from, to}); }
    void mend(machine_id from, machine_id to)
    {
        cut_.erase({from, to});
        partition_.erase({from, to});
    }
    /// Machines of different groups do not reach each other; `forward` and `backward` say in which
    /// direction.
    void partition(std::vector<machine_id> const& one, std::vector<machine_id> const& other,
                   bool forward = true, bool backward = true)
    {
        for (auto const a : one)
            for (auto const b : other) {
                if (forward)
                    partition_.insert({a, b});
                if (backward)
                    partition_.insert({b, a});
            }
    }
    void end_partition() { partition_.clear(); }
    bool is_partitioned() const noexcept { return !partition_.empty(); }
    void mend_all()
    {
        cut_.clear();
        partition_.clear();
    }

private:
    using pair = std::pair<machine_id, machine_id>;
    std::map<pair, link> links_;
    std::set<pair> cut_;       // by the test
    std::set<pair> partition_; // by the test or drawn
};

} // namespace perdure::simulation::detail

#endif

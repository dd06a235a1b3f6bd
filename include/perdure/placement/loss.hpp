// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_LOSS_HPP
#define PERDURE_PLACEMENT_LOSS_HPP

#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/detail/draw.hpp>
#include <perdure/placement/placed_copysets.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iosfwd>
#include <string>
#include <vector>

namespace perdure {

/// How the chance of loss is computed.
struct loss_options {
    /// Counted exactly as long as that takes no more steps than this; else sampled.
    double exact_steps = 1e8;
    /// How many choices of failed nodes are sampled where counting takes too long.
    std::uint32_t samples = 100000;
    std::uint64_t seed = 1; ///< equal seeds draw equal samples
    /// Of the interval, in standard errors: 1.96 for 95 %, 2.576 for 99 %.
    double z = 1.96;
};

/// The probability that something is lost when some nodes fail at once.
struct loss_estimate {
    std::size_t nodes = 0; ///< how many there are to fail
    std::size_t failed = 0;
    double probability = 0; ///< that some data are on failed nodes only, 0 to 1
    double low = 0; ///< of the interval; equal to `high` if exact
    double high = 0; ///< of the interval
    bool exact = false; ///< whether all choices were counted; else it is estimated from samples
    /// The share of the data that is lost on average, exactly; the same for every placement with as
    /// many copies on each slot. Few copysets lose as much, but more seldom and more at once.
    double expected_share = 0;

    /// "0.0175 % (exact)" or "0.029 % (0.027 to 0.031)"
    std::string text() const
    {
        char line[96];
        if (exact)
            std::snprintf(line, sizeof line, "%.3g %% (exact)", 100 * probability);
        else
            std::snprintf(line, sizeof line, "%.3g %% (%.3g to %.3g)", 100 * probability, 100 * low,
                          100 * high);
        return line;
    }

    /// Writes text().
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        loss_estimate const& r)
    {
        return out << r.text();
    }
};

namespace detail {

/// C(n, k), as a double.
inline double combinations(std::size_t n, std::size_t k) noexcept
{
    if (k > n)
        return 0;
    double c = 1;
    for (std::size_t i = 0; i != k; ++i)
        c = c * static_cast<double>(n - i) / static_cast<double>(i + 1);
    return c;
}

/// Copysets as lists of what must fail together, over nodes 0 .. nodes - 1 without gaps.
class loss_counter {
public:
    loss_counter(placed_copysets const& placed, std::size_t failed)
        : nodes_(placed.nodes()), failed_(failed), of_node_(placed.nodes())
    {
        std::vector<std::size_t> number(placed.index_bound(), placed.nodes());
        std::size_t next = 0;
        for (auto const& s : placed.sets()) {
            std::vector<std::uint32_t> set;
            for (auto m : s.members) {
                if (number[m] == placed.nodes())
                    number[m] = next++;
                set.push_back(static_cast<std::uint32_t>(number[m]));
            }
            std::sort(set.begin(), set.end());
            if (set.size() > failed)
                continue;
            for (auto m : set)
                of_node_[m].push_back(static_cast<std::uint32_t>(sets_.size()));
            hits_.push_back(hit(set.size()));
            sum_ += hits_.back();
            sets_.push_back(std::move(set));
        }
    }

    double hit(std::size_t size) const noexcept
    {
        double p = 1;
        for (std::size_t i = 0; i != size; ++i)
            p *= i < failed_ ? static_cast<double>(failed_ - i) / static_cast<double>(nodes_ - i)
                             : 0;
        return p;
    }
    bool none() const noexcept { return sets_.empty(); }
    /// The mean number of copysets lost, and so a bound of the probability that any is.
    double sum() const noexcept { return sum_; }

    /// How many steps count() takes at most.
    double steps() const noexcept
    {
        std::size_t entries = 0;
        for (auto const& s : of_node_)
            entries += s.size();
        return combinations(nodes_, failed_) *
               (1 + static_cast<double>(entries) /
                        static_cast<double>(std::max<std::size_t>(1, nodes_)));
    }

    /// The probability, by going through all choices of nodes that fail.
    double count()
    {
        left_.clear();
        for (auto const& s : sets_)
            left_.push_back(static_cast<std::uint32_t>(s.size()));
        return count(0, failed_) / combinations(nodes_, failed_);
    }

    /// Samples where losses are rare: a copyset that is lost for certain, with other nodes at random.
    /// Where that loses n copysets it stands for 1/n of its weight. (R. Karp, M. Luby, FOCS 1983.)
    double sample_rare(std::uint32_t samples, std::uint64_t seed)
    {
        std::vector<double> cumulated;
        double sum = 0;
        for (auto h : hits_)
            cumulated.push_back(sum += h);
        generator random{seed};
        double mean = 0;
        for (std::uint32_t i = 0; i != samples; ++i) {
            auto const u = static_cast<double>(random() >> 11) / 9007199254740992.0 * sum;
            auto const at = std::min<std::size_t>(
                static_cast<std::size_t>(std::upper_bound(cumulated.begin(), cumulated.end(), u) -
                                         cumulated.begin()),
                sets_.size() - 1);
            fail(random, sets_[at]);
            mean += 1.0 / static_cast<double>(std::max<std::size_t>(1, lost(false)));
        }
        return mean / samples;
    }
    /// The share of samples that lose something.
    double sample(std::uint32_t samples, std::uint64_t seed)
    {
        generator random{seed};
        std::uint32_t count = 0;
        for (std::uint32_t i = 0; i != samples; ++i) {
            fail(random, {});
            count += lost(true) != 0;
        }
        return static_cast<double>(count) / samples;
    }

private:
    struct generator { // splitmix64, public domain by S. Vigna
        std::uint64_t state;
        std::uint64_t operator()()
        {
            auto z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    };

    double count(std::size_t from, std::size_t more)
    {
        if (more == 0)
            return 0;
        double found = 0;
        for (std::size_t n = from; n + more <= nodes_; ++n) {
            bool lost = false;
            for (auto s : of_node_[n])
                lost |= --left_[s] == 0;
            found += lost ? combinations(nodes_ - n - 1, more - 1) : count(n + 1, more - 1);
            for (auto s : of_node_[n])
                ++left_[s];
        }
        return found;
    }

    /// Fails the nodes of a set, and others at random, until there are enough.
    void fail(generator& random, std::vector<std::uint32_t> const& first)
    {
        if (order_.empty()) {
            for (std::size_t i = 0; i != nodes_; ++i) {
                order_.push_back(static_cast<std::uint32_t>(i));
                place_.push_back(static_cast<std::uint32_t>(i));
            }
        }
        auto const swap = [&](std::size_t a, std::size_t b) {
            std::swap(order_[a], order_[b]);
            place_[order_[a]] = static_cast<std::uint32_t>(a);
            place_[order_[b]] = static_cast<std::uint32_t>(b);
        };
        std::size_t at = 0;
        for (auto n : first)
            swap(at++, place_[n]);
        for (; at != failed_; ++at)
            swap(at, at + static_cast<std::size_t>(high_product(random(), nodes_ - at)));
    }
    /// How many copysets are lost with the first `failed_` nodes of the order; or whether one is.
    std::size_t lost(bool any) const
    {
        std::size_t count = 0;
        for (std::size_t i = 0; i != failed_; ++i)
            for (auto s : of_node_[order_[i]]) {
                auto const& set = sets_[s];
                if (set[0] != order_[i])
                    break; // those it is the first of come first
                bool all = true;
                for (std::size_t k = 1; k != set.size() && all; ++k)
                    all = place_[set[k]] < failed_;
                count += all;
                if (all && any)
                    return 1;
            }
        return count;
    }

public:
    /// Puts the sets that a node is the first of in front; before sampling.
    void prepare_sampling()
    {
        for (std::uint32_t n = 0; n != nodes_; ++n)
            std::stable_partition(of_node_[n].begin(), of_node_[n].end(),
                                  [&](std::uint32_t s) { return sets_[s][0] == n; });
    }

private:
    std::size_t nodes_, failed_;
    std::vector<std::vector<std::uint32_t>> sets_, of_node_;
    std::vector<double> hits_;
    double sum_ = 0;
    std::vector<std::uint32_t> left_, order_, place_;
};

} // namespace detail

/** The probability that some data are lost when `failed` nodes, any with equal chances, fail at once
 *  for good: counted from the placement as it is.
 *
 *  Exact where there are few enough choices of nodes; else an estimate from samples, with an interval
 *  that holds whatever the distribution (Wilson's, E. Wilson 1927, for a mean of values from 0 to 1).
 *  Rare losses are sampled where they happen, so that the interval is narrow in proportion however
 *  small the probability. Equal seeds give equal results.
 *
 *  Throws std::invalid_argument if `failed` is more than the nodes, or without samples, or if z is
 *  not above 0. Complexity: O(exact_steps), or O(samples * failed * copysets / nodes).
 */
inline loss_estimate loss_if_fail(placed_copysets const& placed, std::size_t failed,
                                  loss_options const& options = {})
{
    if (failed > placed.nodes())
        detail::throw_bad_value("loss_if_fail", "failed", std::to_string(failed),
                                "it must be at most the number of nodes");
    if (options.samples == 0)
        detail::throw_bad_value("loss_if_fail", "samples", "0", "it must be at least 1");
    if (!(options.z > 0 && options.z < 100))
        detail::throw_bad_value("loss_if_fail", "z", std::to_string(options.z),
                                "it must be above 0 and below 100");
    loss_estimate e;
    e.nodes = placed.nodes();
    e.failed = failed;
    detail::loss_counter counter(placed, failed);
    for (auto const& s : placed.sets())
        e.expected_share += s.share * counter.hit(s.members.size());
    if (counter.none() || counter.steps() <= options.exact_steps) {
        e.exact = true;
        e.probability = e.low = e.high = counter.none() ? 0 : counter.count();
        return e;
    }
    counter.prepare_sampling();
    bool const rare = counter.sum() < 1;
    auto const scale = rare ? counter.sum() : 1;
    auto const mean = rare ? counter.sample_rare(options.samples, options.seed)
                           : counter.sample(options.samples, options.seed);
    double const n = options.samples, z2 = options.z * options.z;
    double const middle = (mean + z2 / (2 * n)) / (1 + z2 / n);
    double const half =
        options.z / (1 + z2 / n) * std::sqrt(mean * (1 - mean) / n + z2 / (4 * n * n));
    e.probability = scale * mean;
    e.low = scale * std::max(0.0, middle - half);
    e.high = scale * std::min(1.0, middle + half);
    return e;
}

} // namespace perdure

#endif

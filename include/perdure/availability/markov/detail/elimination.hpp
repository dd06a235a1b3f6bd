// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_DETAIL_ELIMINATION_HPP
#define PERDURE_AVAILABILITY_MARKOV_DETAIL_ELIMINATION_HPP

#include <perdure/availability/markov/chain.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

struct elimination_limits {
    std::size_t entries_max = 30'000'000; ///< 16 bytes each
    double operations_max = 1e11;
};

/** A chain with its ungrounded states taken out one after another, as Grassmann, Taksar and Heyman
 *  do (1985): each taken-out state's traffic is led around it, so that only sums, products and
 *  quotients of non-negative numbers occur. No digit is lost, however stiff the rates are.
 *
 *  *Grounded* states are never taken out; every state must have a way to one of them. States go in
 *  the order of least fill (Markowitz), and once what is left is nearly full it is treated as a
 *  dense matrix.
 *
 *  @par Source     O'Cinneide, "Entrywise perturbation theory and error analysis for Markov
 *                  chains", 1993: small relative errors of every entry, in any order of states.
 */
class elimination {
public:
    /// Check done() before use: false if the limits did not suffice.
    elimination(markov_chain const& chain, std::vector<unsigned char> const& grounded,
                elimination_limits limits = {})
        : n_(chain.size()), grounded_(grounded), limits_(limits)
    {
        load(chain);
        done_ = run();
    }
    [[nodiscard]] bool done() const { return done_; }

    /** What is collected until a grounded state is reached, by state, if state s collects
     *  per_second[s] a second: solves -Q h = per_second with h = 0 at the ground.
     */
    [[nodiscard]] std::vector<double> collected(std::span<double const> per_second) const
    {
        std::vector<double> b(per_second.begin(), per_second.end());
        for (auto const& step : steps_) {
            double const own = b[step.state] / step.sum;
            for (auto e = step.sources; e < step.targets; ++e) {
                b[entries_[e].state] += entries_[e].rate * own;
            }
        }
        auto const m = dense_states_.size();
        for (std::size_t k = m; k-- > 0;) {
            double const own = b[dense_states_[k]] / dense_sums_[k];
            for (std::size_t i = 0; i < k; ++i) {
                b[dense_states_[i]] += dense_[i * m + k] * own;
            }
        }
        for (std::size_t s = 0; s < n_; ++s) {
            if (grounded_[s] != 0) {
                b[s] = 0;
            }
        }
        for (std::size_t k = 0; k < m; ++k) {
            double sum = b[dense_states_[k]];
            for (std::size_t j = 0; j < k; ++j) {
                sum += dense_[k * m + j] * b[dense_states_[j]];
            }
            b[dense_states_[k]] = sum / dense_sums_[k];
        }
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            double sum = b[step->state];
            for (auto e = step->targets; e < step->end; ++e) {
                sum += entries_[e].rate * b[entries_[e].state];
            }
            b[step->state] = sum / step->sum;
        }
        return b;
    }
    /** The time spent in each state until the ground is reached, if the chain is started with
     *  started[s] in state s: solves y (-Q) = started. 0 at the ground.
     */
    [[nodiscard]] std::vector<double> time_spent(std::span<double const> started) const
    {
        std::vector<double> y(started.begin(), started.end());
        for (auto const& step : steps_) {
            double const own = y[step.state] / step.sum;
            for (auto e = step.targets; e < step.end; ++e) {
                y[entries_[e].state] += entries_[e].rate * own;
            }
        }
        auto const m = dense_states_.size();
        for (std::size_t k = m; k-- > 0;) {
            double const own = y[dense_states_[k]] / dense_sums_[k];
            for (std::size_t j = 0; j < k; ++j) {
                y[dense_states_[j]] += dense_[k * m + j] * own;
            }
        }
        for (std::size_t s = 0; s < n_; ++s) {
            if (grounded_[s] != 0) {
                y[s] = 0;
            }
        }
        for (std::size_t k = 0; k < m; ++k) {
            double sum = y[dense_states_[k]];
            for (std::size_t i = 0; i < k; ++i) {
                sum += dense_[i * m + k] * y[dense_states_[i]];
            }
            y[dense_states_[k]] = sum / dense_sums_[k];
        }
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            double sum = y[step->state];
            for (auto e = step->sources; e < step->targets; ++e) {
                sum += entries_[e].rate * y[entries_[e].state];
            }
            y[step->state] = sum / step->sum;
        }
        return y;
    }

private:
    struct entry {
        chain_state state;
        double rate;
    };
    /// One state taken out: who led to it (entries sources .. targets), where it led to (targets ..
    /// end), among the states left then.
    struct step {
        chain_state state;
        std::size_t sources;
        std::size_t targets;
        std::size_t end;
        double sum; ///< of the rates to all states left, the ground included
    };

    void load(markov_chain const& chain)
    {
        rows_.resize(n_);
        columns_.resize(n_);
        exits_.assign(n_, 0.);
        for (std::size_t s = 0; s < n_; ++s) {
            if (grounded_[s] != 0) {
                continue;
            }
            auto const r = chain.from(static_cast<chain_state>(s));
            for (std::size_t i = 0; i < r.to.size(); ++i) {
                if (grounded_[r.to[i]] != 0) {
                    exits_[s] += r.per_second[i];
                } else {
                    rows_[s].push_back({r.to[i], r.per_second[i]});
                    columns_[r.to[i]].push_back(static_cast<chain_state>(s));
                }
            }
        }
    }
    [[nodiscard]] std::uint64_t cost(std::size_t s) const
    {
        return static_cast<std::uint64_t>(rows_[s].size()) * columns_[s].size();
    }
    bool run()
    {
        using item = std::pair<std::uint64_t, chain_state>;
        std::priority_queue<item, std::vector<item>, std::greater<>> queue;
        std::size_t left = 0;
        std::size_t filled = 0;
        std::vector<unsigned char> gone = grounded_;
        for (std::size_t s = 0; s < n_; ++s) {
            if (gone[s] == 0) {
                queue.emplace(cost(s), static_cast<chain_state>(s));
                ++left;
                filled += rows_[s].size();
            }
        }
        std::vector<std::uint32_t> place(n_, 0);
        double operations = 0;
        while (left > 0) {
            if (static_cast<double>(filled) >
                0.25 * static_cast<double>(left) * static_cast<double>(left)) {
                return run_dense(gone, operations);
            }
            auto const [estimate, k] = queue.top();
            queue.pop();
            if (gone[k] != 0 || estimate != cost(k)) {
                continue; // an outdated estimate; the current one is queued as well
            }
            gone[k] = 1;
            --left;
            auto& row = rows_[k];
            filled -= row.size();
            double sum = exits_[k];
            for (auto const& e : row) {
                sum += e.rate;
            }
            auto& sources = columns_[k];
            step taken{k, entries_.size(), 0, 0, sum};
            operations += static_cast<double>(cost(k));
            if (operations > limits_.operations_max ||
                entries_.size() + row.size() + sources.size() > limits_.entries_max) {
                return false;
            }
            for (auto i : sources) {
                auto& other = rows_[i];
                filled -= other.size();
                double rate = 0;
                for (std::size_t p = 0; p < other.size(); ++p) {
                    if (other[p].state == k) {
                        rate = other[p].rate;
                        other[p] = other.back();
                        other.pop_back();
                        break;
                    }
                }
                entries_.push_back({i, rate});
                double const factor = rate / sum;
                for (std::uint32_t p = 0; p < other.size(); ++p) {
                    place[other[p].state] = p + 1;
                }
                for (auto const& e : row) {
                    if (e.state == i) {
                        continue;
                    }
                    if (auto const p = place[e.state]; p != 0) {
                        other[p - 1].rate += factor * e.rate;
                    } else {
                        other.push_back({e.state, factor * e.rate});
                        columns_[e.state].push_back(i);
                    }
                }
                for (auto const& e : other) {
                    place[e.state] = 0;
                }
                exits_[i] += factor * exits_[k];
                filled += other.size();
            }
            taken.targets = entries_.size();
            entries_.insert(entries_.end(), row.begin(), row.end());
            taken.end = entries_.size();
            steps_.push_back(taken);
            for (auto const& e : row) {
                auto& column = columns_[e.state];
                column.erase(std::find(column.begin(), column.end(), k));
                queue.emplace(cost(e.state), e.state);
            }
            for (auto i : sources) {
                queue.emplace(cost(i), i);
            }
            row = {};
            sources = {};
        }
        release();
        return true;
    }
    bool run_dense(std::vector<unsigned char> const& gone, double operations)
    {
        std::vector<std::uint32_t> place(n_, 0);
        for (std::size_t s = 0; s < n_; ++s) {
            if (gone[s] == 0) {
                place[s] = static_cast<std::uint32_t>(dense_states_.size());
                dense_states_.push_back(static_cast<chain_state>(s));
            }
        }
        auto const m = dense_states_.size();
        auto const size = static_cast<double>(m);
        if (operations + size * size * size / 3 > limits_.operations_max ||
            m * m > 2 * limits_.entries_max) {
            return false;
        }
        dense_.assign(m * m, 0.);
        dense_sums_.assign(m, 0.);
        std::vector<double> exits(m);
        for (std::size_t i = 0; i < m; ++i) {
            exits[i] = exits_[dense_states_[i]];
            for (auto const& e : rows_[dense_states_[i]]) {
                dense_[i * m + place[e.state]] = e.rate;
            }
        }
        for (std::size_t k = m; k-- > 0;) {
            double const* const from = &dense_[k * m];
            double sum = exits[k];
            for (std::size_t j = 0; j < k; ++j) {
                sum += from[j];
            }
            dense_sums_[k] = sum;
            for (std::size_t i = 0; i < k; ++i) {
                double* const to = &dense_[i * m];
                if (to[k] == 0) {
                    continue;
                }
                double const factor = to[k] / sum;
                exits[i] += factor * exits[k];
                double const own = to[i];
                for (std::size_t j = 0; j < k; ++j) {
                    to[j] += factor * from[j];
                }
                to[i] = own; // a way back to itself changes nothing
            }
        }
        release();
        return true;
    }
    void release()
    {
        rows_ = {};
        columns_ = {};
        exits_ = {};
    }

    std::size_t n_;
    std::vector<unsigned char> grounded_;
    elimination_limits limits_;
    bool done_ = false;
    std::vector<std::vector<entry>> rows_;
    std::vector<std::vector<chain_state>> columns_;
    std::vector<double> exits_;
    std::vector<entry> entries_;
    std::vector<step> steps_;
    std::vector<chain_state> dense_states_;
    std::vector<double> dense_;
    std::vector<double> dense_sums_;
};

} // namespace perdure::availability::detail

#endif

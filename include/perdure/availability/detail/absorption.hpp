// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DETAIL_ABSORPTION_HPP
#define PERDURE_AVAILABILITY_DETAIL_ABSORPTION_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace perdure::availability::detail {

/** Where a small Markov chain with n transient states is after a time: stay[i n + j] = P(in j |
 *  started in i), gone[i] = P(absorbed | started in i).
 */
struct absorption {
    std::size_t n = 0;
    std::vector<double> stay;
    std::vector<double> gone;
};

/** The transient solution after `t`, for rates[i n + j] from i to j (diagonal ignored) and
 *  exits[i] to absorption.
 *
 *  Uniformisation over a short time t / 2^k, then k squarings. Only non-negative numbers are
 *  added and multiplied. Diagonal elements near 1 are taken as 1 - (sum of the rest of the row),
 *  so that the small numbers, the losses, keep their relative accuracy through any number of
 *  squarings: fast repairs beside rare failures cost nothing.
 *
 *  @par Complexity O(n^3 log(t max rate)); rows of zeros are skipped, so that triangular chains
 *                  cost a sixth.
 */
inline absorption absorb(std::vector<double> const& rates, std::vector<double> const& exits,
                         double t)
{
    auto const n = exits.size();
    absorption a{n, std::vector<double>(n * n, 0.), std::vector<double>(n, 0.)};
    for (std::size_t i = 0; i < n; ++i) {
        a.stay[i * n + i] = 1;
    }
    double q = 0;
    for (std::size_t i = 0; i < n; ++i) {
        double out = exits[i];
        for (std::size_t j = 0; j < n; ++j) {
            out += j == i ? 0 : rates[i * n + j];
        }
        q = std::max(q, out);
    }
    if (!(q * t > 0)) {
        return a;
    }
    int doublings = 0;
    double x = q * t;
    for (; x > 0.5; x /= 2) {
        ++doublings;
    }
    auto const settle = [n](absorption& m) {
        for (std::size_t i = 0; i < n; ++i) {
            double rest = m.gone[i];
            for (std::size_t j = 0; j < n; ++j) {
                rest += j == i ? 0 : m.stay[i * n + j];
            }
            if (rest < 0.5) {
                m.stay[i * n + i] = 1 - rest;
            }
        }
    };
    // One uniformised step: with probability rate / q along an edge, else stay.
    absorption step{n, std::vector<double>(n * n), std::vector<double>(n)};
    for (std::size_t i = 0; i < n; ++i) {
        double rest = step.gone[i] = exits[i] / q;
        for (std::size_t j = 0; j < n; ++j) {
            if (j != i) {
                rest += step.stay[i * n + j] = rates[i * n + j] / q;
            }
        }
        step.stay[i * n + i] = rest < 1 ? 1 - rest : 0;
    }
    auto const multiply = [n](absorption const& first, absorption const& then) {
        absorption product{n, std::vector<double>(n * n, 0.), first.gone};
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t k = 0; k < n; ++k) {
                double const p = first.stay[i * n + k];
                if (p == 0) {
                    continue;
                }
                product.gone[i] += p * then.gone[k];
                for (std::size_t j = 0; j < n; ++j) {
                    product.stay[i * n + j] += p * then.stay[k * n + j];
                }
            }
        }
        return product;
    };
    // sum of e^-x x^m / m! step^m, as the nested form I + x/1 step (I + x/2 step (...)) with 30 +
    // n terms: enough for the first path of n edges to keep 16 digits, too.
    double const e = std::exp(-x);
    absorption sum = a;
    for (auto m = static_cast<int>(n) + 24; m >= 1; --m) {
        auto next = multiply(step, sum);
        // `gone` of the nested sum must count the remaining series as well: once gone, always gone.
        double tail = 1;
        double term = 1;
        for (int l = 1; l < 40; ++l) {
            term *= x / (m + l);
            tail += term;
        }
        for (std::size_t i = 0; i < n; ++i) {
            double gone = step.gone[i] * tail;
            for (std::size_t k = 0; k < n; ++k) {
                gone += step.stay[i * n + k] * sum.gone[k];
            }
            next.gone[i] = gone * x / m;
            for (std::size_t j = 0; j < n; ++j) {
                next.stay[i * n + j] = next.stay[i * n + j] * x / m + (i == j ? 1 : 0);
            }
        }
        sum = std::move(next);
    }
    for (auto& p : sum.stay) {
        p *= e;
    }
    for (auto& p : sum.gone) {
        p *= e;
    }
    settle(sum);
    for (; doublings > 0; --doublings) {
        sum = multiply(sum, sum);
        settle(sum);
    }
    return sum;
}

} // namespace perdure::availability::detail

#endif

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DURABILITY_HPP
#define PERDURE_AVAILABILITY_DURABILITY_HPP

#include <perdure/availability/composition.hpp>
#include <perdure/availability/detail/absorption.hpp>
#include <perdure/availability/unavailability.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

// How likely is it that data are gone for good?
namespace perdure::availability {

/** One piece of data kept as several pieces, of which some are needed to read it: 1 of 3 copies,
 *  4 of 6 coded fragments.
 *
 *  Pieces fail independently and are rebuilt from the others; when fewer than `needed` are left
 *  the data are lost. A model of nothing but independent failures: beyond about four nines,
 *  fires, operators and bugs decide.
 */
struct data_group {
    unsigned pieces = 3;                ///< copies or fragments kept of the data
    /// How many of them suffice to read the data; from 1 to `pieces`.
    unsigned needed = 1;
    rate failures;                      ///< of one piece
    rate rebuilds;                      ///< of one failed piece
    bool one_rebuild_at_a_time = false; ///< otherwise failed pieces are rebuilt side by side
    /// P(a rebuild with no piece to spare meets something unreadable, which loses the data).
    probability unreadable = probability(0);
};

namespace detail {

inline void check(data_group const& g)
{
    require(g.needed >= 1 && g.needed <= g.pieces, "needed", g.needed,
            "it must lie between 1 and the pieces");
    require(g.pieces - g.needed < 64, "pieces", g.pieces, "at most 63 may be spare");
}

struct data_group_rates {
    double failing; ///< i -> i + 1 failed; from the last state: losing the data
    double rebuilt; ///< i -> i - 1 failed
};
inline data_group_rates rates_with(data_group const& g, unsigned failed)
{
    double const fail = (g.pieces - failed) * g.failures.per_second();
    double const rebuild = (failed == 0               ? 0
                            : g.one_rebuild_at_a_time ? 1
                                                      : failed) *
                           g.rebuilds.per_second();
    if (failed == g.pieces - g.needed) { // nothing to spare
        double const bad = g.unreadable.value();
        return {fail + rebuild * bad, rebuild * (1 - bad)};
    }
    return {fail, rebuild};
}

} // namespace detail

/** Mean time to data loss, exactly for the Markov chain of the group.
 *
 *  @par Formula    the sum over i = 0 .. spare of h_i, the mean time from i failed pieces to i +
 *                  1 for the first time: h_i = (1 + m_i h_{i-1}) / l_i. Only positive terms.
 *                  Infinite when nothing fails.
 *  @par Accuracy   1e-14 relative.
 *
 *  A mean of millions of years says little about the few years that matter: ask loss_within()
 *  (Greenan, Plank, Wylie, "Mean time to meaningless", HotStorage 2010).
 */
inline mtbf mean_time_to_loss(data_group const& g)
{
    detail::check(g);
    double sum = 0;
    double step = 0;
    for (unsigned i = 0; i <= g.pieces - g.needed; ++i) {
        auto const r = detail::rates_with(g, i);
        if (r.failing == 0) {
            return mtbf::infinite();
        }
        step = (1 + r.rebuilt * step) / r.failing;
        sum += step;
    }
    return mtbf(duration(sum));
}

/** The usual approximation for rebuilds much faster than failures: prod(m_i, i = 1 .. spare) /
 *  prod(l_i, i = 0 .. spare).
 *
 *  It leaves out everything but the last term of the exact sum, and so is too small by a share of
 *  about 2 pieces failures / rebuilds.
 */
inline mtbf approximate_mean_time_to_loss(data_group const& g)
{
    detail::check(g);
    double product = 1;
    for (unsigned i = 0; i <= g.pieces - g.needed; ++i) {
        auto const r = detail::rates_with(g, i);
        if (r.failing == 0) {
            return mtbf::infinite();
        }
        product *= (i == 0 ? 1 : r.rebuilt) / r.failing;
    }
    return mtbf(duration(product));
}

/** P(the data are lost within `t`), exactly for the Markov chain, all pieces whole at the
 *  beginning.
 *
 *  @par Accuracy   1e-12 relative, however small the probability and however fast the rebuilds.
 *  @par Complexity O(spare^3 log(t rebuilds))
 */
inline probability loss_within(data_group const& g, duration t)
{
    detail::check(g);
    detail::require(t.count() >= 0 && t.count() < detail::infinity, "t", t.count(),
                    "seconds must be finite and at least 0");
    std::size_t const n = g.pieces - g.needed + 1;
    std::vector<double> rates(n * n, 0.);
    std::vector<double> exits(n, 0.);
    for (std::size_t i = 0; i < n; ++i) {
        auto const r = detail::rates_with(g, static_cast<unsigned>(i));
        (i + 1 < n ? rates[i * n + i + 1] : exits[i]) = r.failing;
        if (i > 0) {
            rates[i * n + i - 1] = r.rebuilt;
        }
    }
    double const lost = detail::absorb(rates, exits, t.count()).gone[0];
    return probability(lost < 1 ? lost : 1);
}

/** The calculators' way: in every period of the length of a rebuild each piece fails with
 *  probability `p`, losses are those of more than pieces - needed within one period, and periods
 *  are independent.
 *
 *  Failures that overlap the border of two periods are missed, and rebuilds never take longer
 *  than a period: against the exact chain with a mean rebuild of one period it is off by a factor
 *  of about spare! (4 + 2 fragments: 2). [Backblaze, erasure-coding-durability.]
 */
inline probability loss_by_periods(unsigned pieces, unsigned needed, probability p,
                                   std::uint64_t periods)
{
    double const lost = k_of_n(needed, pieces, unavailability(p)).value();
    if (lost == 1) {
        return probability(periods > 0 ? 1 : 0);
    }
    return probability(-std::expm1(static_cast<double>(periods) * std::log1p(-lost)));
}

/// P(any of `count` independent groups loses its data): 1 - (1 - p)^count by expm1 and log1p.
inline probability any_of(probability p, std::uint64_t count)
{
    return probability(p == 1 ? (count > 0 ? 1 : 0)
                              : -std::expm1(static_cast<double>(count) * std::log1p(-p.value())));
}

/// -log10(p): "eleven nines of durability" are 11 for the probability of losing an object within a
/// year.
inline double nines(probability loss)
{
    return loss == 0 ? detail::infinity : 0 - std::log10(loss.value());
}

/** P(reading `bytes` meets at least one unrecoverable bit) at `per_bit`: 1 - (1 - per_bit)^(8
 *  bytes).
 *
 *  Drives promise 1e-14 to 1e-16 per bit; at 1e-14 a full read of 12 TB fails with probability
 *  0.62.
 */
inline probability unreadable_in(double bytes, double per_bit)
{
    detail::require(bytes >= 0, "bytes", bytes, "it must be at least 0");
    detail::require(per_bit >= 0 && per_bit < 1, "per_bit", per_bit,
                    "it is a probability, less than 1");
    return probability(-std::expm1(8 * bytes * std::log1p(-per_bit)));
}

/** A disk array of many groups, each with check disks, that survives one failure a group.
 *
 *  @par Formula    MTTF^2 / ((data + check groups) (group + check - 1) MTTR), the original
 *                  approximation.
 *  @par Source     Patterson, Gibson, Katz, "A Case for Redundant Arrays of Inexpensive Disks",
 *                  SIGMOD 1988.
 *  @param data     data disks in all, a multiple of `group`
 *  @param group    data disks in one group
 *  @param check    check disks in one group
 */
inline mtbf raid_mean_time_to_loss(mtbf disk, mttr rebuild, unsigned data, unsigned group,
                                   unsigned check)
{
    detail::require(group >= 1 && data >= group, "group", group,
                    "it must lie between 1 and the data disks");
    detail::require(check >= 1, "check", check, "at least one check disk a group is needed");
    double const groups = static_cast<double>(data) / group;
    return mtbf(disk.value() * (disk.value() / rebuild.value()) /
                ((data + check * groups) * (group + check - 1)));
}

} // namespace perdure::availability

#endif

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_COMMIT_RISK_HPP
#define PERDURE_AVAILABILITY_COMMIT_RISK_HPP

#include <perdure/availability/composition.hpp>
#include <perdure/availability/exponential.hpp>
#include <perdure/availability/two_state.hpp>

#include <cstddef>
#include <vector>

// What the choice of a commit protocol is worth: how likely a transaction is left in doubt,
// holding its locks.
namespace perdure::availability {

/** What a transaction risks.
 *
 *  `blocked`: P(a participant that voted yes waits for a failed process to come back). `wait`:
 *  how long it then waits on average. `expected_wait` = blocked * wait, per transaction.
 */
struct commit_risk {
    probability blocked; ///< P(a participant that voted yes has to wait)
    duration wait;       ///< mean wait of one that has to
    /// Mean wait over all transactions, blocked * wait.
    [[nodiscard]] constexpr duration expected_wait() const { return blocked.value() * wait; }
};

/** Two-phase commit: blocked when the coordinator fails between a participant's vote and its
 *  decision (`window`).
 *
 *  Participants can't decide among themselves while all that are up have only voted, which is the
 *  rule, since decisions arrive at about the same time. P = 1 - e^{-l window}; the wait is the
 *  coordinator's time to repair. [Gray, "Notes on data base operating systems", 1978; Bernstein,
 *  Hadzilacos, Goodman, 1987, 7.4.]
 */
constexpr commit_risk two_phase_commit(two_state coordinator, duration window)
{
    return {probability_within(coordinator.failures(), window),
            duration(coordinator.repairs().mean())};
}

/** Three-phase commit: blocked when the coordinator and all `participants` fail within `window`,
 *  if there are no partitions; the wait is until the first of them is back. [Skeen, "Nonblocking
 *  commit protocols", SIGMOD 1981.]
 *
 *  With partitions it is no choice: a partition makes it wait, or, when it is timeouts that
 *  decide, disagree.
 */
constexpr commit_risk three_phase_commit(two_state coordinator, two_state participant,
                                         std::size_t participants, duration window)
{
    double blocked = probability_within(coordinator.failures(), window).value();
    double const each = probability_within(participant.failures(), window).value();
    for (std::size_t i = 0; i < participants; ++i) {
        blocked *= each;
    }
    auto const first =
        coordinator.repairs() + static_cast<double>(participants) * participant.repairs();
    return {probability(blocked), first.mean()};
}

/** Paxos Commit with 2 f + 1 acceptors: blocked when more than f of them are down or fail within
 *  `window`.
 *
 *  f = 0 is two-phase commit with the coordinator as the only acceptor, but counts a transaction
 *  that finds it down from the start. A failed leader costs an election, not a repair. The wait
 *  is until one of the f + 1 failed ones is back. [Gray, Lamport, "Consensus on transaction
 *  commit", ACM TODS 31(1), 2006.]
 */
constexpr commit_risk paxos_commit(two_state acceptor, std::size_t f, duration window)
{
    double const down = acceptor.steady_state().value();
    double const fails = probability_within(acceptor.failures(), window).value();
    unavailability const each(down + (1 - down) * fails);
    auto const blocked = k_of_n(f + 1, 2 * f + 1, each);
    return {blocked, (static_cast<double>(f + 1) * acceptor.repairs()).mean()};
}

/** P(a failing coordinator leaves at least one transaction in doubt), with `transactions` a time
 *  and `window` each: 1 - e^{-transactions window}, by Little's law and Poisson arrivals.
 *
 *  Per transaction two-phase commit looks harmless; per failure of a busy coordinator it blocks
 *  with near certainty.
 */
constexpr probability leaves_in_doubt(rate transactions, duration window)
{
    return probability_within(transactions, window);
}

} // namespace perdure::availability

#endif

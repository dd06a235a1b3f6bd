// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/structure_support.hpp"
#include <perdure/availability/structure/common_cause.hpp>
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/fault_tree_of.hpp>

#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

namespace {

/// Three trains in parallel, each of a valve and a pump in series; p = 0.1 for all six.
fault_tree three_trains()
{
    probability const p(0.1);
    event const v1("v1", p), v2("v2", p), v3("v3", p), p1("p1", p), p2("p2", p), p3("p3", p);
    return fault_tree_of((v1 | p1) & (v2 | p2) & (v3 | p3));
}

fault_tree with_causes(cause_probabilities const& causes)
{
    std::vector<common_cause_group> const groups{{{"v1", "v2", "v3"}, causes},
                                                 {{"p1", "p2", "p3"}, causes}};
    return with_common_causes(three_trains(), groups);
}

} // namespace

TEST_CASE("common causes: published trees (SCRAM, bench_core_tests.cc)", "[availability]")
{
    std::vector<double> const letters{.2, .1}, factors{.7, .2, .1};
    struct row {
        char const* what;
        cause_probabilities causes;
        double exact;
        char const* printed;
        char const* sum;
        std::vector<set_count> orders;
    };
    row const rows[] = {
        {"beta", beta_factor(3, .1, .2), 0.0430803730612, "0.04308", "0.044096", {0, 2, 0, 8}},
        {"MGL",
         multiple_greek_letter(3, .1, letters),
         0.0162947705258,
         "0.01630",
         "0.01771",
         {0, 2, 24, 8}},
        {"phi", phi_factor(3, .1, factors), 0.0410393176167, "0.04104", "0.04434", {0, 2, 24, 8}},
        {"alpha, not staggered",
         alpha_factor(3, .1, factors, testing::non_staggered),
         0.0529814106952,
         "0.05298",
         "0.05488",
         {0, 2, 24, 8}},
    };
    for (auto const& r : rows) {
        CAPTURE(r.what);
        diagram const d(with_causes(r.causes));
        CHECK_THAT(d.evaluate().yes, WithinRel(r.exact, 1e-11));
        CHECK_THAT(d.evaluate().yes, WithinRel(std::stod(r.printed), 5e-4));
        auto const sets = cut_sets::minimal(d);
        CHECK(published{r.sum}.agrees(sets.sum()));
        CHECK(sets.count_by_order() == r.orders);
    }
    // The other testing scheme, by our own calculation from the formula.
    CHECK_THAT(
        diagram(with_causes(alpha_factor(3, .1, factors, testing::staggered))).evaluate().yes,
        WithinRel(0.0309177673756, 1e-11));
}

TEST_CASE("common causes: every model keeps the probability of one component", "[availability]")
{
    // Summed over the sets that a component belongs to: q = sum over k of C(n - 1, k - 1) Q_k. (Phi factors are given
    // without the binomial, so there the sum is over sizes.)
    random_numbers random(Catch::rngSeed());
    for (std::size_t n = 2; n <= 8; ++n) {
        double const q = random.uniform();
        std::vector<double> letters(n - 1), alphas(n);
        for (auto& x : letters) {
            x = random.uniform();
        }
        for (auto& x : alphas) {
            x = random.uniform();
        }
        for (auto const& causes :
             {beta_factor(n, q, letters[0]), multiple_greek_letter(n, q, letters),
              alpha_factor(n, q, alphas, testing::staggered),
              alpha_factor(n, q, alphas, testing::non_staggered)}) {
            double sum = 0;
            double ways = 1;
            for (std::size_t k = 1; k <= n; ++k) {
                sum += ways * causes[k - 1];
                ways = ways * static_cast<double>(n - k) / static_cast<double>(k);
            }
            CHECK_THAT(sum, WithinRel(q, 1e-13));
        }
    }
    // Two components with MGL are a beta factor.
    std::vector<double> const beta{0.3};
    CHECK(multiple_greek_letter(2, .1, beta) == beta_factor(2, .1, .3));
}

TEST_CASE("common causes: no cause in common changes nothing", "[availability]")
{
    CHECK_THAT(diagram(with_causes(beta_factor(3, .1, 0))).evaluate().yes,
               WithinRel(diagram(three_trains()).evaluate().yes, 1e-15));
    // All causes in common: one valve and one pump are left.
    CHECK_THAT(diagram(with_causes(beta_factor(3, .1, 1))).evaluate().yes, WithinRel(0.19, 1e-14));
}

TEST_CASE("common causes: refuses what does not fit, by name", "[availability]")
{
    auto const message = [](auto&& f) { return message_of<std::invalid_argument>(f); };
    CHECK(message([] { beta_factor(1, .1, .2); }) ==
          "a common cause group has 1 members; it needs at least 2");
    CHECK(message([] { beta_factor(2, .1, 1.2); }).find("the beta factor is 1.2") == 0);
    CHECK(message([] { multiple_greek_letter(3, .1, std::vector{.1}); }).find("1 letters for 3") !=
          std::string::npos);
    CHECK(message([] {
              alpha_factor(2, .1, std::vector{.0, .0}, testing::staggered);
          }).find("all 0") != std::string::npos);
    CHECK(message([] {
              phi_factor(2, .1, std::vector{.5, .4});
          }).find("add up to 0.9") != std::string::npos);
    auto const tree = three_trains();
    std::vector<common_cause_group> groups{{{"v1", "nobody"}, beta_factor(2, .1, .2)}};
    CHECK(message([&] { with_common_causes(tree, groups); }) == "there is no event 'nobody'");
    groups = {{{"v1", "v2"}, beta_factor(2, .1, .2)}, {{"v3", "v1"}, beta_factor(2, .1, .2)}};
    CHECK(message([&] { with_common_causes(tree, groups); }) ==
          "event 'v1' is in two common cause groups; it can be in one");
    groups = {{{"v1", "v2"}, {.1}}};
    CHECK(message([&] { with_common_causes(tree, groups); }).find("2 members has 1") !=
          std::string::npos);
    fault_tree wide;
    std::vector<fault_tree::node> events;
    common_cause_group group;
    for (int i = 0; i < 40; ++i) {
        group.members.push_back(std::to_string(i));
        events.push_back(wide.add_event(group.members.back(), .1));
    }
    wide.set_top(wide.at_least(20, events));
    group.causes = alpha_factor(40, .1, std::vector(40, .5), testing::staggered);
    CHECK(message([&] { with_common_causes(wide, std::vector{group}); }).find("40 members") !=
          std::string::npos);
    group.causes = beta_factor(40, .1, .1);
    CHECK(diagram(with_common_causes(wide, std::vector{group})).evaluate().yes > 0.01);
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/copysets.hpp>

#include <array>
#include <cmath>
#include <string>

using namespace perdure::availability;
using perdure::tests::published;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

TEST_CASE("copyset_loss: the paper's clusters", "[availability]")
{
    // Cidon et al., USENIX ATC 2013, abstract: 5000 nodes of which 1 % fail, three replicas.
    CHECK_THAT(copyset_hit(5000, 50, 3).value(), WithinRel(9.41364743537e-7, 1e-11));
    struct row {
        double copysets, loss;
        published percent;
    };
    row const rows[] = {{fewest_copysets(5000, 3, 2), 0.00157, {"0.15"}},
                        {fewest_copysets(5000, 3, 10), 0.00781, {"0.78"}},
                        {275000, 0.22808, {"22.8"}}};
    for (auto const& r : rows) {
        double const loss = copyset_loss(5000, 50, 3, r.copysets).value();
        CAPTURE(r.copysets, loss);
        CHECK_THAT(loss, WithinRel(r.loss, 1e-2));
        // The paper cuts its first figure off: 0.157 %.
        CHECK((r.percent.agrees(100 * loss) || std::floor(1e4 * loss) / 100 == r.percent.value()));
    }
    CHECK(copyset_loss(5000, 50, 3, 1.3e7).value() > 0.99999);
    CHECK_THAT(fewest_copysets(5000, 3, 2), WithinRel(1666.67, 1e-5));
}

TEST_CASE("copyset_hit: edges", "[availability]")
{
    CHECK(copyset_hit(10, 2, 3) == 0);
    CHECK(copyset_hit(10, 10, 3) == 1);
    CHECK(copyset_loss(10, 10, 3, 0) == 0);
    CHECK(copyset_loss(10, 10, 3, 1) == 1);
    CHECK_THROWS_AS(copyset_hit(10, 11, 3), std::invalid_argument);
    CHECK_THROWS_AS(copyset_hit(2, 1, 3), std::invalid_argument);
    CHECK_THROWS_AS(fewest_copysets(10, 1, 3), std::invalid_argument);
}

TEST_CASE("copysets: counts those of an actual placement", "[availability]")
{
    copysets<std::string> placement;
    placement.add(std::array{"a", "b", "c"});
    placement.add(std::array{"c", "a", "b"}); // the same set
    placement.add(std::array{"b", "c", "d"});
    CHECK(placement.count() == 2);
    CHECK(placement.scatter_width("a") == 2);
    CHECK(placement.scatter_width("b") == 3);
    CHECK(placement.scatter_width("x") == 0);
    CHECK_THAT(placement.mean_scatter_width(), WithinRel(2.5, 1e-15));
    CHECK(placement.lost_with(std::array{"a", "b", "c"}) == 1);
    CHECK(placement.lost_with(std::array{"a", "b"}) == 0);
    CHECK(placement.lost_with(std::array{"a", "b", "c", "d"}) == 2);
    CHECK_THROWS_AS(placement.add(std::vector<std::string>{}), std::invalid_argument);
    CHECK(copysets<int>{}.mean_scatter_width() == 0);
    CHECK(copysets<int>{}.loss(5, 2) == 0);
}

TEST_CASE("copysets: loss is near the truth while rare, by counting every failure",
          "[availability]")
{
    // 12 nodes, three replicas, placed as neighbours on a ring.
    copysets<int> ring;
    for (int i = 0; i < 12; ++i) {
        ring.add(std::array{i, (i + 1) % 12, (i + 2) % 12});
    }
    CHECK(ring.count() == 12);
    CHECK(ring.scatter_width(5) == 4);
    for (int failed = 3; failed <= 5; ++failed) {
        int all = 0, lost = 0;
        double sets = 0;
        for (unsigned state = 0; state < 1U << 12; ++state) {
            std::vector<int> down;
            for (int i = 0; i < 12; ++i) {
                if ((state >> i & 1) != 0) {
                    down.push_back(i);
                }
            }
            if (static_cast<int>(down.size()) != failed) {
                continue;
            }
            ++all;
            auto const count = ring.lost_with(down);
            lost += count > 0 ? 1 : 0;
            sets += static_cast<double>(count);
        }
        CAPTURE(failed);
        auto const f = static_cast<std::uint64_t>(failed);
        CHECK_THAT(ring.expected_losses(12, f), WithinRel(sets / all, 1e-12));
        double const truth = lost / double(all);
        double const assumed = ring.loss(12, f).value();
        // Neighbours' copysets overlap, so that independence is a rough guess in so small a ring.
        CHECK(assumed > 0.8 * truth);
        CHECK(assumed < 1.6 * truth);
        CHECK(ring.expected_losses(12, f) >= truth);
        if (failed == 3) {
            CHECK_THAT(ring.expected_losses(12, f), WithinRel(truth, 1e-12));
        }
    }
}

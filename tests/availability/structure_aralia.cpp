// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Sixteen fault trees of the Aralia benchmark, which is data of others (openpra-org/aralia-fault-tree-dataset, CC BY-SA 4.0)
// and not part of this project. Name a directory that holds the files by the environment variable PERDURE_ARALIA, or when
// configuring by -DPERDURE_ARALIA=<directory>.

#include "availability/support.hpp"
#include <perdure/availability/open_psa.hpp>
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/importance.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

namespace {

std::string directory()
{
    char const* const named = std::getenv("PERDURE_ARALIA");
    std::string path = named != nullptr && *named != 0 ? named : PERDURE_ARALIA;
    return std::ifstream(path + "/baobab1.xml") ? path : std::string();
}

fault_tree read(std::string const& name)
{
    std::ifstream file(directory() + "/" + name + ".xml", std::ios::binary);
    std::string const text{std::istreambuf_iterator<char>(file), {}};
    return read_open_psa(text).tree;
}

std::vector<chance> all(fault_tree const& tree, double p)
{
    return std::vector<chance>(tree.events().size(), chance(p));
}

struct tree_facts {
    char const* name;
    std::size_t events;
    char const* sets; ///< minimal cut sets; for the one tree with negation, minimal p-cuts
    double p; ///< of the top with 0.01 for every event, found twice independently to 15 digits
    char const* table; ///< what the data set's own table prints
    double sum;        ///< of all cut sets; 0: unknown
};

tree_facts const facts[] = {
    {"baobab1", 61, "46188", 0.000101708077838372, "1.01708E-04", 0.000101742},
    {"baobab2", 32, "4805", 0.000713018259790331, "7.13018E-04", 0.000723747},
    {"chinese", 25, "392", 0.00117058181075867, "1.17058E-03", 0.00120026},
    {"das9201", 122, "14217", 0.0134236677272754, "1.34237E-02", 0.0179689},
    // The table prints 6.07651E-08, which its own tree cannot have: the sum of its cut sets, an upper bound, is 2.399e-11.
    {"das9204", 53, "16704", 2.16941595121649e-11, "", 2.39916e-11},
    {"das9206", 121, "19518", 0.229686837989442, "2.29687E-01", 0.260311},
    {"das9601", 122, "4259", 0.00423440288736883, "4.23440E-03", 0},
    {"edf9201", 183, "579720", 0.324591446728752, "3.24591E-01", 0.456403},
    {"edf9203", 362, "20807446", 0.599589097665552, "5.99589E-01", 1.53755},
    {"edfpa14p", 124, "415500", 0.0807059217721858, "8.07059E-02", 0.0872783},
    {"edfpa15b", 283, "2910473", 0.362736516896679, "3.62737E-01", 0.596926},
    {"elf9601", 145, "151348", 0.0966290985425461, "9.66291E-02", 0.101139},
    {"ftr10", 175, "305", 0.448677119678289, "4.48677E-01", 0.594305},
    {"isp9601", 143, "276785", 0.0571244927155373, "5.71245E-02", 0.0688116},
    {"isp9605", 32, "5630", 1.37170880545548e-05, "1.37171E-05", 1.39263e-05},
    // The table prints 150 436 cut sets, which is the number of the row above it.
    {"jbd9601", 533, "14007", 0.755090615056509, "7.55091E-01", 1.50395},
};

} // namespace

TEST_CASE("aralia: probabilities and numbers of cut sets of sixteen trees", "[availability]")
{
    if (directory().empty()) {
        SKIP("PERDURE_ARALIA names no directory with the Aralia fault trees");
    }
    for (auto const& f : facts) {
        CAPTURE(f.name);
        auto const tree = read(f.name);
        CHECK(tree.events().size() == f.events);
        diagram const d(tree);
        double const p = d.evaluate().yes;
        CHECK_THAT(p, WithinRel(f.p, 4e-15));
        if (*f.table != 0) {
            CHECK(published{f.table}.agrees(p));
        }
        auto const sets = cut_sets::minimal(d);
        CHECK(sets.count().str() == f.sets);
        if (f.sum > 0) {
            CHECK_THAT(sets.sum(), WithinRel(f.sum, 5e-6));
            CHECK(sets.sum() >= p);
        }
        set_count by_order = 0;
        for (auto const& n : sets.count_by_order()) {
            by_order += n;
        }
        CHECK(by_order == sets.count());
        // Limited while building: the same sets of up to 4 events.
        cut_set_options small;
        small.order_max = 4;
        auto const limited = cut_sets::minimal(d, small).count_by_order();
        auto const whole = sets.count_by_order();
        for (std::size_t order = 0; order < limited.size(); ++order) {
            CHECK(limited[order] == whole[order]);
        }
    }
}

TEST_CASE("aralia: prime implicants of the tree with negation", "[availability]")
{
    if (directory().empty()) {
        SKIP("PERDURE_ARALIA names no directory with the Aralia fault trees");
    }
    auto const tree = read("das9601");
    diagram const d(tree);
    CHECK_FALSE(d.monotone());
    // The table's 4 259 counts minimal p-cuts (what must happen, leaving out what must not). Prime implicants there are
    // many more; the number is ours, the same under four variable orders.
    auto const implicants = cut_sets::prime_implicants(d);
    CHECK(implicants.count().str() == "130977463280");
    // Every implicant makes the top happen, and is prime: a spot check of the most probable ones.
    auto const chances = all(tree, 0.01);
    for (auto const& s : implicants.most_probable(20)) {
        auto fixed = chances;
        for (auto const& m : s.members) {
            fixed[m.event] = m.negated ? chance(0, 1) : chance(1, 0);
        }
        CHECK_THAT(d.evaluate(fixed).yes, WithinRel(1.0, 1e-12));
        for (auto const& m : s.members) {
            auto without = fixed;
            without[m.event] = chance(0.5);
            CHECK(d.evaluate(without).yes < 1 - 1e-9);
        }
    }
}

TEST_CASE("aralia: baobab1, baobab2 and chinese with probabilities of their own", "[availability]")
{
    if (directory().empty()) {
        SKIP("PERDURE_ARALIA names no directory with the Aralia fault trees");
    }
    struct span_of {
        int last;
        double p;
    };
    auto const with = [](fault_tree const& tree, std::vector<span_of> const& spans) {
        auto chances = all(tree, 0);
        int i = 1;
        for (auto const& s : spans) {
            for (; i <= s.last; ++i) {
                chances[tree.event("e" + std::to_string(i))] = chance(s.p);
            }
        }
        return chances;
    };
    // SCRAM, input/Baobab: probabilities of e1, e2 to e5, ...
    auto const one = read("baobab1");
    auto const p1 = with(one, {{1, .000072},
                               {5, .018},
                               {9, .0188},
                               {13, .015},
                               {14, .000008},
                               {16, .00052},
                               {18, .0117},
                               {20, .0038},
                               {28, .016},
                               {32, .0137},
                               {36, .015},
                               {40, .016},
                               {44, .015},
                               {48, .0218},
                               {52, .016},
                               {53, .01},
                               {57, .112},
                               {61, .051}});
    diagram const d1(one);
    CHECK_THAT(d1.evaluate(p1).yes, WithinRel(1.28230455790885e-6, 1e-14));
    auto const sets1 = cut_sets::minimal(d1);
    CHECK_THAT(sets1.sum(p1), WithinRel(1.68146355715e-6, 1e-11));
    CHECK(sets1.count_by_order() ==
          std::vector<set_count>{0, 0, 1, 1, 70, 400, 2212, 14748, 8460, 10624, 6600, 3072});
    auto const two = read("baobab2");
    auto const p2 = with(two, {{5, .00875},
                               {11, .00175},
                               {17, .00088},
                               {20, .022},
                               {21, .1},
                               {22, .035},
                               {25, .1},
                               {26, .035},
                               {29, .1},
                               {30, .035},
                               {32, .1}});
    diagram const d2(two);
    CHECK_THAT(d2.evaluate(p2).yes, WithinRel(0.0208686447260437, 1e-14));
    CHECK_THAT(cut_sets::minimal(d2).sum(p2), WithinRel(0.0271670666101, 1e-11));
    CHECK(cut_sets::minimal(d2).count_by_order() ==
          std::vector<set_count>{0, 0, 6, 121, 268, 630, 3780});

    auto const chinese = read("chinese");
    auto const p3 = all(chinese, 0.02);
    diagram const d3(chinese);
    CHECK_THAT(d3.evaluate(p3).yes, WithinRel(0.00456932178049746, 1e-14));
    CHECK_THAT(cut_sets::minimal(d3).sum(p3), WithinRel(0.004804452352, 1e-12));
    CHECK(cut_sets::minimal(d3).count_by_order() ==
          std::vector<set_count>{0, 0, 12, 0, 24, 188, 168});
    // SCRAM, bench_chinese_tree_tests.cc: MIF, CIF, DIF, RAW, RRW.
    struct row {
        std::vector<int> events;
        char const* mif;
        char const* cif;
        char const* dif;
        char const* raw;
        char const* rrw;
    };
    auto const x = importances(d3, p3);
    for (auto const& r :
         {row{{1, 2, 3}, "0.0745557", "0.326332", "0.339805", "16.9902", "1.48441"},
          row{{4, 5, 6, 7}, "0.0553923", "0.242453", "0.257604", "12.8802", "1.32005"},
          row{{8}, "0.000181647", "0.000795073", "0.0207792", "1.03896", "1.0008"},
          row{{9, 10, 11}, "5.89643e-05", "0.000258088", "0.0202529", "1.01265", "1.00026"},
          row{{12, 13}, "9.51481e-05", "0.000416465", "0.0204081", "1.02041", "1.00042"},
          row{{14, 15, 16}, "5.1467e-06", "2.25272e-05", "0.0200221", "1.0011", "1.00002"},
          row{{17, 18}, "5.64596e-06", "2.47125e-05", "0.0200242", "1.00121", "1.00002"},
          row{{19, 20}, "4.60982e-06", "2.01773e-05", "0.0200198", "1.00099", "1.00002"},
          row{{21}, "2.3919e-06", "1.04694e-05", "0.0200103", "1.00051", "1.00001"},
          row{{22, 23, 24, 25}, "1.03582e-05", "4.5338e-05", "0.0200444", "1.00222", "1.00005"}}) {
        for (int const event : r.events) {
            CAPTURE(event);
            auto const& i = x[chinese.event("e" + std::to_string(event))];
            CHECK(published{r.mif}.agrees(i.birnbaum));
            CHECK(published{r.cif}.agrees(i.criticality));
            CHECK(published{r.dif}.agrees(i.diagnostic));
            CHECK(published{r.raw}.agrees(i.achievement_worth));
            CHECK(published{r.rrw}.agrees(i.reduction_worth));
        }
    }
    // To twelve digits, by an independent program.
    CHECK_THAT(x[chinese.event("e1")].birnbaum, WithinRel(.0745556830855, 1e-11));
    CHECK_THAT(x[chinese.event("e4")].birnbaum, WithinRel(.0553922871384, 1e-11));
    CHECK_THAT(x[chinese.event("e8")].birnbaum, WithinRel(1.81647261793e-4, 1e-11));
    CHECK_THAT(x[chinese.event("e21")].birnbaum, WithinRel(2.39190302051e-6, 1e-10));
}

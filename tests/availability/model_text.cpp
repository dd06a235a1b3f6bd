// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The text models of examples/tools/availability.

#include "availability/support.hpp"
#include "examples/tools/availability/model_text.hpp"
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/diagram.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

namespace {

double down(std::string const& text)
{
    return diagram(tool::read_model(text).tree()).evaluate().yes;
}
std::string refused(std::string_view text)
{
    return message_of<tool::text_error>([&] { (void)tool::read_model(text).tree(); });
}
std::string const abc = "component a unavailability 0.1\n"
                        "component b unavailability 0.2\n"
                        "component c unavailability 0.3\n";
std::string repeat(std::string_view text, int times)
{
    std::string result;
    for (int i = 0; i < times; ++i) {
        result += text;
    }
    return result;
}

} // namespace

TEST_CASE("model text: block diagrams and fault trees", "[availability]")
{
    CHECK_THAT(down(abc + "system = a & b & c"), WithinRel(1 - .9 * .8 * .7, 1e-14));
    CHECK_THAT(down(abc + "system = a | b | c # one suffices"), WithinRel(.006, 1e-14));
    CHECK_THAT(down(abc + "system = 2 of (a, b, c)"), WithinRel(.098, 1e-14));
    CHECK_THAT(down(abc + "system = a | b & c"), WithinRel(.1 * (1 - .8 * .7), 1e-14)); // & binds closer
    CHECK_THAT(down(abc + "system = (a | b) & c"), WithinRel(1 - (1 - .02) * .7, 1e-14));
    CHECK_THAT(down(abc + "top = a | b | c"), WithinRel(.496, 1e-14));
    CHECK_THAT(down(abc + "top = (a & b) | (b & c)"), WithinRel(.074, 1e-14));
    CHECK_THAT(down(abc + "top = (a & b) | (!a & c)"), WithinRel(.29, 1e-14));
    // A shared component is one, also through named formulas, in any order of lines.
    CHECK_THAT(down("system = x & y\nx = a | b\ny = a | c\n" + abc),
               WithinRel(.1 * (1 - .8 * .7), 1e-14));
    auto const m = tool::read_model("mission 2 h\r\ncomponent x mtbf 99 h mttr 1 h\r\nsystem = x\r\n");
    CHECK(m.mission == hours(2));
    CHECK_THAT(diagram(m.tree()).evaluate().yes, WithinRel(.01, 1e-14));
    CHECK_THAT(m.tree().events()[0].failures, WithinRel(1. / 99, 1e-14));
    // Data are joined to the plan, which counts as half a failure.
    auto const learnt = tool::read_model(
        "component x mtbf 100 h mttr 1 h failures 4 repairs 4 up 900 h down 8 h\nsystem = x");
    CHECK_THAT(learnt.components[0].unit->failures().per_hour(), WithinRel(4.5 / 950, 1e-13));
    CHECK(learnt.components[0].learnt.has_value());
}

TEST_CASE("model text: errors say the line and what is wrong", "[availability]")
{
    struct row {
        std::string text;
        char const* message;
    };
    for (auto const& r : std::vector<row>{
             {"", "line 1: the model says neither 'system = ...' nor 'top = ...'"},
             {abc + "system = a & d", "line 4: there is no component or formula 'd'"},
             {abc + "x = y\ny = a | x\nsystem = x", "line 4: 'x' is below itself"},
             {abc + "x = x & a\nsystem = a", "line 4: 'x' is below itself"},
             {abc + "a = b", "line 4: 'a' is declared in line 1 already"},
             {abc + "system = a\ntop = b", "line 5: there is a system or top in line 4 already"},
             {abc + "system = a &", "line 4: the line ends where a name, '(', '!' or 'k of (' is expected"},
             {abc + "system = (a", "line 4: the line ends where ')' is expected"},
             {abc + "system = a b", "line 4: 'b' where the end of the line is expected"},
             {abc + "system = 4 of (a, b, c)", "line 4: 'of' wants a whole number between 1 and 3 before it"},
             {abc + "system = 1.5 of (a, b, c)", "line 4: 'of' wants a whole number between 1 and 3 before it"},
             {abc + "system = a % b", "line 4: the character '%' means nothing"},
             {abc + "of = a", "line 4: 'of' is a word of the language and no name"},
             {"component x mtbf -1 h", "line 1: a time must be finite and at least 0"},
             {"component x mtbf 1", "line 1: the line ends where a unit of time (ms, s, min, h, d, y) is expected"},
             {"component x mtbf 1e999 h", "line 1: '1e999 h' is no number that a double can hold"},
             {"component x mtbf 0 h", "line 1: component 'x' has an mtbf of 0"},
             {"component x mtbf 1 h mttr 0 s", "line 1: component 'x' has an mttr of 0"},
             {"component x", "line 1: component 'x' needs an mtbf, an unavailability, or data"},
             {"component x unavailability 1.1", "line 1: component 'x': unavailability must lie in [0, 1]"},
             {"component x unavailability 0 mtbf 1 h", "line 1: component 'x' has both an unavailability and times"},
             {"component x mtbf 1 h mtbf 2 h", "line 1: component 'x' has two of mtbf"},
             {"component x failures 3", "line 1: component 'x' needs all of failures, repairs, up and down, or none of them"},
             {"component x failures 0 repairs 0 up 9 h down 0 h",
              "line 1: component 'x' has seen no failure or no repair, so it needs an mtbf and mttr as a plan"},
             {"component x colour 3", "line 1: 'colour' where mtbf, mttr, unavailability, probability, failures, repairs, up or down is expected"},
         }) {
        CAPTURE(r.text);
        CHECK(refused(r.text) == r.message);
    }
}

TEST_CASE("model text: hostile texts are refused, not suffered", "[availability]")
{
    int const deep = 100'000;
    CHECK(refused(abc + "system = " + repeat("(", deep) + "a" + repeat(")", deep)) ==
          "line 4: formulas may be nested 200 deep; name a part of this one");
    CHECK(refused(abc + "system = " + repeat("!", deep) + "a") ==
          "line 4: formulas may be nested 200 deep; name a part of this one");
    CHECK(refused(std::string(std::size_t{5} << 20, ' ')).find("at most 4 MiB") !=
          std::string::npos);
    CHECK(refused(std::string("system = a\0b", 12)) == "line 1: the byte 0 means nothing");
    // A chain of formulas, each twice the one before: a small diagram, whatever it would be written out.
    std::string chain = abc + "f0 = a | b\n";
    int const long_chain = 5000;
    for (int i = 1; i <= long_chain; ++i) {
        auto const before = "f" + std::to_string(i - 1);
        chain += "f" + std::to_string(i) + " = (" + before + " & c) | " + before + "\n";
    }
    CHECK_THAT(down(chain + "system = f" + std::to_string(long_chain)), WithinRel(.02, 1e-14));
}

TEST_CASE("model text: any truncation or changed byte is read or refused with a line",
          "[availability]")
{
    std::string const good = abc +
                             "component d mtbf 720 h mttr 10 min failures 2 repairs 2 up 9 d down 1 h\n"
                             "x = 2 of (a, b, !c) # two\n"
                             "mission 3 h\nsystem = (x | d) & a\n";
    REQUIRE(refused(good).empty());
    std::size_t seen = 0;
    auto const attempt = [&](std::string const& text) {
        try {
            auto const u = down(text);
            REQUIRE((u >= 0 && u <= 1.0000000000001));
        } catch (tool::text_error const& e) {
            REQUIRE(std::string_view(e.what()).starts_with("line "));
            ++seen;
        }
    };
    for (std::size_t n = 0; n < good.size(); ++n) {
        attempt(good.substr(0, n));
        for (int byte = 0; byte < 256; byte += n % 8 == 0 ? 1 : 5) {
            auto text = good;
            text[n] = static_cast<char>(byte);
            attempt(text);
        }
        attempt(std::string(good).erase(n, 1));
    }
    CHECK(seen > 2 * good.size());
    // Words of the language in any order.
    std::vector<std::string> const words{"component", "a",    "b",  "mtbf", "mttr", "1",  "0",
                                         "1e300",     "h",    "ms", "=",    "&",    "|",  "!",
                                         "(",         ")",    ",",  "of",   "top",  "\n", "system",
                                         "failures",  "repairs", "up", "down", "2", "1e-300"};
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        CAPTURE(seed);
        random_numbers random(seed);
        std::string text = "component a mtbf 1 h mttr 1 s\n";
        for (auto n = random.below(40); n > 0; --n) {
            text += words[random.below(words.size())] + " ";
        }
        attempt(text);
        attempt(text + "\nsystem = a");
    }
}

TEST_CASE("model text: the examples are what their comments say", "[availability]")
{
    auto const file = [](char const* name) {
        std::ifstream in(std::string(PERDURE_TEST_DATA) + "/../../examples/tools/availability/" + name);
        return std::string{std::istreambuf_iterator<char>(in), {}};
    };
    auto const tiers = tool::read_model(file("three_tiers.txt"));
    CHECK(tiers.works);
    CHECK(cut_sets::minimal(diagram(tiers.tree())).count() == 7);
    auto const loss = tool::read_model(file("data_loss.txt"));
    CHECK_FALSE(loss.works);
    CHECK(cut_sets::minimal(diagram(loss.tree())).count() == 3);
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/open_psa.hpp>
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/system_times.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

namespace {

double top(std::string const& text, open_psa_options const& options = {})
{
    return diagram(read_open_psa(text, options).tree).evaluate().yes;
}

std::string tree(std::string const& inside)
{
    return "<opsa-mef><define-fault-tree name='f'>" + inside + "</define-fault-tree></opsa-mef>";
}

std::string be(std::string const& name, std::string const& expression)
{
    return "<define-basic-event name='" + name + "'>" + expression + "</define-basic-event>";
}
std::string number(char const* x)
{
    return std::string("<float value='") + x + "'/>";
}
std::string const abc = be("A", number(".1")) + be("B", number(".2")) + be("C", number(".3"));

/// A gate 'top' with this formula over A, B, C of probabilities 0.1, 0.2, 0.3.
std::string formula(std::string const& f)
{
    return tree("<define-gate name='top'>" + f + "</define-gate>" + abc);
}

std::string message(std::string const& text, open_psa_options const& options = {})
{
    return message_of<std::invalid_argument>([&] { read_open_psa(text, options); });
}

/// One basic event with this expression.
double value_of(std::string const& expression, double mission_time = 8760)
{
    open_psa_options options;
    options.mission_time = mission_time;
    return top(
        tree("<define-gate name='top'><basic-event name='x'/></define-gate>" + be("x", expression)),
        options);
}

std::string const a = "<basic-event name='A'/>", b = "<event name='B'/>",
                  c = "<event name='C' type='basic-event'/>";

} // namespace

TEST_CASE("open_psa: every kind of formula", "[availability]")
{
    // SCRAM, bench_core_tests.cc.
    struct row {
        std::string text;
        double p;
    };
    for (auto const& r :
         {row{"<or>" + a + b + c + "</or>", .496}, row{"<and>" + a + b + c + "</and>", .006},
          row{"<atleast min='2'>" + a + b + c + "</atleast>", .098},
          row{"<xor>" + a + "<xor>" + b + c + "</xor></xor>", .404},
          row{"<iff>" + a + "<iff>" + b + c + "</iff></iff>", .404},
          row{"<imply>" + a + "<imply>" + b + c + "</imply></imply>", .986},
          row{"<cardinality min='1' max='2'>" + a + b + c + "</cardinality>", .49},
          row{"<cardinality min='2' max='3'>" + a + b + c + "</cardinality>", .098},
          row{"<nand>" + a + b + "</nand>", .98}, row{"<nor>" + a + b + "</nor>", .72},
          row{"<or>" + a + "<not>" + b + "</not></or>", .82},
          row{"<and>" + a + "<constant value='true'/></and>", .1}, row{a, .1}}) {
        CAPTURE(r.text);
        CHECK_THAT(top(formula(r.text)), WithinRel(r.p, 1e-14));
    }
}

TEST_CASE("open_psa: expressions", "[availability]")
{
    auto const f = [](char const* x) { return number(x); };
    // SCRAM, expression_tests.cc: GLM.
    CHECK_THAT(value_of("<GLM>" + f("0.1") + f("10") + f("100") + f("5") + "</GLM>"),
               WithinRel((10 - (10 - 0.1 * 110) * std::exp(-550)) / 110, 1e-14));
    CHECK_THAT(value_of("<Weibull>" + f("100") + f("2") + f("10") + f("60") + "</Weibull>"),
               WithinRel(-std::expm1(-0.25), 1e-14));
    CHECK_THAT(value_of("<exponential>" + f("1e-20") + "<system-mission-time/></exponential>"),
               WithinRel(8.76e-17, 1e-14));
    // Periodic tests, the same source: absolute 1e-5.
    auto const periodic = [&](char const* mu, char const* tau) {
        return value_of("<periodic-test>" + f("7e-4") + f(mu) + f(tau) + f("4740") +
                        "<system-mission-time/></periodic-test>");
    };
    auto const near = [](double x, double expected) { return std::abs(x - expected) < 1e-5; };
    CHECK(near(periodic("4e-4", "4020"), 0.817508));
    CHECK(near(periodic("4e-4", "2010"), 0.736611));
    CHECK(near(periodic("4e-4", "120"), 0.645377));
    CHECK(near(periodic("7e-4", "120"), 0.511579));
    CHECK(near(periodic("0", "120"), 0.997828));
    auto const without_repair = "<periodic-test>" + f("7e-4") + f("120") + f("4740") +
                                "<system-mission-time/></periodic-test>";
    CHECK(near(periodic("1e300", "120"), value_of(without_repair)));
    CHECK_THAT(
        value_of("<periodic-test>" + f("0.1") + f("1") + f("2") + f("5") + "</periodic-test>"),
        WithinRel(-std::expm1(-0.1), 1e-14));
    // One exponential over 24, ..., 120 h: risk_analysis_tests.cc.
    double const hours[] = {24, 48, 72, 96, 120};
    double const printed[] = {2.399e-4, 4.7989e-4, 7.197e-4, 9.595e-4, 1.199e-3};
    for (int i = 0; i < 5; ++i) {
        CHECK_THAT(value_of("<exponential>" + f("1e-5") + "<system-mission-time/></exponential>",
                            hours[i]),
                   WithinRel(printed[i], 5e-4));
    }
    // Arithmetic.
    CHECK_THAT(value_of("<div>" + f("1") + "<add>" + f("2") + "<mul><int value='3'/>" + f("4") +
                        "</mul></add></div>"),
               WithinRel(1.0 / 14, 1e-15));
    CHECK_THAT(value_of("<ite><lt>" + f("1") + f("2") + "</lt>" + f("0.25") + f("0.75") + "</ite>"),
               WithinRel(0.25, 1e-15));
    CHECK_THAT(value_of("<mean>" + f("0.1") + f("0.2") + f("0.6") + "</mean>"),
               WithinRel(0.3, 1e-15));
    CHECK_THAT(value_of("<uniform-deviate>" + f("0.2") + f("0.4") + "</uniform-deviate>"),
               WithinRel(0.3, 1e-15));
    CHECK_THAT(value_of("<beta-deviate>" + f("1") + f("3") + "</beta-deviate>"),
               WithinRel(0.25, 1e-15));
    CHECK_THAT(value_of("<histogram>" + f("0") + "<bin>" + f("0.2") + f("1") + "</bin><bin>" +
                        f("0.4") + f("3") + "</bin></histogram>"),
               WithinRel(0.25, 1e-15));
}

TEST_CASE("open_psa: published models with expressions", "[availability]")
{
    auto const f = [](char const* x) { return number(x); };
    std::string const time = "<system-mission-time/>";
    auto const pt = [&](char const* rate, char const* period) {
        return "<periodic-test>" + f(rate) + f(period) + f("0") + time + "</periodic-test>";
    };
    auto const ref = [](char const* name) {
        return std::string("<basic-event name='") + name + "'/>";
    };
    // A pressure protection system (SCRAM's HIPPS): 9 sets, 0.0016209, sum 0.00162188.
    auto const hipps =
        read_open_psa(tree("<define-gate name='top'><or>" + ref("cc") + "<atleast min='2'>" +
                           ref("p1") + ref("p2") + ref("p3") + "</atleast>" + ref("solver") +
                           ref("s1") + ref("d1") + ref("s2") + ref("d2") + "</or></define-gate>" +
                           be("solver", "<GLM>" + f("0") + f("1e-6") + f("0.1") + time + "</GLM>") +
                           be("p1", pt("7e-7", "720")) + be("p2", pt("7e-7", "720")) +
                           be("p3", pt("7e-7", "720")) + be("cc", pt("3.5e-8", "720")) +
                           be("d1", pt("4.1e-6", "2160")) + be("d2", pt("4.1e-6", "2160")) +
                           be("s1", pt("2.6e-6", "1440")) + be("s2", pt("2.6e-6", "1440"))));
    diagram const h(hipps.tree);
    CHECK(published{"0.0016209"}.agrees(h.evaluate().yes));
    auto const sets = cut_sets::minimal(h);
    CHECK(sets.count_by_order() == std::vector<set_count>{0, 6, 3});
    CHECK(published{"0.00162188"}.agrees(sets.sum()));

    // A braking system (SCRAM's BSCU): 10 sets, 0.1124087, sum 0.135372; rates are log-normal with a known mean.
    auto const rate = [&](char const* name, char const* mean) {
        return std::string("<define-parameter name='") + name + "'><lognormal-deviate>" + f(mean) +
               f("10") + f("0.95") + "</lognormal-deviate></define-parameter>";
    };
    auto const ex = [&](char const* parameter, std::string const& t) {
        return std::string("<exponential><parameter name='") + parameter + "'/>" + t +
               "</exponential>";
    };
    std::string const longer = "<mul><int value='20'/>" + time + "</mul>";
    auto const bscu = read_open_psa(tree(
        "<define-gate name='loss'><or>" + ref("monitor") +
        "<and><gate name='one'/><gate name='two'/></and><gate name='switch'/></or></define-gate>"
        "<define-gate name='one'><or>" +
        ref("electronic1") + ref("power1") +
        "</or></define-gate>"
        "<define-gate name='two'><or>" +
        ref("electronic2") + ref("power2") +
        "</or></define-gate>"
        "<define-gate name='switch'><or><and><gate name='one'/>" +
        ref("stuck1") + "</and>" + ref("stuck between") + "<and><gate name='two'/>" +
        ref("stuck2") + "</and></or></define-gate>" + be("monitor", ex("validity", time)) +
        be("electronic1", ex("electronic", time)) + be("electronic2", ex("electronic", time)) +
        be("power1", ex("power", time)) + be("power2", ex("power", time)) +
        be("stuck1", ex("stuck", longer)) + be("stuck2", ex("stuck", longer)) +
        be("stuck between", ex("stuck", time)) + rate("validity", "1.6e-7") +
        rate("electronic", "3.0e-5") + rate("power", "1.35e-5") + rate("stuck", "1.3e-7")));
    diagram const s(bscu.tree);
    CHECK(published{"0.1124087"}.agrees(s.evaluate().yes));
    CHECK(cut_sets::minimal(s).count() == 10);
    CHECK(published{"0.135372"}.agrees(cut_sets::minimal(s).sum()));
    // The rates are known, so mean times are: two units with repair excluded.
    CHECK(mean_time_to_failure(s) > 1000);

    // SCRAM's SmallTree: 2 sets, 0.02678, sum 0.02696.
    auto const small = [&](char const* name, char const* mean) {
        return std::string("<define-parameter name='") + name + "'>" + f(mean) +
               "</define-parameter>";
    };
    auto const small_tree = read_open_psa(
        tree("<define-gate name='top'><or><and>" + ref("e1") + ref("e2") + "</and><and>" +
             ref("e3") + ref("e4") + "</and></or></define-gate>" + be("e1", ex("l1", time)) +
             be("e2", ex("l2", time)) + be("e3", ex("l3", time)) + be("e4", ex("l4", time)) +
             small("l1", "2e-5") + small("l2", "1e-5") + small("l3", "2e-5") +
             "<define-parameter name='l4'><parameter name='l2'/></define-parameter>"));
    CHECK(published{"0.02678"}.agrees(diagram(small_tree.tree).evaluate().yes));
    CHECK(published{"0.02696"}.agrees(cut_sets::minimal(diagram(small_tree.tree)).sum()));
}

TEST_CASE("open_psa: common cause groups", "[availability]")
{
    auto const group = [](std::string const& name, std::string const& model,
                          std::string const& factors) {
        std::string members;
        for (char const* i : {"1", "2", "3"}) {
            members += "<basic-event name='" + name + i + "'/>";
        }
        return "<define-CCF-group name='" + name + "s' model='" + model + "'><members>" + members +
               "</members><distribution>" + number("0.1") + "</distribution>" + factors +
               "</define-CCF-group>";
    };
    auto const model = [&](std::string const& kind, std::string const& factors) {
        std::string trains;
        for (std::string const i : {"1", "2", "3"}) {
            trains += "<or><event name='v" + i + "'/><event name='p" + i + "'/></or>";
        }
        std::string text = "<opsa-mef><define-fault-tree name='f'><define-gate name='top'><and>" +
                           trains + "</and></define-gate></define-fault-tree>";
        for (std::string const n : {"v", "p"}) {
            for (std::string const i : {"1", "2", "3"}) {
                text += "<define-basic-event name='" + n + i + "'/>";
            }
        }
        return text + group("v", kind, factors) + group("p", kind, factors) + "</opsa-mef>";
    };
    auto const factor = [](char const* level, char const* x) {
        return std::string("<factor") + (*level != 0 ? std::string(" level='") + level + "'" : "") +
               ">" + number(x) + "</factor>";
    };
    std::string const three =
        "<factors>" + factor("1", ".7") + factor("2", ".2") + factor("3", ".1") + "</factors>";
    // SCRAM, bench_core_tests.cc.
    CHECK_THAT(top(model("beta-factor", factor("3", ".2"))), WithinRel(0.0430803730612, 1e-11));
    CHECK_THAT(top(model("beta-factor", factor("", ".2"))), WithinRel(0.0430803730612, 1e-11));
    CHECK_THAT(
        top(model("MGL", "<factors>" + factor("3", ".1") + factor("2", ".2") + "</factors>")),
        WithinRel(0.0162947705258, 1e-11));
    CHECK_THAT(top(model("MGL", "<factors>" + factor("", ".2") + factor("", ".1") + "</factors>")),
               WithinRel(0.0162947705258, 1e-11));
    CHECK_THAT(top(model("phi-factor", three)), WithinRel(0.0410393176167, 1e-11));
    CHECK_THAT(top(model("alpha-factor", three)), WithinRel(0.0529814106952, 1e-11));
    CHECK(message(model("omega-factor", three)).find("its model is 'omega-factor'") !=
          std::string::npos);
    CHECK(message(model("phi-factor", factor("9", ".2"))).find("a factor of a level from 1 to 3") !=
          std::string::npos);
    CHECK(message(model("phi-factor", factor("1", ".2"))).find("add up to") != std::string::npos);
}

TEST_CASE("open_psa: names, scopes and components", "[availability]")
{
    // The private 'g' of the component is another gate than the tree's; both 'x' are reached by paths.
    auto const text = tree(
        "<define-gate name='top'><and><gate name='g'/><gate name='part.g'/></and></define-gate>"
        "<define-gate name='g'><basic-event name='x'/></define-gate>" +
        be("x", number("0.5")) +
        "<define-component name='part' role='private'>"
        "<define-gate name='g'><or><basic-event name='x'/><basic-event "
        "name='y'/></or></define-gate>" +
        be("x", number("0.25")) + be("y", number("0.125")) + "</define-component>");
    auto const model = read_open_psa(text);
    CHECK(model.top == "f.top");
    CHECK(model.tree.events().size() == 3);
    CHECK(model.tree.has_event("f.part.x"));
    CHECK_THAT(diagram(model.tree).evaluate().yes, WithinRel(0.5 * 0.34375, 1e-15));

    open_psa_options options;
    options.top = "g";
    CHECK(top(text, options) == 0.5);
    options.top = "f.part.g";
    CHECK_THAT(top(text, options), WithinRel(0.34375, 1e-15));
    options.top = "nobody";
    CHECK(message(text, options) == "the model has no gate 'nobody'");

    auto const several = tree("<define-gate name='a'><basic-event name='A'/></define-gate>"
                              "<define-gate name='b'><basic-event name='B'/></define-gate>" +
                              abc);
    CHECK(message(several) == "the model has 2 gates that no other refers to ('f.a', 'f.b'); say "
                              "which one is the top");

    // What is not about fault trees is passed over, and said so.
    auto const more =
        read_open_psa("<opsa-mef><define-event-tree name='e'/><define-fault-tree name='f'>"
                      "<label>text</label><define-gate name='t'><label>x</label>" +
                      a + "</define-gate></define-fault-tree><model-data>" + abc +
                      "</model-data><define-event-tree name='d'/></opsa-mef>");
    CHECK(more.skipped == std::vector<std::string>{"define-event-tree"});
}

TEST_CASE("open_psa: house events, missing probabilities", "[availability]")
{
    auto const text =
        tree("<define-gate name='t'><and>" + a +
             "<house-event name='h'/></and></define-gate>"
             "<define-house-event name='h'><constant value='true'/></define-house-event>" +
             abc);
    CHECK_THAT(top(text), WithinRel(0.1, 1e-15));
    auto const missing = tree("<define-gate name='t'><and><basic-event name='x'/><basic-event "
                              "name='y'/></and></define-gate><define-basic-event name='x'/>");
    CHECK(message(missing) == "line 1, <define-basic-event> 'x': it has no probability");
    open_psa_options options;
    options.missing_probability = 0.5;
    CHECK(top(missing, options) == 0.25);
}

TEST_CASE("open_psa: errors name the element and the line", "[availability]")
{
    struct row {
        std::string text;
        char const* message;
    };
    std::string const g = "<define-gate name='top'>";
    std::string const end = "</define-gate>";
    for (auto const& r : {
             row{"", "line 1: not well-formed XML"},
             row{"<opsa-mef>\n<x", "line 2: not well-formed XML"},
             row{"<svg/>", "line 1, <svg>: the outermost element must be <opsa-mef>"},
             row{"<opsa-mef/>", "the model has no gate that no other refers to"},
             row{tree("\n<define-gate>" + a + end), "line 2, <define-gate>: the attribute 'name'"},
             row{tree(g + "<gate name='no'/>" + end), "<gate> 'no': there is no gate of this name"},
             row{tree(g + "<basic-event name='no'/>" + end), "'no': nothing of this name and kind"},
             row{formula("<atleast min='4'>" + a + b + "</atleast>"),
                 "its 'min' is '4'; a number from 0 to 2"},
             row{formula("<atleast>" + a + b + "</atleast>"), "the attribute 'min' is missing"},
             row{formula("<atleast min='1x'>" + a + "</atleast>"), "its 'min' is '1x'"},
             row{formula("<cardinality min='2' max='1'>" + a + b + "</cardinality>"),
                 "its 'min' is more"},
             row{formula("<not>" + a + b + "</not>"), "it has 2 inputs; it takes 1"},
             row{formula("<and/>"), "<and>: it has no inputs"},
             row{formula("<perhaps>" + a + "</perhaps>"), "<perhaps>: formulas of this kind"},
             row{formula("<constant value='maybe'/>"), "neither true nor false"},
             row{formula(""), "'top': it has no formula"},
             row{tree(g + a + end + abc + abc), "the name is already taken on line 1"},
             row{tree(g + a + end + be("A", number("1.5"))), "its probability is 1.5"},
             row{tree(g + a + end + be("A", number("nan"))), "its value is not a finite number"},
             row{tree(g + a + end + be("A", number("1e999"))), "is not a number"},
             row{tree(g + a + end + be("A", number("zero"))), "its value 'zero' is not a number"},
             row{tree(g + a + end + be("A", "<conjure/>")), "<conjure>: expressions of this kind"},
             row{tree(g + a + end + be("A", "<div>" + number("1") + number("0") + "</div>")),
                 "<div>: its value is not a finite number"},
             row{tree(g + a + end + be("A", "<exponential>" + number("1") + "</exponential>")),
                 "it has 1 arguments; it takes 2"},
             row{tree(g + a + end +
                      be("A", "<exponential>" + number("-1") + number("1") + "</exponential>")),
                 "must be at least 0"},
             row{tree(g + a + end + be("A", "<parameter name='p'/>")), "there is no parameter"},
             row{tree(g + a + end + be("A", "<parameter name='p'/>") +
                      "<define-parameter name='p'><parameter name='q'/></define-parameter>"
                      "<define-parameter name='q'><parameter name='p'/></define-parameter>"),
                 "the parameter depends on itself"},
             row{tree(g + "<gate name='b'/>" + end +
                      "<define-gate name='b'><gate name='c'/></define-gate>"
                      "<define-gate name='c'><or><gate name='b'/></or></define-gate>"),
                 "the gate is its own input, by way of 'f.b'"},
             row{tree("<define-gate name='b'><gate name='b'/></define-gate>"),
                 "the model has no gate that no other refers to"},
             row{tree("<define-gate name='a.b'>" + a + end), "cannot contain a dot"},
             row{tree("<define-component name='c' role='secret'/>"), "its role is 'secret'"},
         }) {
        CAPTURE(r.text, r.message);
        CHECK(message(r.text).find(r.message) != std::string::npos);
    }
    open_psa_options options;
    options.bytes_max = 10;
    CHECK(message("<opsa-mef/>", options) == "the model has 11 bytes; 10 are allowed (bytes_max)");
    options = {};
    options.mission_time = -1;
    CHECK(message("<opsa-mef/>", options).find("mission_time is -1") == 0);
}

TEST_CASE("open_psa: hostile models are refused, not suffered", "[availability]")
{
    auto const repeat = [](std::string const& s, int n) {
        std::string result;
        result.reserve(s.size() * static_cast<std::size_t>(n));
        for (int i = 0; i < n; ++i) {
            result += s;
        }
        return result;
    };
    int const deep = 100'000;
    CHECK(message(repeat("<a>", deep)).find("not well-formed") != std::string::npos);
    CHECK(message("<opsa-mef>" + repeat("<a>", deep) + repeat("</a>", deep) + "</opsa-mef>")
              .find("no gate") != std::string::npos);
    CHECK(message(formula(repeat("<not>", deep) + a + repeat("</not>", deep)))
              .find("nested more than 200 deep") != std::string::npos);
    CHECK(message(tree("<define-gate name='top'>" + a + "</define-gate>" +
                       be("A", repeat("<neg>", deep) + number("0") + repeat("</neg>", deep))))
              .find("nested more than 200 deep") != std::string::npos);
    CHECK(message("<opsa-mef>" + repeat("<define-component name='c'>", deep) +
                  repeat("</define-component>", deep) + "</opsa-mef>")
              .find("its path is longer than 4096 characters") != std::string::npos);
    // Parameters in a chain.
    std::string chain =
        "<define-gate name='top'>" + a + "</define-gate>" + be("A", "<parameter name='p0'/>");
    for (int i = 0; i < 1000; ++i) {
        chain += "<define-parameter name='p" + std::to_string(i) + "'><parameter name='p" +
                 std::to_string(i + 1) + "'/></define-parameter>";
    }
    CHECK(message(tree(chain)).find("nested more than 200 deep") != std::string::npos);
    // A chain of gates is a model like any other.
    std::string gates;
    int const long_chain = 20'000;
    for (int i = 0; i < long_chain; ++i) {
        gates += "<define-gate name='g" + std::to_string(i) + "'><or><gate name='g" +
                 std::to_string(i + 1) + "'/>" + a + "</or></define-gate>";
    }
    gates += "<define-gate name='g" + std::to_string(long_chain) + "'>" + b + "</define-gate>";
    CHECK_THAT(top(tree(gates + abc)), WithinRel(0.28, 1e-14));
    // No entity is expanded, so this names a basic event that does not exist.
    std::string const bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>" +
                             formula("<basic-event name='&b;&b;&b;'/>");
    CHECK(message(bomb).find("'&b;&b;&b;': nothing of this name") != std::string::npos);
}

TEST_CASE("open_psa: any truncation or changed byte is read or refused", "[availability]")
{
    std::string const good = tree(
        "<define-gate name='top'><or><gate name='g'/><atleast min='2'>" + a + b + c +
        "</atleast></or></define-gate><define-gate name='g'><not>" + a + "</not></define-gate>" +
        abc +
        "<define-CCF-group name='x' model='MGL'><members><basic-event name='A'/><basic-event "
        "name='B'/>"
        "</members><distribution>" +
        number("0.1") + "</distribution><factor>" + number(".2") + "</factor></define-CCF-group>");
    REQUIRE(top(good) > 0);
    int refused = 0;
    auto const attempt = [&](std::string const& text) {
        try {
            auto const p = top(text);
            REQUIRE((p >= 0 && p <= 1.0000000000001));
        } catch (std::invalid_argument const& error) {
            REQUIRE(std::string(error.what()).size() > 10);
            ++refused;
        }
    };
    for (std::size_t n = 0; n < good.size(); ++n) {
        attempt(good.substr(0, n));
    }
    CHECK(refused == static_cast<int>(good.size()));
    for (std::size_t n = 0; n < good.size(); ++n) {
        for (unsigned const flip : {0x01U, 0x02U, 0x10U, 0x20U, 0x80U, 0xffU}) {
            auto text = good;
            text[n] = static_cast<char>(static_cast<unsigned char>(text[n]) ^ flip);
            attempt(text);
        }
    }
    CHECK(refused > static_cast<int>(2 * good.size()));
}

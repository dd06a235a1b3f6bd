// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/evidence_text.hpp>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::random_numbers;

namespace {

std::vector<named_history> const sample = {
    {"switch", {0, 0, 1800000s, 0s}},
    {"store/a", {3, 2, duration(12345.678901234567), duration(1e-9)}},
    {"n\xc3\xb6"
     "de",
     {18446744073709551615U, 1, 0s, 0s}}};

std::string refused(std::string const& text)
{
    return message_of<std::invalid_argument>([&] { read_evidence(text); });
}
/// With a check value that fits, so that the reader sees the body.
std::string sealed(std::string body)
{
    std::string const check = "end ";
    auto const hash = detail::fnv1a(body);
    body += check;
    detail::append_number(body, hash, 16);
    return body + "\n";
}

} // namespace

TEST_CASE("evidence text: is written as documented and reads back the same",
          "[availability][format]")
{
    // docs/formats/availability_evidence.md shows this very text.
    std::vector<named_history> const one = {{"switch", {2, 1, 1800000s, 90s}}};
    CHECK(write_evidence(one) == "perdure availability evidence 1\n"
                                 "unit switch 2 1 1800000 90\n"
                                 "end 15e3d4152686eb46\n");
    CHECK(read_evidence(write_evidence(sample)) == sample);
    CHECK(read_evidence(write_evidence({})).empty());
    random_numbers random(171);
    for (int i = 0; i < 200; ++i) { // every bit of a double survives
        named_history const h{"x",
                              {random.next(), random.next(), duration(random.uniform() * 1e9),
                               duration(random.uniform() * 1e-3)}};
        std::vector<named_history> const all = {h};
        REQUIRE(read_evidence(write_evidence(all)) == all);
    }
}

TEST_CASE("evidence text: every truncation and every changed byte is refused",
          "[availability][format]")
{
    auto const text = write_evidence(sample);
    for (std::size_t n = 0; n < text.size(); ++n) {
        CAPTURE(n);
        REQUIRE_FALSE(refused(text.substr(0, n)).empty());
        for (int bit = 0; bit < 8; ++bit) {
            auto damaged = text;
            damaged[n] = static_cast<char>(damaged[n] ^ (1 << bit));
            REQUIRE_FALSE(refused(damaged).empty());
        }
        auto longer = text;
        longer.insert(n, 1, '0');
        REQUIRE_FALSE(refused(longer).empty());
    }
}

TEST_CASE("evidence text: says what is wrong and where", "[availability][format]")
{
    std::string const title = "perdure availability evidence 1\n";
    CHECK(refused("") ==
          "availability evidence, line 1: the text is cut off: its last line must be "
          "'end <check value>'");
    CHECK(refused(title + "unit a 1 1 1 1\nend 0\n").find("the check value at the end") !=
          std::string::npos);
    CHECK(refused(sealed("something else\n")).find("line 1: the title must be") !=
          std::string::npos);
    CHECK(refused(sealed(title + "unit a 1 1 1 1\nunit b 1 1\n"))
              .find("line 3: seconds up are missing") != std::string::npos);
    CHECK(refused(sealed(title + "unit a -1 1 1 1\n")).find("line 2: failures are not a number") !=
          std::string::npos);
    CHECK(refused(sealed(title + "unit a 1 99999999999999999999 1 1\n")).find("repairs are not") !=
          std::string::npos);
    CHECK(refused(sealed(title + "unit a 1 1 inf 1\n")).find("must be finite") !=
          std::string::npos);
    CHECK(refused(sealed(title + "unit a 1 1 1 nan\n")).find("must be finite") !=
          std::string::npos);
    CHECK(refused(sealed(title + "unit a 1 1 1 -1\n")).find("must be finite") != std::string::npos);
    CHECK(refused(sealed(title + "unit  1 1 1 1\n")).find("line 2: the name") != std::string::npos);
    CHECK(refused(sealed(title + "unit\n")).empty()); // another kind of line
    CHECK(refused(sealed(title + "unit " + std::string(256, 'x') + " 1 1 1 1\n"))
              .find("256 characters") != std::string::npos);
    CHECK(refused(std::string(2 << 20, 'x')).find("at most 2^20") != std::string::npos);
    CHECK_THROWS_AS(write_evidence(std::vector<named_history>{{"a b", {}}}), std::invalid_argument);
    CHECK_THROWS_AS(write_evidence(std::vector<named_history>{{"", {}}}), std::invalid_argument);
}

TEST_CASE("evidence text: lines and fields of a later version are skipped",
          "[availability][format]")
{
    std::string const title = "perdure availability evidence 1\n";
    auto const all = read_evidence(sealed(title + "clock 17\nunit a 1 2 3 4 and more\n"));
    CHECK(all == std::vector<named_history>{{"a", {1, 2, 3s, 4s}}});
}

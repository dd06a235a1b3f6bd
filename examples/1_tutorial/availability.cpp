// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// How good is it, in numbers? A service stands on a load balancer, three application servers of
// which two must be up, and a mirrored database. Prints the nines and the expected down time of
// every part and of the whole, as planned; then what an observed month of one server says about its
// MTBF and MTTR, with intervals, and whether the plan's figures fit them.

#include <perdure/availability/composition.hpp>
#include <perdure/availability/observed.hpp>
#include <perdure/availability/text.hpp>
#include <perdure/availability/two_state.hpp>

#include <cstdio>

namespace availability = perdure::availability;
using namespace std::chrono_literals;
using availability::mtbf, availability::mttr, availability::to_text, availability::unavailability;

// The plan. It is a constant, so the compiler checks the promise below: a worse plan does not
// compile.
constexpr availability::two_state balancer(mtbf(availability::days(365)), mttr(5min));
constexpr availability::two_state server(mtbf(availability::days(30)), mttr(20min));
constexpr availability::two_state database(mtbf(availability::days(90)), mttr(2h));

constexpr auto servers = availability::k_of_n(2, 3, unavailability(server));
constexpr auto databases =
    availability::parallel({unavailability(database), unavailability(database)});
constexpr auto service = availability::series({unavailability(balancer), servers, databases});
static_assert(whole_nines(service) >= 4, "the service is promised with four nines");

void print(char const* what, unavailability u)
{
    std::printf("%-22s %-16s %.2f nines, down %s a month\n", what, to_text(u).c_str(), u.nines(),
                to_text(u.downtime(availability::sre_calendar.month)).c_str());
}

int main()
{
    std::puts("As planned");
    print("balancer", unavailability(balancer));
    print("one server", unavailability(server));
    print("2 of 3 servers", servers);
    print("mirrored database", databases);
    print("service", service);
    std::printf("a server one minute after it was started: %s\n\n",
                to_text(server.at(1min)).c_str());

    // What was seen of one server: hand over the events as they come, from a failure detector or
    // from a log.
    availability::recorder seen(std::chrono::steady_clock::time_point{});
    auto const at = [](auto t) { return std::chrono::steady_clock::time_point(t); };
    seen.handle_down(at(100h));
    seen.handle_up(at(100h + 12min));
    seen.handle_down(at(377h));
    seen.handle_up(at(377h + 31min));
    seen.handle_down(at(555h));
    seen.handle_up(at(555h + 8min));
    auto const month = seen.until(at(720h));

    auto const sure = availability::confidence::two_sided(0.9);
    auto const up = estimate_mtbf(month, availability::ended::at_time, sure);
    auto const down = estimate_mttr(month, availability::ended::at_time, sure);
    std::puts("One server, as observed for 720 hours with 3 failures");
    std::printf("mtbf          %s\n", to_text(up).c_str());
    std::printf("mttr          %s\n", to_text(down).c_str());
    std::printf(
        "availability  %s\n",
        to_text(estimate_unavailability(month, availability::ended::at_time, sure)).c_str());
    std::printf("The planned mtbf of 30 days %s the data; the planned mttr of 20 min %s.\n",
                up.contains(mtbf(availability::days(30))) ? "fits" : "does not fit",
                down.contains(mttr(20min)) ? "does too" : "does not");
}

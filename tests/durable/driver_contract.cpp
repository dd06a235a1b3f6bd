// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/driver_contract.hpp"

#include "support/real_fixture.hpp"
#include <perdure/durable/durable.hpp>

#include <optional>

namespace {

struct counter {
    int value = 0;
    int apply(int by) { return value += by; }
    void serialize(auto& archive, unsigned) { archive& value; }
};

class durable_fixture : public real_fixture {
public:
    static constexpr bool destroying_the_driver_cancels = true;
    using driver = perdure::basic_durable<counter, int, world>;

    durable_fixture()
    {
        perdure::durable_options options;
        options.directory = directory_ / "state";
        options.log.idle_seal_after = {}; // No timer of the log, so that the loop runs dry.
        driver_.emplace(make_world(), options);
        driver_->async_open(
            [](perdure::error_code ec, perdure::durable_report const&) { REQUIRE(!ec); });
        run();
    }

    template <class Token = boost::asio::deferred_t>
    auto start(Token&& token = {})
    {
        return driver_->async_execute(1, std::forward<Token>(token));
    }
    int effects() const { return driver_->state().value; }
    bool has_driver() const { return driver_.has_value(); }
    void destroy_driver() { driver_.reset(); }
    void finish_without_delivery()
    {
        loop_->run_one();
        std::this_thread::sleep_for(std::chrono::milliseconds(
            20)); // The sync is done by now, or is still under way: both are allowed.
    }

private:
    std::optional<driver> driver_;
};

} // namespace

// Cancellation is left out: a command is on its way to the disk and says so.
TEST_CASE("durable: execute keeps the driver contract", "[durable][asio]")
{
    using namespace contract;
    using fixture = durable_fixture;
    SECTION("never inline")
    {
        check_never_inline<fixture>();
    }
    SECTION("on the associated executor")
    {
        check_tokens<fixture>();
    }
    SECTION("chains")
    {
        check_chains<fixture>();
    }
    SECTION("destroyed in any order")
    {
        for (auto at : {stage::initiated, stage::stuck, stage::undelivered})
            for (auto in :
                 {order::driver_first, order::driver_first_and_loop_runs, order::loop_first})
                check_destruction<fixture>(at, in);
    }
}

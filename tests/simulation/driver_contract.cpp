// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/driver_contract.hpp"

#include "support/group_log.hpp"
#include <perdure/simulation/cluster.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace {

namespace asio = boost::asio;
namespace simulation = perdure::simulation;
using namespace std::chrono_literals;
using perdure::error_code;

/// The loop of a simulated process for the driver contract. Every sync takes a second, so that work
/// is stuck whenever the loop only polls.
class simulated_fixture {
public:
    using world = simulation::world;

    asio::any_io_executor executor() { return world_->get_executor(); }

    void hold() {}
    void release() {}
    void release_soon() {}
    void run() { cluster_->run_for(1h); }
    void poll() { cluster_->run_for(1ms); }
    void run_until_stuck() { poll(); }
    void finish_without_delivery() { cluster_->run_for(500ms); }
    void destroy_loop()
    {
        cluster_->crash("a");
        cluster_.reset();
    }

protected:
    simulated_fixture() : cluster_(std::make_unique<simulation::cluster>(1, slow()))
    {
        cluster_->add("a", [this](world w) { world_.emplace(w); });
    }

    std::unique_ptr<simulation::cluster> cluster_;
    std::optional<world> world_;

private:
    static simulation::options slow()
    {
        simulation::options o;
        o.disk.sync_min = 1s;
        o.disk.sync_tail = 0s;
        return o;
    }
};

class job_fixture : public simulated_fixture {
public:
    static constexpr bool destroying_the_driver_cancels = false;

    job_fixture() : driver_(world_)
    {
        error_code ec;
        file_ = driver_->blocking_files().open("file", perdure::open_mode::create, ec);
        REQUIRE(!ec);
    }

    template <class Token = asio::deferred_t>
    auto start(Token&& token = {})
    {
        return driver_->async_file_job(
            [this](world::files&, error_code& ec) {
                file_.sync(perdure::sync_mode::data, ec);
                ++effects_;
            },
            std::forward<Token>(token));
    }
    int effects() const { return effects_; }
    bool has_driver() const { return driver_.has_value(); }
    void destroy_driver() { driver_.reset(); }

private:
    world::files::file file_;
    int effects_ = 0;
    std::optional<world> driver_;
};

class log_fixture : public simulated_fixture {
public:
    static constexpr bool destroying_the_driver_cancels = true;

    log_fixture() : log_(std::in_place, *world_, "log") {}

    template <class Token = asio::deferred_t>
    auto start(Token&& token = {})
    {
        return log_->async_append("r", std::forward<Token>(token));
    }
    int effects() const
    {
        error_code ec;
        auto f = world_->blocking_files().open("log", perdure::open_mode::read, ec);
        REQUIRE(!ec);
        return static_cast<int>(f.size(ec));
    }
    bool has_driver() const { return log_.has_value(); }
    void destroy_driver() { log_.reset(); }

private:
    std::optional<group_log<world>> log_;
};

} // namespace

TEMPLATE_TEST_CASE("driver contract, in the simulation", "[simulation][sim]", job_fixture,
                   log_fixture)
{
    check_driver_contract<TestType>();
}

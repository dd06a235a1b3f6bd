// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/driver_contract.hpp"

#include "support/group_log.hpp"
#include "support/real_fixture.hpp"

#include <atomic>
#include <filesystem>
#include <optional>

namespace {

namespace asio = boost::asio;
using perdure::error_code;

/// The operation is a file job of the World itself.
class job_fixture : public real_fixture {
public:
    // A job that was initiated needs nothing of the World.
    static constexpr bool destroying_the_driver_cancels = false;

    job_fixture() : world_(make_world())
    {
        error_code ec;
        file_ = world_->blocking_files().open(directory_ / "file", perdure::open_mode::create, ec);
        REQUIRE(!ec);
    }

    template <class Token = asio::deferred_t>
    auto start(Token&& token = {})
    {
        // Jobs run one at a time, so they may share the file here.
        return world_->async_file_job(
            [this](world::files&, error_code& ec) {
                file_.sync(perdure::sync_mode::data, ec);
                ++effects_;
            },
            std::forward<Token>(token));
    }
    int effects() const { return effects_; }
    bool has_driver() const { return world_.has_value(); }
    void destroy_driver() { world_.reset(); }
    void finish_without_delivery()
    {
        while (effects_ < 3)
            std::this_thread::yield();
    }

private:
    world::files::file file_;
    std::atomic<int> effects_{0};
    std::optional<world> world_;
};

/// The operation is an append of a driver over files.
class log_fixture : public real_fixture {
public:
    static constexpr bool destroying_the_driver_cancels = true;

    log_fixture() : log_(std::in_place, make_world(), path()) {}

    template <class Token = asio::deferred_t>
    auto start(Token&& token = {})
    {
        return log_->async_append("r", std::forward<Token>(token));
    }
    int effects() const { return static_cast<int>(std::filesystem::file_size(path())); }
    bool has_driver() const { return log_.has_value(); }
    void destroy_driver() { log_.reset(); }
    void finish_without_delivery()
    {
        loop_->run_one(); // begins the sync
        while (effects() == 0)
            std::this_thread::yield();
    }

private:
    std::string path() const { return directory_ / "log"; }

    std::optional<group_log<world>> log_;
};

} // namespace

TEMPLATE_TEST_CASE("driver contract, in the real world", "[world][asio]", job_fixture, log_fixture)
{
    check_driver_contract<TestType>();
}

TEST_CASE("group_log: what waits shares one sync", "[world][asio]")
{
    log_fixture f;
    contract::outcome first;
    contract::outcome others[50];
    f.hold();
    f.start(contract::record(first));
    f.run_until_stuck();
    for (auto& o : others)
        f.start(contract::record(o));
    f.poll();
    f.release();
    f.run();
    CHECK(first.succeeded());
    for (auto const& o : others)
        CHECK(o.succeeded());
    CHECK(f.faults().calls(perdure::system_call::fdatasync) == 2);
    CHECK(f.faults().calls(perdure::system_call::pwritev) == 2);
}

TEST_CASE("group_log: after a failed write or sync it takes no more", "[world][asio]")
{
    auto const call = GENERATE(perdure::system_call::pwritev, perdure::system_call::fdatasync);
    auto const number = GENERATE(EIO, ENOSPC);
    log_fixture f;
    contract::outcome good;
    f.start(contract::record(good));
    f.run();
    CHECK(good.succeeded());
    f.faults().fail(call, number);
    contract::outcome failing;
    contract::outcome behind;
    f.start(contract::record(failing));
    f.run();
    f.start(contract::record(behind));
    CHECK(behind.calls == 0);
    f.run();
    CHECK(failing.calls == 1);
    CHECK(failing.ec == perdure::detail::error_of(-number));
    CHECK(behind.calls == 1);
    CHECK(behind.ec == perdure::errc::log_failed);
}

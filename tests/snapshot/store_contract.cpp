// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/driver_contract.hpp"
#include "support/real_fixture.hpp"
#include <perdure/snapshot/store.hpp>

#include <optional>

namespace {

namespace asio = boost::asio;
using perdure::error_code;

/// The operation is a save, which gets stuck in the sync before it publishes.
class save_fixture : public real_fixture {
public:
    static constexpr bool destroying_the_driver_cancels = true;

    save_fixture() : store_(std::in_place, make_world(), directory_ / "s", options())
    {
        std::filesystem::create_directory(directory_ / "s");
    }

    template <class Token = asio::deferred_t>
    auto start(Token&& token = {})
    {
        return store_->async_save(value_, 1, std::forward<Token>(token));
    }
    int effects() const
    {
        int n = 0;
        for (auto const& name : test::names_in(directory_ / "s"))
            n += name.ends_with(".snap") && !name.starts_with('.');
        return n;
    }
    bool has_driver() const { return store_.has_value(); }
    void destroy_driver() { store_.reset(); }

    // A save takes several turns of the loop until it syncs.
    void run_until_stuck()
    {
        auto const before = faults_->calls(perdure::system_call::fdatasync);
        while (faults_->calls(perdure::system_call::fdatasync) == before) {
            poll();
            std::this_thread::yield();
        }
        faults_->wait_until_held();
    }
    void finish_without_delivery()
    {
        while (effects() == 0) {
            loop_->restart();
            loop_->poll_one();
            std::this_thread::yield();
        }
    }

private:
    static perdure::snapshot_options options() { return {.generations = 1000}; }

    std::optional<perdure::basic_snapshot_store<world>> store_;
    int value_ = 1; // A deferred operation refers to it until it begins.
};

} // namespace

TEMPLATE_TEST_CASE("snapshot_store: driver contract", "[snapshot][asio]", save_fixture)
{
    check_driver_contract<TestType>();
}

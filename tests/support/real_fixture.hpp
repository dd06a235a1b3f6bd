// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_REAL_FIXTURE_HPP
#define PERDURE_TESTS_SUPPORT_REAL_FIXTURE_HPP

#include "support/temporary_directory.hpp"
#include <perdure/world/faulty_calls.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <thread>

/// The loop of the real world for the driver contract. Work is stuck when it is inside a held sync.
class real_fixture {
public:
    using world = perdure::basic_system_world<perdure::faulty_calls>;

    ~real_fixture()
    {
        if (releaser_.joinable())
            releaser_.join();
    }

    boost::asio::any_io_executor executor() { return loop_->get_executor(); }
    world make_world() { return world(*loop_, perdure::faulty_calls({faults_})); }

    perdure::call_faults& faults() { return *faults_; }

    void hold() { faults_->hold(perdure::system_call::fdatasync); }
    void release() { faults_->release(); }
    void release_soon()
    {
        releaser_ = std::thread([faults = faults_] {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            faults->release();
        });
    }

    void run()
    {
        loop_->restart();
        loop_->run();
    }
    void poll()
    {
        loop_->restart();
        loop_->poll();
    }
    void run_until_stuck()
    {
        poll();
        faults_->wait_until_held();
    }
    void destroy_loop() { loop_.reset(); }

protected:
    temporary_directory directory_;
    std::shared_ptr<perdure::call_faults> faults_ = std::make_shared<perdure::call_faults>();
    std::unique_ptr<boost::asio::io_context> loop_ = std::make_unique<boost::asio::io_context>();

private:
    std::thread releaser_;
};

#endif

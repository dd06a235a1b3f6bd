// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_WORLD_POSIX_SUPPORT_HPP
#define PERDURE_TESTS_WORLD_POSIX_SUPPORT_HPP

#include "support/catch.hpp"
#include <perdure/world/faulty_calls.hpp>
#include <perdure/world/posix_files.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

// What the tests of files on the system share.
namespace posix_test {

using namespace perdure;

using faulty_files = posix_files<faulty_calls>;

inline std::span<std::byte const> bytes(std::string_view s)
{
    return std::as_bytes(std::span(s.data(), s.size()));
}

template <class File>
std::string read(File& f, std::uint64_t offset = 0, std::size_t size = 1'000'000)
{
    std::string s(size, '\0');
    error_code ec;
    s.resize(f.read_at(offset, std::as_writable_bytes(std::span(s.data(), s.size())), ec));
    CHECK(!ec);
    return s;
}

inline std::string read(std::string const& path)
{
    error_code ec;
    auto f = posix_files<>().open(path, open_mode::read, ec);
    CHECK(!ec);
    return read(f);
}

inline void write(std::string const& path, std::string_view content)
{
    error_code ec;
    auto f = posix_files<>().open(path, open_mode::create, ec);
    f.write_at(0, bytes(content), ec);
    CHECK(!ec);
}

inline bool exists(std::string const& path)
{
    return std::filesystem::exists(path);
}

inline std::size_t open_descriptors()
{
    std::size_t n = 0;
    for ([[maybe_unused]] auto const& e : std::filesystem::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

/// Runs `operation` with its first call failing, then its second, ... until it needs no more calls.
/// Every failure must be reported, and none may leave a descriptor open. Returns the number of calls.
inline std::uint64_t fail_each_step(std::function<void(faulty_files&, error_code&)> const& prepare,
                             std::function<void(faulty_files&, error_code&)> const& operation,
                             int error_number = EIO)
{
    for (std::uint64_t step = 1;; ++step) {
        auto const faults = std::make_shared<call_faults>();
        faulty_files files{faulty_calls({faults})};
        error_code ec;
        prepare(files, ec);
        REQUIRE(!ec);
        auto const before = open_descriptors();
        auto const calls_before = faults->calls();
        faults->fail_any(error_number, step);
        operation(files, ec);
        CAPTURE(step, ec.message());
        if (!faults->all_happened()) {
            CHECK(!ec);
            return faults->calls() - calls_before;
        }
        CHECK(ec == error_code(error_number, boost::system::system_category()));
        CHECK(open_descriptors() == before);
        if (step > 100)
            FAIL("too many calls");
    }
}

} // namespace posix_test

#endif

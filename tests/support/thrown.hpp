// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_THROWN_HPP
#define PERDURE_TESTS_SUPPORT_THROWN_HPP

#include <exception>
#include <ostream>
#include <string>
#include <string_view>

namespace perdure::test {

/// The message of the std::exception that a call throws; "nothing was thrown" if none.
struct thrown {
    std::string message = "nothing was thrown";

    template <class F>
    explicit thrown(F f)
    {
        try {
            f();
        } catch (std::exception const& e) {
            message = e.what();
        }
    }

    bool operator==(std::string_view all) const { return message == all; }
    /// CHECK(thrown([&] { f(); }) % "part of the message");
    bool operator%(std::string_view part) const { return message.find(part) != std::string::npos; }

    friend std::ostream& operator<<(std::ostream& out, thrown const& t)
    {
        return out << '"' << t.message << '"';
    }
};

} // namespace perdure::test

#endif

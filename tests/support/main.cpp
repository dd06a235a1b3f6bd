// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>

int main(int argc, char* argv[])
{
    Catch::Session session;
    if (int const wrong = session.applyCommandLine(argc, argv); wrong != 0)
        return wrong;
    // A program all of whose cases skip, because what they need is not on this machine, has not failed.
    if (argc == 1)
        session.configData().allowZeroTests = true;
    return session.run();
}
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#ifdef __SANITIZE_THREAD__
// Asio counts the owners of a large executor with an acquire fence, which ThreadSanitizer does not know.
extern "C" char const* __tsan_default_suppressions()
{
    return "race:boost::asio::execution::detail::any_executor_base::destroy_shared\n";
}
#endif

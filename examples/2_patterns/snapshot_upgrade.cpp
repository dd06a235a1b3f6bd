// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Upgrades the version of a state: new fields, a changed meaning, and what an old program does.
//
// Prints what version 3 of a program makes of a file that version 1 wrote, and how version 1, started
// again by mistake, refuses the file of version 3 instead of misreading it. Three versions of one
// program are three namespaces here.

#include <perdure/snapshot/file.hpp>

#include <boost/serialization/version.hpp>

#include <iostream>
#include <string>
#include <vector>

// The program as first released.
namespace release1 {
struct settings {
    std::string host;
    int timeout_seconds = 0;

    template <class Archive>
    void serialize(Archive& ar, unsigned /*version*/)
    {
        ar& host& timeout_seconds;
    }
};
} // namespace release1

// Class version 1 added `retries`; class version 2 counts the timeout in milliseconds.
namespace release3 {
struct settings {
    std::string host;
    long timeout_milliseconds = 0;
    int retries = 3;

    template <class Archive>
    void serialize(Archive& ar, unsigned version)
    {
        ar& host;
        // Step by step: each branch knows one change, and no old file is forgotten.
        if (version >= 2) {
            ar& timeout_milliseconds;
        } else {
            int seconds = 0; // Only loading comes here: saving is always of the newest version.
            ar& seconds;
            timeout_milliseconds = seconds * 1000L;
        }
        if (version >= 1)
            ar& retries;
    }
};
} // namespace release3

BOOST_CLASS_VERSION(release3::settings, 2)

int main()
{
    // The type's name keeps files of other kinds out; the class version tells its releases apart.
    perdure::snapshot_options const options{.type = "settings"};
    perdure::error_code ec;

    perdure::save("settings.snap", release1::settings{"db.example", 30}, options);

    auto state = perdure::load<release3::settings>("settings.snap", options);
    std::cout << "release 3 reads the file of release 1: " << state.host << ", "
              << state.timeout_milliseconds << " ms, " << state.retries << " retries\n";

    state.retries = 5;
    perdure::save("settings.snap", state, options);
    auto const again = perdure::load<release3::settings>("settings.snap", options);
    std::cout << "release 3 reads its own file: " << again.retries << " retries\n";

    static_cast<void>(perdure::load<release1::settings>("settings.snap", ec, options));
    std::cout << "release 1 is refused: " << ec.message() << '\n';
    // A store behaves alike: load_newest ends with unsupported_version and falls back to nothing
    // older, because that would silently lose what happened since.
    return ec == perdure::errc::unsupported_version ? 0 : 1;
}

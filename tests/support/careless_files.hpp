// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_CARELESS_FILES_HPP
#define PERDURE_TESTS_SUPPORT_CARELESS_FILES_HPP

#include <perdure/simulation/disk_world.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace test {

/// What a storage engine may get wrong, done to it from below.
enum class mistake {
    none,
    directories_not_synced,
    files_not_synced,
    appends_not_synced,   ///< Acknowledged before the sync.
    snapshots_not_synced, ///< Their names: what they replace is gone before they are there for good.
};

/// The files of a simulated disk, with a mistake.
class careless_files : public perdure::simulation::disk_files {
    using base = perdure::simulation::disk_files;
    using error_code = perdure::error_code;

public:
    careless_files(base f, mistake m = mistake::none) : base(std::move(f)), mistake_(m) {}

    class file : public base::file {
    public:
        file() = default;
        file(base::file f, mistake m) : base::file(std::move(f)), mistake_(m) {}
        void sync(perdure::sync_mode mode, error_code& ec)
        {
            ec = {};
            if (mistake_ == mistake::files_not_synced ||
                (mistake_ == mistake::appends_not_synced && mode == perdure::sync_mode::data))
                return;
            base::file::sync(mode, ec);
        }

    private:
        mistake mistake_ = mistake::none;
    };

    file open(std::string const& path, perdure::open_mode mode, error_code& ec)
    {
        return file(base::open(path, mode, ec), mistake_);
    }
    void sync_directory(std::string const& path, error_code& ec)
    {
        ec = {};
        if (mistake_ == mistake::directories_not_synced ||
            (mistake_ == mistake::snapshots_not_synced && path.ends_with("/snapshots")))
            return;
        base::sync_directory(path, ec);
    }

private:
    mistake mistake_;
};

} // namespace test

#endif

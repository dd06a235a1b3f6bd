// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_HPP
#define PERDURE_TESTS_SUPPORT_TEMPORARY_DIRECTORY_HPP

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

/// A directory of its own for one test, removed with all that is in it.
class temporary_directory {
public:
    temporary_directory()
    {
        std::string name =
            (std::filesystem::temp_directory_path() / "perdure-test-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw std::runtime_error("cannot make the directory " + name);
        path_ = name;
    }
    temporary_directory(temporary_directory const&) = delete;
    temporary_directory& operator=(temporary_directory const&) = delete;
    ~temporary_directory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string const& path() const noexcept { return path_; }
    /// The path of `name` inside.
    std::string operator/(std::string const& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

#endif

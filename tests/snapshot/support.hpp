// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SNAPSHOT_SUPPORT_HPP
#define PERDURE_TESTS_SNAPSHOT_SUPPORT_HPP

#include "support/temporary_directory.hpp"
#include <perdure/snapshot/portable_iarchive.hpp>
#include <perdure/snapshot/portable_oarchive.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <vector>

namespace test {

using bytes = std::vector<std::byte>;

template <class T>
bytes to_bytes(T const& value, perdure::archive_limits limits = {})
{
    perdure::memory_sink sink;
    perdure::portable_oarchive ar(sink, limits);
    ar << value;
    ar.flush();
    return sink.release();
}

template <class T>
T from_bytes(std::span<std::byte const> b, perdure::archive_limits limits = {})
{
    T value{};
    perdure::memory_source source(b);
    perdure::portable_iarchive ar(source, limits);
    ar >> value;
    if (ar.remaining() != 0)
        throw std::runtime_error("bytes are left over");
    return value;
}

// What loading does: an error, or nothing.
template <class T>
perdure::error_code error_of(std::span<std::byte const> b, perdure::archive_limits limits = {})
{
    try {
        from_bytes<T>(b, limits);
        return {};
    } catch (boost::system::system_error const& e) {
        return e.code();
    }
}

inline bytes hex(std::initializer_list<int> values)
{
    bytes b;
    for (int v : values)
        b.push_back(static_cast<std::byte>(v));
    return b;
}

inline bytes read_file(std::string const& path)
{
    std::ifstream in(path, std::ios::binary);
    std::string const s{std::istreambuf_iterator<char>(in), {}};
    auto const* p = reinterpret_cast<std::byte const*>(s.data());
    return {p, p + s.size()};
}

inline void write_file(std::string const& path, std::span<std::byte const> b)
{
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<char const*>(b.data()), static_cast<std::streamsize>(b.size()));
}

// The names in a directory, sorted.
inline std::vector<std::string> names_in(std::string const& directory)
{
    std::vector<std::string> names;
    for (auto const& e : std::filesystem::directory_iterator(directory))
        names.push_back(e.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace test

#endif

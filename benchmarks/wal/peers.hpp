// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_WAL_PEERS_HPP
#define PERDURE_BENCHMARKS_WAL_PEERS_HPP

#include <memory>
#include <string>
#include <string_view>

namespace benchmark {

/// The log inside a database, used as a log. Appending: from any thread.
class peer {
public:
    virtual ~peer() = default;
    /// Appends a record, and returns when it is on disk (`sync`) or with the operating system.
    virtual void append(std::string_view record, bool sync) = 0;
};

/// RocksDB, its write-ahead log only: PutLogData, which goes into no table. Null if not installed.
std::unique_ptr<peer> open_rocksdb(std::string const& directory);
/// RocksDB with records that a reopening has to find: Put, under rising keys. Null if not installed.
std::unique_ptr<peer> open_rocksdb_with_keys(std::string const& directory);
/// LevelDB has no call for its log alone: Put, with the record as value of one and the same key.
std::unique_ptr<peer> open_leveldb(std::string const& directory);

} // namespace benchmark

#endif

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "peers.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#ifdef PERDURE_BENCHMARK_rocksdb
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#endif
#ifdef PERDURE_BENCHMARK_leveldb
#include <leveldb/db.h>
#include <leveldb/options.h>
#endif

namespace benchmark {

namespace {

template <class Status>
void check(Status const& s)
{
    if (s.ok())
        return;
    std::fprintf(stderr, "a peer failed: %s\n", s.ToString().c_str());
    std::exit(1);
}

#ifdef PERDURE_BENCHMARK_rocksdb
class rocksdb_peer final : public peer {
public:
    rocksdb_peer(std::string const& directory, bool with_keys) : with_keys_(with_keys)
    {
        rocksdb::Options o;
        o.create_if_missing = true;
        // What is not the log is kept out of the way: no flush, no compression, no statistics.
        o.write_buffer_size = std::size_t{4} << 30;
        o.db_write_buffer_size = 0;
        o.compression = rocksdb::kNoCompression;
        o.avoid_flush_during_shutdown = true;
        o.avoid_flush_during_recovery = true;
        o.stats_dump_period_sec = 0;
        o.stats_persist_period_sec = 0;
        rocksdb::DB* db = nullptr;
        check(rocksdb::DB::Open(o, directory, &db));
        db_.reset(db);
    }

    void append(std::string_view record, bool sync) override
    {
        rocksdb::WriteOptions how;
        how.sync = sync;
        rocksdb::WriteBatch batch;
        rocksdb::Slice const bytes(record.data(), record.size());
        if (with_keys_) {
            std::uint64_t const key = __builtin_bswap64(++last_key_);
            check(batch.Put(rocksdb::Slice(reinterpret_cast<char const*>(&key), sizeof key), bytes));
        } else {
            check(batch.PutLogData(bytes));
        }
        check(db_->Write(how, &batch));
    }

private:
    bool with_keys_;
    std::atomic<std::uint64_t> last_key_{0};
    std::unique_ptr<rocksdb::DB> db_;
};
#endif

#ifdef PERDURE_BENCHMARK_leveldb
class leveldb_peer final : public peer {
public:
    explicit leveldb_peer(std::string const& directory)
    {
        leveldb::Options o;
        o.create_if_missing = true;
        o.write_buffer_size = std::size_t{512} << 20;
        o.compression = leveldb::kNoCompression;
        leveldb::DB* db = nullptr;
        check(leveldb::DB::Open(o, directory, &db));
        db_.reset(db);
    }

    void append(std::string_view record, bool sync) override
    {
        leveldb::WriteOptions how;
        how.sync = sync;
        check(db_->Put(how, "k", leveldb::Slice(record.data(), record.size())));
    }

private:
    std::unique_ptr<leveldb::DB> db_;
};
#endif

} // namespace

std::unique_ptr<peer> open_rocksdb([[maybe_unused]] std::string const& directory)
{
#ifdef PERDURE_BENCHMARK_rocksdb
    return std::make_unique<rocksdb_peer>(directory, false);
#else
    return nullptr;
#endif
}

std::unique_ptr<peer> open_rocksdb_with_keys([[maybe_unused]] std::string const& directory)
{
#ifdef PERDURE_BENCHMARK_rocksdb
    return std::make_unique<rocksdb_peer>(directory, true);
#else
    return nullptr;
#endif
}

std::unique_ptr<peer> open_leveldb([[maybe_unused]] std::string const& directory)
{
#ifdef PERDURE_BENCHMARK_leveldb
    return std::make_unique<leveldb_peer>(directory);
#else
    return nullptr;
#endif
}

} // namespace benchmark

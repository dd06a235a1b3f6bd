// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/wal/group_builder.hpp>
#include <perdure/wal/wreck.hpp>

#include <map>
#include <string>
#include <vector>

using namespace perdure;

namespace {

using bytes = std::vector<std::byte>;
using records = std::map<position, std::string>;

/// One segment in memory, whose groups stand one behind the other.
class segment {
public:
    wal_format::segment_header header;
    bytes file = bytes(wal_format::page_bytes);

    segment()
    {
        header.sequence = 1;
        header.salt = 77;
        header.record_bytes_max = header.group_bytes_max = 4096;
    }

    /// Where the group's frames stand.
    std::vector<std::size_t> append(std::vector<bytes> const& texts)
    {
        group_builder group;
        group.begin(header, next_);
        std::vector<std::size_t> at;
        for (auto const& t : texts) {
            at.push_back(file.size() + group.size());
            next_ = group.add_record(t) + 1;
        }
        at.push_back(file.size() + group.size());
        digest_ = group.finish(digest_, next_ - 1, 1, 0);
        file.insert(file.end(), group.bytes().begin(), group.bytes().end());
        return at;
    }

    /// What can be read behind the header page, whatever is damaged.
    records search(wreck_findings& found) const
    {
        struct source {
            segment const* of;
            std::vector<stored_segment> all;
            std::vector<stored_segment> const& segments() const { return all; }
            std::size_t read(std::uint64_t, std::uint64_t at, std::span<std::byte> to,
                             error_code& ec) const
            {
                ec = {};
                auto const n = std::min<std::size_t>(to.size(), of->file.size() - at);
                std::copy_n(of->file.begin() + static_cast<std::ptrdiff_t>(at), n, to.begin());
                return n;
            }
        } from{this, {{1, file.size()}}};
        static_assert(segment_source<source>);
        records all;
        group_unpacker unpacker;
        error_code ec;
        search_wreck(from, header, wal_format::page_bytes, file.size(), unpacker, found, ec,
                     [&](position p, std::span<std::byte const> b) {
                         CHECK(!all.contains(p));
                         all[p] = std::string(as_text(b));
                     });
        CHECK_FALSE(ec);
        return all;
    }
    records search() const
    {
        wreck_findings found;
        return search(found);
    }

    void ruin(std::size_t at) { file[at + wal_format::frame_bytes - 1] ^= std::byte{1}; }

private:
    position next_ = 1;
    std::uint64_t digest_ = 0;
};

bytes text(std::string_view s)
{
    auto const b = as_bytes(s);
    return {b.begin(), b.end()};
}

/// A whole frame of a record, as somebody writes it who knows the segment.
bytes forged(segment const& of, position at, std::uint32_t index, std::string_view s)
{
    bytes frame(wal_format::frame_bytes + wal_format::padded(s.size()));
    std::copy_n(as_bytes(s).begin(), s.size(), frame.begin() + wal_format::frame_bytes);
    encode(wal_format::frame_header{static_cast<std::uint32_t>(s.size()),
                                    wal_format::frame_type::record, at, of.header.epoch(),
                                    wal_format::payload_checksum(of.header.checksum, as_bytes(s)),
                                    index},
           frame.data());
    return frame;
}

} // namespace

TEST_CASE("search_wreck: all of an intact segment is found", "[wal][core]")
{
    segment s;
    s.append({text("one"), text("two")});
    s.append({text("three")});
    wreck_findings found;
    CHECK(s.search(found) == records{{1, "one"}, {2, "two"}, {3, "three"}});
    CHECK(found.sealed == 3);
    CHECK(found.readable.missing_from({1, 3}).empty());
    CHECK(found.intact_bytes == found.used_bytes);
}

TEST_CASE("search_wreck: behind an unreadable header the other records of the group are found",
          "[wal][core]")
{
    for (std::size_t const lost : {0u, 1u, 2u}) {
        segment s;
        auto const at = s.append({text("one"), text("two"), text("three")});
        s.append({text("four")});
        s.ruin(at[lost]);
        records expected{{1, "one"}, {2, "two"}, {3, "three"}, {4, "four"}};
        expected.erase(lost + 1);
        CHECK(s.search() == expected);
    }
}

TEST_CASE("search_wreck: a header that was written anew is not the one its seal vouches for",
          "[wal][core]")
{
    segment s;
    auto const at = s.append({text("one"), text("two")});
    s.append({text("three")});
    // Its own checksums are good, and so are position and index.
    auto const false_one = forged(s, 1, 0, "uno");
    std::copy(false_one.begin(), false_one.end(),
              s.file.begin() + static_cast<std::ptrdiff_t>(at[0]));
    wreck_findings found;
    CHECK(s.search(found) == records{{3, "three"}});
    CHECK(found.readable.missing_from({1, 3}) == std::vector<position_range>{{1, 2}});
}

TEST_CASE("search_wreck: a frame within a record is not believed at any other place of the log",
          "[wal][core]")
{
    for (position const at : {0u, 1u, 2u, 3u, 4u, 5u, 1000u})
        for (std::uint32_t const index : {0u, 1u, 2u, 3u, 7u}) {
            if (at == 2 && index == 1)
                continue; // Its own place: see the model.
            INFO("planted at position " << at << " with index " << index);
            segment s;
            auto const places =
                s.append({text("one"), forged(s, at, index, "planted"), text("three")});
            s.append({text("four")});
            CHECK(s.search().size() == 4);
            s.ruin(places[1]);
            auto const found = s.search();
            CHECK(found.contains(1));
            for (auto const& [p, t] : found)
                CHECK(t != "planted");
            CHECK(found.contains(4));
        }
}

TEST_CASE("search_wreck: without a seal a frame is not believed beyond the next group",
          "[wal][core]")
{
    segment s;
    auto const places = s.append({text("one"), forged(s, 3, 0, "planted")});
    s.append({text("three"), text("four")});
    s.ruin(places[1]);
    s.ruin(places[2]);
    CHECK(s.search() == records{{1, "one"}, {3, "three"}, {4, "four"}});
}

TEST_CASE("search_wreck: a record that is not encrypted is none in an encrypted segment",
          "[wal][core]")
{
    segment s;
    s.append({text("one")});
    s.header.encryption = wal_format::encryption_kind::aes_256_gcm;
    wreck_findings found;
    CHECK(s.search(found).empty());
    CHECK(found.readable.ranges().empty());
}

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_CONFORMANCE_HPP
#define PERDURE_SNAPSHOT_CONFORMANCE_HPP

#include <perdure/snapshot/backend.hpp>
#include <perdure/snapshot/catalogue.hpp>
#include <perdure/snapshot/codec.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

// Whether a back end keeps the promises of snapshot_backend. For tests, ours and yours: no test framework is needed.

namespace perdure {

/// What a back end was found to do wrong.
struct conformance_report {
    unsigned checks = 0;               ///< Made.
    std::vector<std::string> failures; ///< One line each: what was expected, and what happened.

    /// Whether every check passed.
    bool conforms() const noexcept { return failures.empty(); }
};

/// One line if it conforms, else one line a failure.
inline std::ostream& operator<<(std::ostream& os, conformance_report const& r)
{
    os << r.checks << " checks, " << r.failures.size() << " failed";
    for (auto const& f : r.failures)
        os << '\n' << f;
    return os;
}

namespace detail {

template <class Make>
class conformance_checks {
    using backend = std::remove_cvref_t<std::invoke_result_t<Make&>>;

public:
    explicit conformance_checks(Make& make) : make_(make) {}

    conformance_report run()
    {
        try {
            exclusive();
            objects();
            names_are_given_once();
            removal();
            aside();
            sizes();
            two_at_once();
            reopened();
            store();
        } catch (stop const&) {
            report_.failures.push_back("nothing more can be checked");
        }
        return std::move(report_);
    }

private:
    using bytes = std::vector<std::byte>;

    struct stop {}; // An upload that could not be begun must not be used.

    auto begun(backend& b, std::string const& name)
    {
        error_code ec;
        auto upload = b.create(name, ec);
        check(ec, "create");
        if (ec)
            throw stop{};
        return upload;
    }

    void check(bool ok, std::string what)
    {
        ++report_.checks;
        if (!ok)
            report_.failures.push_back(std::move(what));
    }
    void check(error_code ec, std::string const& what)
    {
        check(!ec, what + ": " + ec.message());
    }

    static bytes pattern(std::size_t n, unsigned seed)
    {
        bytes b(n);
        for (std::size_t i = 0; i != n; ++i)
            b[i] = static_cast<std::byte>((i * 31 + seed * 7 + i / 251) & 0xff);
        return b;
    }

    backend opened()
    {
        backend b = make_();
        error_code ec;
        b.open(ec);
        check(ec, "open");
        return b;
    }

    error_code put(backend& b, std::string const& name, bytes const& content)
    {
        error_code ec;
        auto upload = b.create(name, ec);
        if (ec)
            return ec;
        std::array<std::span<std::byte const>, 1> const parts{content};
        if (!content.empty())
            upload.append(parts, ec);
        if (!ec)
            upload.commit(ec);
        return ec;
    }

    // The content, or nothing if there is no such object.
    std::optional<bytes> get(backend& b, std::string const& name)
    {
        error_code ec;
        auto object = b.find(name, ec);
        if (ec) {
            check(ec == boost::system::errc::no_such_file_or_directory,
                  "find(" + name + ") reports no_such_file_or_directory, not " + ec.message());
            return std::nullopt;
        }
        bytes content(static_cast<std::size_t>(object.size(ec)));
        check(ec, "size of " + name);
        if (ec)
            return std::nullopt;
        std::size_t at = 0;
        while (at != content.size()) { // In odd pieces.
            auto const piece = std::min<std::size_t>(content.size() - at, 99'991);
            auto const n = object.read_at(at, std::span(content).subspan(at, piece), ec);
            check(!ec && n == piece, "read_at of " + name + " is short only at the end");
            if (ec || n != piece)
                return std::nullopt;
            at += n;
        }
        std::array<std::byte, 16> beyond;
        check(object.read_at(content.size(), beyond, ec) == 0 && !ec,
              "read_at behind the end of " + name + " gives 0 bytes and no error");
        if (!content.empty())
            check(object.read_at(content.size() - 1, beyond, ec) == 1 && !ec &&
                      beyond[0] == content.back(),
                  "read_at across the end of " + name + " gives what there is");
        return content;
    }

    std::vector<stored_object> listed(backend& b)
    {
        error_code ec;
        auto all = b.list(ec);
        check(ec, "list");
        check(std::is_sorted(all.begin(), all.end(),
                             [](auto const& x, auto const& y) { return x.name < y.name; }),
              "list is sorted by name");
        return all;
    }

    bool lists(backend& b, std::string const& name, std::uint64_t size, bool is_aside)
    {
        auto const all = listed(b);
        return std::count(all.begin(), all.end(), stored_object{name, size, is_aside}) == 1;
    }

    bool absent(backend& b, std::string const& name)
    {
        for (auto const& o : listed(b))
            if (o.name == name)
                return false;
        return !get(b, name).has_value();
    }

    void exclusive()
    {
        error_code ec;
        {
            backend first = opened();
            first.open(ec);
            check(ec, "open a second time");
            backend second = make_();
            second.open(ec);
            check(ec == errc::locked, "a second back end on the same storage is refused with "
                                      "errc::locked, not '" +
                                          ec.message() + "'");
            backend moved = std::move(first);
            check(listed(moved).empty(), "the storage is empty at first");
        }
        opened(); // The lock went with its owner.
    }

    void objects()
    {
        backend b = opened();
        error_code ec;
        auto const content = pattern(1000, 1);
        {
            auto upload = begun(b, "snapshot-1.snap");
            std::array<std::span<std::byte const>, 3> const parts{
                std::span(content).first(10), std::span(content).subspan(10, 0),
                std::span(content).subspan(10, 500)};
            upload.append(parts, ec);
            check(ec, "append");
            check(absent(b, "snapshot-1.snap"), "an upload is invisible until it is committed");
            auto moved = std::move(upload);
            std::array<std::span<std::byte const>, 1> const rest{std::span(content).subspan(510)};
            moved.append(rest, ec);
            check(ec, "append to an upload that was moved");
            moved.commit(ec);
            check(ec, "commit");
        }
        check(get(b, "snapshot-1.snap") == content, "what was committed can be read");
        check(lists(b, "snapshot-1.snap", 1000, false), "what was committed is listed");
        {
            auto dropped = begun(b, "snapshot-2.snap");
            std::array<std::span<std::byte const>, 1> const parts{content};
            dropped.append(parts, ec);
            check(ec, "append");
        }
        check(absent(b, "snapshot-2.snap"), "an upload that is destroyed leaves nothing visible");
        check(put(b, "snapshot-2.snap", pattern(7, 2)),
              "the name of an upload that was destroyed is free");
        check(get(b, "snapshot-2.snap") == pattern(7, 2), "and holds the new bytes");
    }

    void names_are_given_once()
    {
        backend b = opened();
        check(put(b, "snapshot-1.snap", pattern(20, 3)) == boost::system::errc::file_exists,
              "a commit under a name in use is refused with file_exists");
        check(get(b, "snapshot-1.snap") == pattern(1000, 1), "and the old bytes stay");
    }

    void removal()
    {
        backend b = opened();
        error_code ec;
        b.remove("snapshot-2.snap", ec);
        check(ec, "remove");
        check(absent(b, "snapshot-2.snap"), "what was removed is gone");
        b.remove("snapshot-2.snap", ec);
        check(ec, "removing what is not there");
        check(put(b, "snapshot-2.snap", pattern(9, 4)), "a removed name is free");
        check(get(b, "snapshot-2.snap") == pattern(9, 4), "and holds the new bytes");
    }

    void aside()
    {
        backend b = opened();
        error_code ec;
        b.put_aside("snapshot-2.snap", ec);
        check(ec, "put_aside");
        check(lists(b, "snapshot-2.snap", 9, true), "what was put aside is listed as that");
        check(!get(b, "snapshot-2.snap").has_value(), "what was put aside is not found");
        check(put(b, "snapshot-2.snap", pattern(3, 5)) == boost::system::errc::file_exists,
              "the name of what was put aside is not given again");
        b.remove("snapshot-2.snap", ec);
        check(ec, "remove of a name that was put aside");
        check(lists(b, "snapshot-2.snap", 9, true), "remove does not touch what was put aside");
        b.put_aside("snapshot-9.snap", ec);
        check(ec == boost::system::errc::no_such_file_or_directory,
              "putting aside what is not there is no_such_file_or_directory, not '" + ec.message() +
                  "'");
    }

    void sizes()
    {
        backend b = opened();
        error_code ec;
        check(put(b, "empty.attempt-1", {}), "commit of an empty object");
        check(get(b, "empty.attempt-1") == bytes{}, "an empty object is found");
        auto const large = pattern(5 * 1024 * 1024 + 123, 6);
        auto upload = begun(b, "large");
        for (std::size_t at = 0; at < large.size() && !ec; at += 700'001) {
            std::array<std::span<std::byte const>, 1> const parts{
                std::span(large).subspan(at, std::min<std::size_t>(700'001, large.size() - at))};
            upload.append(parts, ec);
        }
        check(ec, "append of a large object");
        if (!ec)
            upload.commit(ec);
        check(ec, "commit of a large object");
        check(get(b, "large") == large, "a large object is read back");
    }

    void two_at_once()
    {
        backend b = opened();
        error_code ec;
        auto one = begun(b, "twice");
        auto two = begun(b, "twice"); // Both may be under way.
        auto const first = pattern(10, 7);
        auto const second = pattern(11, 8);
        std::array<std::span<std::byte const>, 1> const a{first};
        std::array<std::span<std::byte const>, 1> const c{second};
        one.append(a, ec);
        two.append(c, ec);
        two.commit(ec);
        check(ec, "the first commit");
        one.commit(ec);
        check(ec == boost::system::errc::file_exists, "the second commit is refused");
        check(get(b, "twice") == second, "the first commit wins");
    }

    void reopened()
    {
        backend b = opened();
        check(get(b, "snapshot-1.snap") == pattern(1000, 1), "objects outlive the back end");
        check(lists(b, "snapshot-2.snap", 9, true), "what was put aside stays so");
        check(listed(b).size() == 5, "nothing else is listed");
        error_code ec;
        for (auto const* name : {"snapshot-1.snap", "empty.attempt-1", "large", "twice"})
            b.remove(name, ec);
        check(listed(b).size() == 1, "what was put aside is all that is left");
    }

    // A store of snapshots works on it: retention, ids, fallback, quarantine of what ends its loader.
    void store()
    {
        for (std::uint64_t n = 1; n <= 4; ++n) {
            snapshot_catalogue<backend> c(make_(), {});
            error_code ec;
            check(save(c, n, ec) == n, "ids of snapshots grow by one");
            check(ec, "save");
        }
        {
            snapshot_catalogue<backend> c(make_(), {});
            error_code ec;
            check(c.ids(ec) == std::vector<std::uint64_t>{3, 4}, "two generations are kept");
            check(load(c, ec) == 4, "the newest is loaded");
            c.put_aside(4, ec);
            check(ec, "putting a snapshot aside");
            check(load(c, ec) == 3, "the older one is loaded");
            check(save(c, 5, ec) == 5, "the id of what was put aside is not given again");
        }
        struct crash {};
        for (int attempt = 1; attempt <= 2; ++attempt) {
            snapshot_catalogue<backend> c(make_(), {});
            snapshot_report report;
            error_code ec;
            std::uint64_t seen = 0;
            try {
                c.load_newest(
                    1, [](std::uint32_t) { return true; },
                    [&](snapshot_content const& content, error_code&) {
                        seen = content.info().id;
                        throw crash{};
                    },
                    report, ec);
            } catch (crash const&) {
            }
            check(seen == 5, "a load that crashed is tried again");
        }
        snapshot_catalogue<backend> c(make_(), {});
        error_code ec;
        check(load(c, ec) == 3, "after two loads that crashed the snapshot is passed over");
        check(save(c, 6, ec) == 6, "and its id is not given again");
    }

    std::uint64_t save(snapshot_catalogue<backend>& c, std::uint64_t n, error_code& ec)
    {
        auto writer = c.begin(n, 1, 1, ec);
        if (ec)
            return 0;
        memory_sink sink;
        portable_codec{}.encode(n, sink);
        writer->append(sink.bytes(), ec);
        return ec ? 0 : c.publish(*writer, ec).id;
    }

    std::uint64_t load(snapshot_catalogue<backend>& c, error_code& ec)
    {
        std::uint64_t value = 0;
        snapshot_report report;
        c.load_newest(
            1, [](std::uint32_t v) { return v == 1; },
            [&](snapshot_content const& content, error_code& failed) {
                translate_decode(
                    [&] {
                        segmented_source source(content.bytes());
                        portable_codec{}.decode(source, value);
                    },
                    failed);
            },
            report, ec);
        return ec ? 0 : value;
    }

    Make& make_;
    conformance_report report_;
};

} // namespace detail

/** Checks a back end of snapshots against the table of `snapshot_backend`.
 *
 *  `make()` returns a back end on the same storage each time; it is called again after the
 *  one before was destroyed, and once while another is open. The storage is empty at first, and is left with
 *  some objects.
 *
 *      auto const report = perdure::check_snapshot_backend([&] { return my_backend(storage); });
 *      if (!report.conforms())
 *          std::cerr << report << '\n';
 *
 *  Takes about 10 MiB of storage. What needs a crash is not seen here: see simulation/crash_states.hpp.
 */
template <std::invocable Make>
    requires snapshot_backend<std::remove_cvref_t<std::invoke_result_t<Make&>>>
[[nodiscard]] conformance_report check_snapshot_backend(Make make)
{
    return detail::conformance_checks<Make>(make).run();
}

} // namespace perdure

#endif

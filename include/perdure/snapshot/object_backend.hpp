// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_OBJECT_BACKEND_HPP
#define PERDURE_SNAPSHOT_OBJECT_BACKEND_HPP

#include <perdure/snapshot/backend.hpp>
#include <perdure/snapshot/object_catalogue.hpp>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/random.h>
#include <utility>
#include <vector>

namespace perdure {

/// What a conditional put came to.
struct put_outcome {
    bool stored = false; ///< False: the condition did not hold, and nothing was changed.
    std::string tag{};   ///< Of the object as stored; empty if the store does not say it.
};

/** A client of a store of whole objects, such as S3: no append, no rename, no list; only conditional writes.
 *
 *  | expression                           | meaning                                                        |
 *  |--------------------------------------|----------------------------------------------------------------|
 *  | `c.get(key, tag, ec)`                | the object's bytes, and its tag; `no_such_file_or_directory`     |
 *  | `c.get_range(key, offset, out, ec)`  | reads a part; the number of bytes, short only at the end         |
 *  | `c.put_new(key, bytes, ec)`          | stores it only if there is none: a put_outcome                  |
 *  | `c.put_if(key, tag, bytes, ec)`      | stores it only if it has that tag: a put_outcome                |
 *  | `c.remove(key, ec)`                  | no error if there is none                                       |
 *
 *  After any other error a put may have happened or not.
 */
template <class C>
concept object_client =
    std::movable<C> && requires(C& c, std::string const& key, std::string& tag,
                                std::span<std::byte> out, std::span<std::byte const> bytes,
                                std::uint64_t offset, error_code& ec) {
        {
            c.get(key, tag, ec)
        } -> std::same_as<std::vector<std::byte>>;
        {
            c.get_range(key, offset, out, ec)
        } -> std::same_as<std::size_t>;
        {
            c.put_new(key, bytes, ec)
        } -> std::same_as<put_outcome>;
        {
            c.put_if(key, tag, bytes, ec)
        } -> std::same_as<put_outcome>;
        {
            c.remove(key, ec)
        } -> std::same_as<void>;
    };

/// Where in the store snapshots lie, and in parts of which size.
struct object_backend_options {
    std::string prefix{}; ///< Before every key, for example "orders/".
    std::size_t part_bytes = 4u << 20; ///< An object is stored in parts of this size, at least 1.
    /** Takes the storage from an owner that may still be alive; that one's next commit is refused.
     *
     *  Nothing else frees it when its owner crashed: there are no clocks to trust.
     */
    bool take_over = false;
};

/** Snapshots in a store of whole objects; models `snapshot_backend`.
 *
 *  Parts are immutable objects. One small object, the catalogue (docs/formats/object_store.md), names what is
 *  published; publishing, removing and putting aside each replace it under the condition that it is the one
 *  that was read. So nothing is visible by halves, and an owner that was replaced can publish nothing more.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <object_client Client>
class object_backend {
    struct state {
        state(Client c, object_backend_options o) : client(std::move(c)), options(std::move(o))
        {
            if (options.part_bytes == 0)
                throw std::invalid_argument(
                    "object_backend_options.part_bytes is 0; a part holds at least a byte");
        }

        Client client;
        object_backend_options options;
        object_catalogue catalogue;
        std::string tag;
        std::uint64_t owner = 0; // 0: not open

        std::string catalogue_key() const { return options.prefix + "catalogue"; }
        std::string part_key(std::uint64_t id, std::uint64_t n) const
        {
            return options.prefix + "part-" + std::to_string(id) + '-' + std::to_string(n);
        }

        // What is in memory stays as it is where that fails.
        void read(error_code& ec)
        {
            std::string current;
            auto const bytes = client.get(catalogue_key(), current, ec);
            auto found = ec ? object_catalogue() : decode_object_catalogue(bytes, ec);
            if (ec)
                return;
            catalogue = std::move(found);
            tag = std::move(current);
        }

        // The same for the owner. With the tag of another one's catalogue the next change would take it from that one.
        void read_own(error_code& ec)
        {
            read(ec);
            if (!ec && (owner == 0 || catalogue.owner != owner)) {
                owner = 0;
                ec = errc::locked;
            }
        }

        // Changes the catalogue. Where the answer was lost, finds out whether it was changed.
        template <class Change>
        void update(Change change, error_code& ec)
        {
            for (int attempt = 0; attempt != 5; ++attempt) {
                if (owner == 0) { // It is another's by now.
                    ec = errc::locked;
                    return;
                }
                auto next = catalogue;
                ec = {};
                change(next, ec);
                if (ec)
                    return;
                next.owner = owner;
                ++next.revision;
                auto const bytes = encode_object_catalogue(next);
                auto const put = client.put_if(catalogue_key(), tag, bytes, ec);
                if (!ec && put.stored) {
                    catalogue = std::move(next);
                    tag = put.tag;
                    return;
                }
                auto const failed = ec;
                read(ec);
                if (ec) {
                    ec = failed ? failed : ec;
                    return;
                }
                if (catalogue == next)
                    return; // It was stored.
                if (catalogue.owner != owner) {
                    owner = 0;
                    ec = errc::locked;
                    return;
                }
            }
            ec = make_error_code(boost::system::errc::resource_unavailable_try_again);
        }

        void remove_parts(std::uint64_t id, std::uint64_t count)
        {
            error_code ignored;
            for (std::uint64_t n = 0; n != count; ++n)
                client.remove(part_key(id, n), ignored);
        }
    };

public:
    /// Touches nothing before open.
    object_backend(Client client, object_backend_options options = {})
        : state_(std::make_shared<state>(std::move(client), std::move(options)))
    {
    }
    object_backend(object_backend&&) noexcept = default;
    object_backend& operator=(object_backend&& other) noexcept
    {
        close();
        state_ = std::move(other.state_);
        return *this;
    }
    ~object_backend() { close(); }

    /// An object that is being written; see snapshot_backend.
    class upload {
    public:
        upload() = default;
        upload(upload&& other) noexcept
            : state_(std::move(other.state_)),
              name_(std::move(other.name_)),
              buffer_(std::move(other.buffer_)),
              id_(std::exchange(other.id_, 0)),
              parts_(other.parts_),
              size_(other.size_),
              asked_(other.asked_)
        {
        }
        upload& operator=(upload&& other) noexcept
        {
            discard();
            state_ = std::move(other.state_);
            name_ = std::move(other.name_);
            buffer_ = std::move(other.buffer_);
            id_ = std::exchange(other.id_, 0);
            parts_ = other.parts_;
            size_ = other.size_;
            asked_ = other.asked_;
            return *this;
        }
        ~upload() { discard(); }

        /// Adds bytes at the end.
        void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
        {
            ec = {};
            for (auto p : parts)
                while (!p.empty() && !ec) {
                    auto const room = state_->options.part_bytes - buffer_.size();
                    auto const some = p.first(std::min(room, p.size()));
                    buffer_.insert(buffer_.end(), some.begin(), some.end());
                    size_ += some.size();
                    p = p.subspan(some.size());
                    if (buffer_.size() == state_->options.part_bytes)
                        store_part(ec);
                }
        }

        /// Publishes the object durably and atomically, if its name is free; else `file_exists`.
        void commit(error_code& ec)
        {
            ec = {};
            if (!buffer_.empty())
                store_part(ec);
            if (ec)
                return;
            state_->update(
                [&](object_catalogue& c, error_code& refused) {
                    if (c.find(name_) != nullptr) {
                        refused = make_error_code(boost::system::errc::file_exists);
                        return;
                    }
                    asked_ = true;
                    std::erase_if(c.pending, [&](auto const& u) { return u.id == id_; });
                    c.add({name_, id_, size_, state_->options.part_bytes, false});
                },
                ec);
            if (!ec)
                id_ = 0;
        }

    private:
        friend class object_backend;

        void store_part(error_code& ec)
        {
            // The key is ours alone, so what is there already is what a lost answer was about.
            state_->client.put_new(state_->part_key(id_, parts_), buffer_, ec);
            if (ec)
                state_->client.put_new(state_->part_key(id_, parts_), buffer_, ec);
            if (!ec) {
                ++parts_;
                buffer_.clear();
            }
        }

        // The catalogue goes on listing it as pending, so that whoever opens next looks for what is left.
        void discard() noexcept
        {
            auto const id = std::exchange(id_, 0);
            // After a commit that failed it may be published all the same, or be so yet.
            if (id == 0 || asked_ || state_->owner == 0)
                return;
            try {
                state_->remove_parts(id, parts_ + 1);
            } catch (...) {
            }
        }

        std::shared_ptr<state> state_;
        std::string name_;
        std::vector<std::byte> buffer_;
        std::uint64_t id_ = 0; // 0: nothing to discard
        std::uint64_t parts_ = 0;
        std::uint64_t size_ = 0;
        bool asked_ = false; // for it to be published
    };

    /// An object that is read; see snapshot_backend.
    class object {
    public:
        object() = default;
        std::uint64_t size(error_code& ec) const
        {
            ec = {};
            return entry_.size;
        }
        /// Fills `to` from `offset` on; fewer bytes only at the end.
        std::size_t read_at(std::uint64_t offset, std::span<std::byte> out, error_code& ec)
        {
            ec = {};
            std::size_t done = 0;
            while (done != out.size() && offset < entry_.size && !ec) {
                auto const part = offset / entry_.part_bytes;
                auto const at = offset % entry_.part_bytes;
                auto const want = std::min<std::uint64_t>(
                    {out.size() - done, entry_.part_bytes - at, entry_.size - offset});
                auto const n = state_->client.get_range(
                    state_->part_key(entry_.id, part), at,
                    out.subspan(done, static_cast<std::size_t>(want)), ec);
                done += n;
                offset += n;
                if (ec == boost::system::errc::no_such_file_or_directory)
                    ec = {};
                if (!ec && n != want)
                    break; // A part was cut or lost: the reader finds out.
            }
            return done;
        }

    private:
        friend class object_backend;
        std::shared_ptr<state> state_;
        object_catalogue::entry entry_;
    };

    /// Makes the back end ready and takes its lock.
    void open(error_code& ec)
    {
        ec = {};
        auto& s = *state_;
        if (s.owner != 0)
            return;
        std::uint64_t mine = 0;
        while (mine == 0)
            if (::getrandom(&mine, sizeof mine, 0) != sizeof mine) {
                ec = error_code(errno, boost::system::system_category());
                return;
            }
        s.read(ec);
        if (ec == boost::system::errc::no_such_file_or_directory) {
            s.catalogue = {};
            auto const put =
                s.client.put_new(s.catalogue_key(), encode_object_catalogue(s.catalogue), ec);
            s.tag = put.tag;
            if (ec || !put.stored || put.tag.empty())
                s.read(ec);
        }
        if (!ec && s.catalogue.owner != 0 && !s.options.take_over)
            ec = errc::locked;
        if (ec)
            return;
        // What uploads left that were not committed, and what was removed.
        auto const leftovers = s.catalogue.pending;
        s.owner = mine;
        s.update([&](object_catalogue& c, error_code&) { c.pending = leftovers; }, ec);
        if (ec) {
            s.owner = 0;
            return;
        }
        remove_leftovers(leftovers);
    }

    /// Every object that is there, with those put aside.
    std::vector<stored_object> list(error_code& ec)
    {
        std::vector<stored_object> all;
        state_->read_own(ec);
        if (!ec)
            for (auto const& e : state_->catalogue.entries)
                all.push_back({e.name, e.size, e.put_aside});
        return all;
    }

    /// Begins an object; nobody sees it before commit.
    upload create(std::string const& name, error_code& ec)
    {
        upload u;
        u.state_ = state_;
        u.name_ = name;
        std::uint64_t id = 0;
        state_->update(
            [&](object_catalogue& c, error_code&) {
                id = c.next_id++;
                c.pending.push_back({id, 0});
            },
            ec);
        if (!ec)
            u.id_ = id;
        return u;
    }

    /// An object to read.
    object find(std::string const& name, error_code& ec)
    {
        object o;
        auto const* const e = state_->catalogue.find(name);
        if (e == nullptr || e->put_aside) {
            ec = make_error_code(boost::system::errc::no_such_file_or_directory);
            return o;
        }
        ec = {};
        o.state_ = state_;
        o.entry_ = *e;
        return o;
    }

    /// Takes an object away; no error if there is none.
    void remove(std::string const& name, error_code& ec)
    {
        ec = {};
        auto const* const e = state_->catalogue.find(name);
        if (e == nullptr || e->put_aside)
            return;
        auto const id = e->id;
        auto const parts = e->parts();
        state_->update(
            [&](object_catalogue& c, error_code&) {
                std::erase_if(c.entries, [&](auto const& x) { return x.name == name; });
                c.pending.push_back({id, parts}); // Until its parts are gone.
            },
            ec);
        if (!ec)
            remove_leftovers({{id, parts}});
    }

    /// Hides an object from find and keeps its bytes.
    void put_aside(std::string const& name, error_code& ec)
    {
        state_->update(
            [&](object_catalogue& c, error_code& refused) {
                auto* const e = c.find(name);
                if (e == nullptr || e->put_aside)
                    refused = make_error_code(boost::system::errc::no_such_file_or_directory);
                else
                    e->put_aside = true;
            },
            ec);
    }

    /// What it talks to.
    Client& client() noexcept { return state_->client; }

private:
    void remove_leftovers(std::vector<object_catalogue::upload> const& leftovers)
    {
        for (auto const& u : leftovers) {
            // How many parts an upload had that was never committed is unknown: up to the first that is not there.
            if (u.parts != 0) {
                state_->remove_parts(u.id, u.parts);
                continue;
            }
            for (std::uint64_t n = 0;; ++n) {
                error_code ec;
                std::byte first;
                auto const key = state_->part_key(u.id, n);
                state_->client.get_range(key, 0, {&first, 1}, ec);
                if (ec)
                    break;
                state_->client.remove(key, ec);
            }
        }
        error_code ignored; // Listed twice they are looked for twice.
        state_->update(
            [&](object_catalogue& c, error_code&) {
                std::erase_if(c.pending, [&](auto const& p) {
                    return std::any_of(leftovers.begin(), leftovers.end(),
                                       [&](auto const& u) { return u.id == p.id; });
                });
            },
            ignored);
    }

    void close() noexcept
    {
        if (!state_ || state_->owner == 0)
            return;
        try {
            error_code ignored;
            if (state_->tag.empty()) // The store did not say it.
                state_->read_own(ignored);
            if (std::exchange(state_->owner, 0) == 0)
                return; // It is another's by now.
            // The condition holds only if nobody took over.
            auto free = state_->catalogue;
            free.owner = 0;
            ++free.revision;
            state_->client.put_if(state_->catalogue_key(), state_->tag,
                                  encode_object_catalogue(free), ignored);
        } catch (...) {
            // It stays locked; `take_over` opens it.
        }
    }

    std::shared_ptr<state> state_;
};

} // namespace perdure

#endif

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_DISK_FILE_HPP
#define PERDURE_SIMULATION_DETAIL_DISK_FILE_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/simulation/crash_choice.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace perdure::simulation {

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t sector_size = 512;

/// When an operation of the disk begins and ends.
struct interval {
    duration begin{};
    duration end{};
};

namespace detail {

/// The number of an operation (ascending), its times, and the time until which nothing can be
/// undone any more.
struct stamp {
    std::uint64_t op = 0;
    interval when{};
    duration settled{};
};

} // namespace detail

/// What a power cut did to what was not synced.
struct crash_report {
    std::uint64_t writes_interrupted = 0;
    std::uint64_t pages_lost = 0, pages_kept = 0, pages_torn = 0;
    std::uint64_t sizes_lost = 0, sizes_kept = 0;
    std::uint64_t names_lost = 0, names_kept = 0;
};

namespace detail {

using page = std::array<std::byte, page_size>;
using page_ptr = std::shared_ptr<page const>; // null: all zero; never changed once shared

/** The bytes of one file: as a reader sees them, as they are on the disk for certain, and the
 *  changes between.
 *
 *  A change is a new image of a page, or a new size. Writing back is up to the system, so that
 *  before the next sync a page on the disk may be any of its images since the last one, each page
 *  by itself, and each of its sectors too if the power fails; and so may the size. A cut of the
 *  file belongs to the change of its size: bytes that it removed are gone exactly if that size is
 *  on the disk.
 *
 *  Bytes beyond the size are zero in every image.
 */
class disk_file {
    struct content {
        std::map<std::uint64_t, page_ptr> pages;
        std::uint64_t size = 0;
    };
    template <class T>
    struct change {
        std::uint64_t op;
        interval when;
        T before, after;
        bool cut; // of a page: belongs to a change of the size
    };

    // Takes out what ended by `t`; returns the newest of it.
    template <class List>
    static auto take_until(List& list, duration t)
    {
        std::optional<typename List::value_type> newest;
        std::erase_if(list, [&](auto const& c) {
            if (c.when.end > t)
                return false;
            newest = c;
            return true;
        });
        return newest;
    }
    // The first that had not begun by `t`.
    template <class List>
    static auto cancelled(List& list, duration t)
    {
        return std::find_if(list.begin(), list.end(),
                            [&](auto const& c) { return c.when.begin > t; });
    }

public:
    std::uint64_t size() const noexcept { return seen_.size; }

    /// Copies what is at `offset`; returns how much.
    std::size_t read(std::uint64_t offset, std::span<std::byte> out) const
    {
        if (offset >= seen_.size)
            return 0;
        auto const total =
            static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), seen_.size - offset));
        for_each_piece(offset, total,
                       [&](std::uint64_t number, std::size_t from, std::size_t at, std::size_t n) {
                           if (auto const p = find(seen_, number))
                               std::memcpy(out.data() + at, p->data() + from, n);
                           else
                               std::memset(out.data() + at, 0, n);
                       });
        return total;
    }

    void write(stamp s, std::uint64_t offset, std::span<std::byte const> bytes)
    {
        for_each_piece(offset, bytes.size(),
                       [&](std::uint64_t number, std::size_t from, std::size_t at, std::size_t n) {
                           auto const old = find(seen_, number);
                           auto const image =
                               old ? std::make_shared<page>(*old) : std::make_shared<page>();
                           std::memcpy(image->data() + from, bytes.data() + at, n);
                           change_page(s, number, image, false);
                       });
        if (offset + bytes.size() > seen_.size)
            change_size(s, offset + bytes.size());
    }

    void resize(stamp s, std::uint64_t size)
    {
        if (size == seen_.size)
            return;
        auto const last = size / page_size;
        auto const keep = static_cast<std::size_t>(size % page_size);
        // A copy of the numbers, because the pages go away.
        std::vector<std::uint64_t> beyond;
        for (auto i = seen_.pages.lower_bound(last); i != seen_.pages.end(); ++i)
            beyond.push_back(i->first);
        for (auto const number : beyond)
            change_page(s, number, number == last ? head(seen_.pages[last], keep) : nullptr, true);
        change_size(s, size);
    }

    /// A sync that began at `t` has succeeded: what was written by then is on the disk.
    void sync(duration t)
    {
        for (auto i = changes_.begin(); i != changes_.end();) {
            if (auto const newest = take_until(i->second, t))
                put(durable_, i->first, newest->after);
            i = i->second.empty() ? changes_.erase(i) : std::next(i);
        }
        if (auto const newest = take_until(sizes_, t))
            durable_.size = newest->after;
    }

    /// The pages that a sync would have to write.
    std::vector<std::uint64_t> dirty_pages() const
    {
        std::vector<std::uint64_t> numbers;
        for (auto const& [number, list] : changes_)
            numbers.push_back(number);
        return numbers;
    }
    /// A sync that began at `t` has failed: the page counts as clean and keeps what is on the disk.
    void drop(std::uint64_t number, duration t)
    {
        auto const i = changes_.find(number);
        if (i != changes_.end() && take_until(i->second, t) && i->second.empty())
            changes_.erase(i);
    }

    /// The power fails at `t`.
    template <crash_chooser Choose>
    void crash(duration t, Choose& choose, crash_report& report)
    {
        interrupt(t, report);
        content left;
        std::uint64_t cut_until = 0; // the last operation on the size that is on the disk
        left.size = durable_.size;
        if (!sizes_.empty()) {
            auto const kept = choose(crash_question::size, sizes_.size() + 1);
            ++(kept == sizes_.size() ? report.sizes_kept : report.sizes_lost);
            if (kept != 0) {
                left.size = sizes_[kept - 1].after;
                cut_until = sizes_[kept - 1].op;
            }
        }
        left.pages = std::move(durable_.pages);
        for (auto const& [number, list] : changes_) {
            auto const images = possible_images(find(left, number), list, cut_until);
            put(left, number, choose_image(images, choose, report));
        }
        trim(left);
        forget_changes();
        durable_ = left;
        seen_ = std::move(left);
    }

    /// The process ends at `t`: what it had not begun by then has not happened.
    void undo_after(duration t)
    {
        for (auto& [number, list] : changes_)
            if (auto const first = cancelled(list, t); first != list.end()) {
                put(seen_, number, first->before);
                list.erase(first, list.end());
            }
        std::erase_if(changes_, [](auto const& c) { return c.second.empty(); });
        if (auto const first = cancelled(sizes_, t); first != sizes_.end()) {
            seen_.size = first->before;
            sizes_.erase(first, sizes_.end());
        }
    }

    /// Flips one bit wherever the byte is kept.
    void flip(std::uint64_t offset, int bit)
    {
        assert(offset < seen_.size);
        auto const number = offset / page_size;
        std::map<page_ptr, page_ptr> flipped; // by pointer, only looked up
        auto const flip_in = [&](page_ptr& p) {
            auto& image = flipped[p];
            if (!image) {
                auto const changed = p ? std::make_shared<page>(*p) : std::make_shared<page>();
                (*changed)[offset % page_size] ^= static_cast<std::byte>(1 << bit);
                image = changed;
            }
            p = image;
        };
        flip_in(seen_.pages[number]);
        flip_in(durable_.pages[number]);
        if (auto const i = changes_.find(number); i != changes_.end())
            for (auto& c : i->second) {
                flip_in(c.before);
                flip_in(c.after);
            }
    }

    /// Of what a reader sees.
    std::uint64_t digest() const
    {
        auto hash = hash_key(seen_.size);
        for (auto const& [number, image] : seen_.pages)
            if (!is_zero(*image))
                hash = xxh3_64(image->data(), page_size, hash + number);
        return hash;
    }

private:
    // Splits a range into pages: f(page number, offset in the page, offset in the range, length).
    template <class F>
    static void for_each_piece(std::uint64_t offset, std::size_t size, F f)
    {
        for (std::size_t at = 0; at != size;) {
            auto const from = static_cast<std::size_t>((offset + at) % page_size);
            auto const n = std::min(size - at, page_size - from);
            f((offset + at) / page_size, from, at, n);
            at += n;
        }
    }
    static page_ptr find(content const& c, std::uint64_t number)
    {
        auto const i = c.pages.find(number);
        return i == c.pages.end() ? nullptr : i->second;
    }
    static void put(content& c, std::uint64_t number, page_ptr image)
    {
        if (image)
            c.pages[number] = std::move(image);
        else
            c.pages.erase(number);
    }
    static page_ptr head(page_ptr const& p, std::size_t keep)
    {
        if (!p || keep == 0)
            return nullptr;
        auto const image = std::make_shared<page>(*p);
        std::fill(image->begin() + static_cast<std::ptrdiff_t>(keep), image->end(), std::byte());
        return image;
    }
    static bool is_zero(page const& p)
    {
        return std::all_of(p.begin(), p.end(), [](std::byte b) { return b == std::byte(); });
    }
    static void trim(content& c)
    {
        auto const last = c.size / page_size;
        auto const i = c.pages.upper_bound(last);
        c.pages.erase(i, c.pages.end());
        if (auto const p = find(c, last))
            put(c, last, head(p, static_cast<std::size_t>(c.size % page_size)));
    }

    void change_page(stamp s, std::uint64_t number, page_ptr after, bool cut)
    {
        auto& list = changes_[number];
        list.push_back({s.op, s.when, find(seen_, number), after, cut});
        thin(list, 16, s.settled);
        put(seen_, number, std::move(after));
    }
    void change_size(stamp s, std::uint64_t after)
    {
        sizes_.push_back({s.op, s.when, seen_.size, after, false});
        thin(sizes_, 64, s.settled);
        seen_.size = after;
    }
    // Bounds memory without syncs: fewer of the states between, never the newest, and no cut.
    template <class List>
    static void thin(List& list, std::size_t most, duration settled)
    {
        if (list.size() <= most)
            return;
        auto const i = list.begin() + static_cast<std::ptrdiff_t>(list.back().op % (most / 2));
        if (!i->cut && std::next(i)->when.end <= settled)
            list.erase(i);
    }

    void interrupt(duration t, crash_report& report)
    {
        undo_after(t);
        for (auto const& [number, list] : changes_)
            for (auto const& c : list)
                report.writes_interrupted += c.when.end > t;
    }

    static std::vector<page_ptr> possible_images(page_ptr durable,
                                                 std::vector<change<page_ptr>> const& list,
                                                 std::uint64_t cut_until)
    {
        std::vector<page_ptr> images{std::move(durable)};
        for (auto const& c : list) {
            if (c.cut && c.op > cut_until)
                continue;
            if (c.cut)
                images.clear();
            images.push_back(c.after);
        }
        return images;
    }
    template <class Choose>
    static page_ptr choose_image(std::vector<page_ptr> const& images, Choose& choose,
                                 crash_report& report)
    {
        if (images.size() == 1)
            return images[0];
        auto const answer = choose(crash_question::page, images.size() + 1);
        if (answer < images.size()) {
            ++(answer == 0 ? report.pages_lost : report.pages_kept);
            return images[answer];
        }
        ++report.pages_torn;
        static page const zeros{};
        auto const torn = std::make_shared<page>();
        for (std::size_t from = 0; from != page_size; from += sector_size) {
            std::vector<std::byte const*> contents;
            for (auto const& image : images) {
                auto const* const sector = (image ? *image : zeros).data() + from;
                if (std::none_of(contents.begin(), contents.end(),
                                 [&](auto* c) { return std::memcmp(c, sector, sector_size) == 0; }))
                    contents.push_back(sector);
            }
            auto const which =
                contents.size() == 1 ? 0 : choose(crash_question::sector, contents.size());
            std::memcpy(torn->data() + from, contents[which], sector_size);
        }
        return torn;
    }
    void forget_changes()
    {
        changes_.clear();
        sizes_.clear();
    }

    content seen_;
    content durable_;
    std::map<std::uint64_t, std::vector<change<page_ptr>>> changes_;
    std::vector<change<std::uint64_t>> sizes_;
};

} // namespace detail
} // namespace perdure::simulation

#endif

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_AUTHENTICATION_HPP
#define PERDURE_DETECTOR_AUTHENTICATION_HPP

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace perdure {

/// The longest tag that a message may carry.
inline constexpr std::size_t tag_size_max = 64;

/** A keyed message authentication code: who doesn't know the key cannot make a tag that fits.
 *
 *  | expression             | meaning                                                              |
 *  |------------------------|----------------------------------------------------------------------|
 *  | `A::tag_size`          | bytes of a tag, in [8, 64]                                           |
 *  | `a.sign(message, tag)` | writes the tag into `tag`, `tag_size` bytes; doesn't throw           |
 *
 *  Comparing tags is not its business: authentication does that, in constant time. Use a code that
 *  a well-kept library provides, such as HMAC-SHA-256 cut to 16 bytes or SipHash-2-4; a checksum or
 *  a plain hash with a key in front is none.
 */
template <class A>
concept message_authenticator =
    std::copyable<A> &&
    requires(A const& a, std::span<std::byte const> message, std::span<std::byte> tag) {
        {
            A::tag_size
        } -> std::convertible_to<std::size_t>;
        a.sign(message, tag);
    };

/** The keys by which messages are signed and believed. Without any, messages are neither.
 *
 *  With keys, a message without a tag or with a tag of none of the keys is refused. A key is
 *  replaced without a pause in three steps: every process accepts the new one; every process signs
 *  with the new one and accepts the old one; every process drops the old one.
 *
 *  @par Thread safety  Distinct objects: safe. Copies share the keys, which are never changed.
 */
class authentication {
public:
    /// No keys.
    authentication() = default;

    /// Signs with `key`, and believes it.
    template <class Key>
        requires(!std::same_as<Key, authentication> && message_authenticator<Key>)
    explicit authentication(Key key)
    {
        accept(std::move(key));
    }

    /// Also believes `key`. Returns *this.
    template <message_authenticator Key>
    authentication& accept(Key key)
    {
        static_assert(Key::tag_size >= 8 && Key::tag_size <= tag_size_max,
                      "a tag has 8 to 64 bytes");
        keys_.push_back(std::make_shared<model<Key>>(std::move(key)));
        return *this;
    }

    /// Whether any key was given; without one, nothing is signed or checked.
    bool has_keys() const { return !keys_.empty(); }
    /// Of the tags that sign() writes; 0 without keys.
    std::size_t tag_size() const { return keys_.empty() ? 0 : keys_.front()->tag_size; }

    /// Writes the tag of `message`. Precondition: `tag` has tag_size() bytes.
    void sign(std::span<std::byte const> message, std::span<std::byte> tag) const
    {
        assert(tag.size() == tag_size());
        if (!keys_.empty())
            keys_.front()->sign(message, tag);
    }

    /// Whether one of the keys gives this tag; without keys, whether there is no tag.
    bool verify(std::span<std::byte const> message, std::span<std::byte const> tag) const
    {
        bool fits = keys_.empty() && tag.empty();
        for (auto const& key : keys_) {
            if (key->tag_size != tag.size())
                continue;
            std::array<std::byte, tag_size_max> expected{};
            key->sign(message, std::span(expected).first(tag.size()));
            // In constant time, so that the time tells nobody how many bytes fit.
            std::byte difference{0};
            for (std::size_t i = 0; i != tag.size(); ++i)
                difference |= expected[i] ^ tag[i];
            fits = fits || difference == std::byte{0};
        }
        return fits;
    }

private:
    struct base {
        explicit base(std::size_t size) : tag_size(size) {}
        virtual ~base() = default;
        virtual void sign(std::span<std::byte const>, std::span<std::byte>) const = 0;
        std::size_t tag_size;
    };
    template <class Key>
    struct model final : base {
        explicit model(Key k) : base(Key::tag_size), key(std::move(k)) {}
        void sign(std::span<std::byte const> message, std::span<std::byte> tag) const override
        {
            key.sign(message, tag);
        }
        Key key;
    };

    std::vector<std::shared_ptr<base const>> keys_;
};

} // namespace perdure

#endif

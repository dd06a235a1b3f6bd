// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_AES_GCM_HPP
#define PERDURE_WAL_AES_GCM_HPP

// Needs OpenSSL 1.1.1 or newer: link perdure::wal_aes_gcm.

#include <perdure/wal/packing.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace perdure {

/** Encrypts a log's records with AES-256 in Galois/counter mode, by OpenSSL.
 *
 *      auto keys = std::make_shared<aes_gcm_encryption>(1, key);
 *      options.packing.encryption = keys;
 *      ...
 *      keys->rotate(2, newer_key);   // new segments use it; keep key 1 until its segments are gone
 *
 *  Every segment has a key of its own: HMAC-SHA-256 of the log's id, the segment's sequence number
 *  and its random salt, under the key given here. The nonce counts groups. So no nonce is used twice
 *  under one key as long as no two segments get the same sequence and 64-bit salt; a log makes a new
 *  segment whenever it is opened.
 *
 *  What is protected: the content of records, and that a group stands where it was written. What is
 *  not: their number and total size, times, and that the end of the log was not cut off.
 *
 *  Sources: NIST SP 800-38D (GCM; its section 8.2.1, deterministic nonces), RFC 2104 (HMAC).
 *
 *  @par Thread safety  safe.
 */
class aes_gcm_encryption final : public log_encryption {
public:
    /// A key, as bytes.
    using key = std::array<std::byte, 32>;

    /// New segments use `key`, whose name is `id`.
    aes_gcm_encryption(std::uint32_t id, key const& k) : current_(id) { keys_[id] = k; }
    ~aes_gcm_encryption() override
    {
        for (auto& [id, k] : keys_)
            OPENSSL_cleanse(k.data(), k.size());
    }

    /// Adds a key for reading old segments. Precondition: the id is not in use for another key.
    void add(std::uint32_t id, key const& k)
    {
        std::lock_guard lock(mutex_);
        assert(!keys_.contains(id) || keys_[id] == k);
        keys_[id] = k;
    }
    /// Adds a key, and has segments made from now on use it. One made ahead keeps the older one.
    void rotate(std::uint32_t id, key const& k)
    {
        add(id, k);
        current_ = id;
    }

    /// aes_256_gcm.
    wal_format::encryption_kind kind() const noexcept override
    {
        return wal_format::encryption_kind::aes_256_gcm;
    }
    std::uint32_t key_id() const noexcept override { return current_; }

    std::unique_ptr<segment_cipher>
    cipher_for(wal_format::segment_header const& segment) const override
    {
        key derived;
        {
            std::lock_guard lock(mutex_);
            auto const found = keys_.find(segment.key_id);
            if (found == keys_.end() || !derive(found->second, segment, derived))
                return nullptr;
        }
        auto made = std::make_unique<cipher>(derived);
        OPENSSL_cleanse(derived.data(), derived.size());
        return made;
    }

private:
    static unsigned char const* uc(std::byte const* p) noexcept
    {
        return reinterpret_cast<unsigned char const*>(p);
    }
    static unsigned char* uc(std::byte* p) noexcept { return reinterpret_cast<unsigned char*>(p); }

    static bool derive(key const& from, wal_format::segment_header const& segment, key& to)
    {
        std::array<std::byte, 64> what{};
        span_writer w(what);
        w.bytes(as_bytes("perdure wal segment key 1"));
        w.zeros(7);
        w.u64(segment.log.high);
        w.u64(segment.log.low);
        w.u64(segment.sequence);
        w.u64(segment.salt);
        assert(w.ok());
        unsigned size = 0;
        return HMAC(EVP_sha256(), from.data(), static_cast<int>(from.size()), uc(what.data()),
                    what.size(), uc(to.data()), &size) != nullptr &&
               size == to.size();
    }

    class cipher final : public segment_cipher {
    public:
        explicit cipher(key const& k) : key_(k), context_(EVP_CIPHER_CTX_new()) {}
        cipher(cipher const&) = delete;
        cipher& operator=(cipher const&) = delete;
        ~cipher() override
        {
            EVP_CIPHER_CTX_free(context_);
            OPENSSL_cleanse(key_.data(), key_.size());
        }

        bool seal(nonce n, std::span<std::byte const> associated, std::span<std::byte> text,
                  std::span<std::byte, tag_bytes> tag) noexcept override
        {
            int size = 0;
            return context_ &&
                   EVP_EncryptInit_ex(context_, EVP_aes_256_gcm(), nullptr, uc(key_.data()),
                                      uc(n.data())) == 1 &&
                   EVP_EncryptUpdate(context_, nullptr, &size, uc(associated.data()),
                                     static_cast<int>(associated.size())) == 1 &&
                   (text.empty() ||
                    EVP_EncryptUpdate(context_, uc(text.data()), &size, uc(text.data()),
                                      static_cast<int>(text.size())) == 1) &&
                   EVP_EncryptFinal_ex(context_, uc(tag.data()), &size) == 1 &&
                   EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data()) == 1;
        }

        bool open(nonce n, std::span<std::byte const> associated, std::span<std::byte> text,
                  std::span<std::byte const, tag_bytes> tag) noexcept override
        {
            int size = 0;
            std::array<std::byte, tag_bytes> expected;
            std::copy(tag.begin(), tag.end(), expected.begin());
            std::array<std::byte, tag_bytes> none;
            return context_ &&
                   EVP_DecryptInit_ex(context_, EVP_aes_256_gcm(), nullptr, uc(key_.data()),
                                      uc(n.data())) == 1 &&
                   EVP_DecryptUpdate(context_, nullptr, &size, uc(associated.data()),
                                     static_cast<int>(associated.size())) == 1 &&
                   (text.empty() ||
                    EVP_DecryptUpdate(context_, uc(text.data()), &size, uc(text.data()),
                                      static_cast<int>(text.size())) == 1) &&
                   EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_GCM_SET_TAG, tag_bytes,
                                       expected.data()) == 1 &&
                   EVP_DecryptFinal_ex(context_, uc(none.data()), &size) == 1;
        }

    private:
        key key_;
        EVP_CIPHER_CTX* context_;
    };

    mutable std::mutex mutex_;
    std::map<std::uint32_t, key> keys_;
    std::atomic<std::uint32_t> current_;
};

} // namespace perdure

#endif

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_FAULTY_BACKEND_HPP
#define PERDURE_SNAPSHOT_FAULTY_BACKEND_HPP

#include <perdure/snapshot/backend.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/// What a faulty_backend does to calls. Calls are counted from 1, over all objects that share this.
struct backend_faults {
    std::uint64_t calls = 0;   ///< So far.
    std::uint64_t fail_at = 0; ///< The call that fails; 0: none.
    bool from_there_on = false; ///< So do all calls behind it: the storage is gone, or the process is.
    /// The failing call takes effect before it reports the error, as an answer that is lost on the way does.
    bool after_effect = false;
    /// What a call that fails reports.
    error_code error = make_error_code(boost::system::errc::io_error);
};

/** Any back end, whose calls fail as wanted; models `snapshot_backend`. For tests of stores, and of your back end.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <snapshot_backend Backend>
class faulty_backend {
public:
    /// Around another back end, which does what the faults let through.
    faulty_backend(Backend inner, std::shared_ptr<backend_faults> faults)
        : inner_(std::move(inner)), faults_(std::move(faults))
    {
    }

    /// An object that is being written; see snapshot_backend.
    class upload {
    public:
        upload() = default;
        /// Adds bytes at the end.
        void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
        {
            run(*faults_, ec, [&] { inner_.append(parts, ec); });
        }
        /// Publishes the object durably and atomically, if its name is free; else `file_exists`.
        void commit(error_code& ec)
        {
            run(*faults_, ec, [&] { inner_.commit(ec); });
        }

    private:
        friend class faulty_backend;
        typename Backend::upload inner_;
        std::shared_ptr<backend_faults> faults_;
    };

    /// An object that is read; see snapshot_backend.
    class object {
    public:
        object() = default;
        std::uint64_t size(error_code& ec)
        {
            std::uint64_t n = 0;
            run(*faults_, ec, [&] { n = inner_.size(ec); });
            return n;
        }
        /// Fills `to` from `offset` on; fewer bytes only at the end.
        std::size_t read_at(std::uint64_t offset, std::span<std::byte> out, error_code& ec)
        {
            std::size_t n = 0;
            run(*faults_, ec, [&] { n = inner_.read_at(offset, out, ec); });
            return n;
        }

    private:
        friend class faulty_backend;
        typename Backend::object inner_;
        std::shared_ptr<backend_faults> faults_;
    };

    /// Makes the back end ready and takes its lock.
    void open(error_code& ec)
    {
        run(*faults_, ec, [&] { inner_.open(ec); });
    }
    /// Every object that is there, with those put aside.
    std::vector<stored_object> list(error_code& ec)
    {
        std::vector<stored_object> all;
        run(*faults_, ec, [&] { all = inner_.list(ec); });
        return all;
    }
    /// Begins an object; nobody sees it before commit.
    upload create(std::string const& name, error_code& ec)
    {
        upload u;
        u.faults_ = faults_;
        run(*faults_, ec, [&] { u.inner_ = inner_.create(name, ec); });
        return u;
    }
    /// An object to read.
    object find(std::string const& name, error_code& ec)
    {
        object o;
        o.faults_ = faults_;
        run(*faults_, ec, [&] { o.inner_ = inner_.find(name, ec); });
        return o;
    }
    /// Takes an object away; no error if there is none.
    void remove(std::string const& name, error_code& ec)
    {
        run(*faults_, ec, [&] { inner_.remove(name, ec); });
    }
    /// Hides an object from find and keeps its bytes.
    void put_aside(std::string const& name, error_code& ec)
    {
        run(*faults_, ec, [&] { inner_.put_aside(name, ec); });
    }

private:
    template <class Call>
    static void run(backend_faults& f, error_code& ec, Call call)
    {
        ++f.calls;
        bool const fails = f.fail_at != 0 && (f.calls == f.fail_at ||
                                              (f.from_there_on && f.calls > f.fail_at));
        ec = {};
        // What follows the failing call never reaches the storage.
        if (!fails || (f.after_effect && f.calls == f.fail_at))
            call();
        if (fails)
            ec = f.error;
    }

    Backend inner_;
    std::shared_ptr<backend_faults> faults_;
};

} // namespace perdure

#endif

// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_DETAIL_DURABLE_IMAGE_HPP
#define PERDURE_DURABLE_DETAIL_DURABLE_IMAGE_HPP

#include <perdure/durable/sessions.hpp>
#include <perdure/durable/state_machine.hpp>
#include <perdure/durable/versions.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/slices.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace perdure::detail {

// How often a state's process failed, over all its lives.
struct failure_history {
    std::uint64_t up_ns = 0;
    std::uint64_t failures = 0;
};

/* A durable state as its snapshots hold it:
 *
 *     u16 version of the state's type | history | sessions | u8 form | the state | u64 complete | sessions
 *
 * `form` is 0 for the state as a whole and 1 for slices. The state is consistent once every record
 * before `complete` was applied. The sessions behind it, only with form 1, are as of there.
 */
template <class State>
struct durable_image {
    State const* state = nullptr; ///< What is saved.
    State loaded{};               ///< What was loaded.
    client_sessions sessions{};
    client_sessions sessions_when_complete{};
    failure_history history{};
    std::uint64_t complete = 0;
    bool sliced = false;
};

template <class Archive>
void save_front(Archive& ar, std::uint16_t version, failure_history const& h,
                client_sessions const& sessions, bool sliced)
{
    ar << version << h.up_ns << h.failures;
    sessions.save(ar);
    ar << static_cast<std::uint8_t>(sliced ? 1 : 0);
}

struct durable_codec {
    static constexpr std::uint32_t id() noexcept { return slices_codec::id(); }
    static constexpr std::uint32_t version() noexcept { return 1; }
    static constexpr bool reads(std::uint32_t v) noexcept { return v == 1; }

    template <class State>
    void encode(durable_image<State> const& image, byte_sink& sink) const
    {
        portable_oarchive ar(sink);
        save_front(ar, version_of<State>(), image.history, image.sessions, false);
        ar << *image.state << image.complete;
        ar.flush();
    }

    template <class State>
    void decode(byte_source& source, durable_image<State>& image) const
    {
        portable_iarchive ar(source);
        std::uint16_t version = 0;
        std::uint8_t form = 0;
        ar >> version >> image.history.up_ns >> image.history.failures;
        image.sessions.load(ar);
        ar >> form;
        image.sliced = form == 1;
        auto read = [&]<class T>(T& value) {
            if (form == 0) {
                ar >> value;
                return;
            }
            if constexpr (loads_slices<T>) {
                if (form == 1)
                    return value.load_slices(ar);
            }
            throw boost::system::system_error(
                make_error_code(errc::unsupported_version),
                "the state was saved in a form that the type does not load");
        };
        image.loaded = read_version<State>(version, read);
        ar >> image.complete;
        if (image.sliced)
            image.sessions_when_complete.load(ar);
        if (ar.remaining() != 0)
            throw boost::system::system_error(make_error_code(errc::malformed),
                                              "bytes are left over behind the state");
    }
};

/* The same in slices. `Core` gives, at the end, up to where it has applied records, and the sessions
 * as of there; for a view that is where it began.
 */
template <class Generator, class AtEnd>
class durable_slices {
public:
    durable_slices(std::uint16_t version, failure_history history, client_sessions sessions,
                   Generator state, AtEnd at_end)
        : version_(version),
          history_(history),
          sessions_(std::move(sessions)),
          state_(std::move(state)),
          at_end_(std::move(at_end))
    {
    }

    bool operator()(portable_oarchive& ar)
    {
        switch (stage_) {
        case 0:
            save_front(ar, version_, history_, sessions_, true);
            stage_ = 1;
            return true;
        case 1:
            if (!state_(ar))
                stage_ = 2;
            return true;
        default:
            auto const [complete, sessions] = at_end_(sessions_);
            ar << static_cast<std::uint64_t>(complete);
            sessions->save(ar);
            return false;
        }
    }

private:
    std::uint16_t version_;
    failure_history history_;
    client_sessions sessions_;
    Generator state_;
    AtEnd at_end_;
    int stage_ = 0;
};

} // namespace perdure::detail

#endif

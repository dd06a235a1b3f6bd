// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_BOOST_ARCHIVE_HPP
#define PERDURE_SNAPSHOT_BOOST_ARCHIVE_HPP

#include <perdure/snapshot/codec.hpp>

#include <boost/archive/basic_archive.hpp>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <istream>
#include <ostream>
#include <streambuf>

namespace perdure {

namespace detail {

// A stream buffer that writes into a sink.
class sink_streambuf final : public std::streambuf {
public:
    explicit sink_streambuf(byte_sink& sink) : sink_(&sink) { refill(); }

    /// Hands over what is in the buffer.
    void finish() { refill(); }

private:
    int_type overflow(int_type c) override
    {
        refill();
        if (!traits_type::eq_int_type(c, traits_type::eof()))
            return sputc(traits_type::to_char_type(c));
        return traits_type::not_eof(c);
    }

    std::streamsize xsputn(char const* p, std::streamsize n) override
    {
        std::streamsize left = n;
        while (left != 0) {
            if (pptr() == epptr())
                refill();
            auto const part = std::min<std::streamsize>(left, epptr() - pptr());
            std::memcpy(pptr(), p, static_cast<std::size_t>(part));
            advance(part);
            p += part;
            left -= part;
        }
        return n;
    }

    void advance(std::streamsize n)
    {
        // A buffer may be longer than what pbump can count.
        auto* const next = pptr() + n;
        auto* const end = epptr();
        used_ += static_cast<std::size_t>(next - pbase());
        setp(next, end);
    }

    void refill()
    {
        auto const room = sink_->exchange(pbase() == nullptr
                                              ? 0
                                              : used_ + static_cast<std::size_t>(pptr() - pbase()));
        used_ = 0;
        auto* const begin = reinterpret_cast<char*>(room.data());
        setp(begin, begin + room.size());
    }

    byte_sink* sink_;
    std::size_t used_ = 0; // before pbase()
};

// A stream buffer that reads from a source.
class source_streambuf final : public std::streambuf {
public:
    explicit source_streambuf(byte_source& source) : source_(&source) {}

    bool at_end() { return gptr() == egptr() && source_->rest() == 0; }

private:
    int_type underflow() override
    {
        auto const segment = source_->next();
        if (segment.empty())
            return traits_type::eof();
        // The archive only reads; the interface of stream buffers wants char*.
        auto* const begin = const_cast<char*>(reinterpret_cast<char const*>(segment.data()));
        setg(begin, begin, begin + segment.size());
        return traits_type::to_int_type(*begin);
    }

    byte_source* source_;
};

inline std::uint32_t boost_archive_version()
{
    auto const version = boost::archive::BOOST_ARCHIVE_VERSION();
    return static_cast<std::uint32_t>(version);
}

} // namespace detail

/** Boost's native binary archive, for states whose `serialize` needs an archive of Boost's own.
 *
 *  Its bytes follow platform, compiler and release of Boost. The archive version is recorded, and a
 *  snapshot of another one is refused with errc::unsupported_version before the type sees a byte;
 *  another platform is refused by the archive itself, as errc::cannot_decode. Prefer portable_codec for what
 *  has to outlive a program's build.
 */
struct boost_binary_codec {
    /// Recorded with what it writes; see snapshot_codec.
    static constexpr std::uint32_t id() noexcept { return 4; }
    /// Of what encode writes.
    static std::uint32_t version() { return detail::boost_archive_version(); }
    /// Whether decode understands what version `v` wrote.
    static bool reads(std::uint32_t v) { return v == version(); }

    /// Writes the value. Throws what its `serialize` throws.
    template <class T>
    void encode(T const& value, byte_sink& sink) const
    {
        detail::sink_streambuf out(sink);
        {
            boost::archive::binary_oarchive ar(static_cast<std::streambuf&>(out));
            ar << value;
        }
        out.finish();
    }

    /// Reads a value that fills the source. Throws if the bytes are none.
    template <class T>
    void decode(byte_source& source, T& value) const
    {
        detail::source_streambuf in(source);
        {
            boost::archive::binary_iarchive ar(static_cast<std::streambuf&>(in));
            ar >> value;
        }
        if (!in.at_end())
            detail::throw_archive_error(errc::malformed, "bytes are left over behind the value");
    }
};

/** Boost's text archive: slow, and readable by people.
 *
 *  Boost reads the text archives of its older releases, so who wants that may lower `oldest_version`;
 *  by default another archive version is refused with errc::unsupported_version.
 */
struct boost_text_codec {
    /// The oldest archive version that is accepted when loading.
    std::uint32_t oldest_version = detail::boost_archive_version();

    /// Recorded with what it writes; see snapshot_codec.
    static constexpr std::uint32_t id() noexcept { return 5; }
    /// Of what encode writes.
    static std::uint32_t version() { return detail::boost_archive_version(); }
    /// Whether decode understands what version `v` wrote.
    bool reads(std::uint32_t v) const { return v >= oldest_version && v <= version(); }

    /// Writes the value. Throws what its `serialize` throws.
    template <class T>
    void encode(T const& value, byte_sink& sink) const
    {
        detail::sink_streambuf out(sink);
        {
            std::ostream stream(&out);
            stream.exceptions(std::ios::badbit);
            boost::archive::text_oarchive ar(stream, boost::archive::no_codecvt);
            ar << value;
        }
        out.finish();
    }

    /// Reads a value that fills the source. Throws if the bytes are none.
    template <class T>
    void decode(byte_source& source, T& value) const
    {
        detail::source_streambuf in(source);
        std::istream stream(&in);
        {
            boost::archive::text_iarchive ar(stream, boost::archive::no_codecvt);
            ar >> value;
        }
        // A text archive may end with white space.
        while (!in.at_end())
            if (int const c = in.sbumpc(); c != ' ' && c != '\n')
                detail::throw_archive_error(errc::malformed,
                                            "bytes are left over behind the value");
    }
};

} // namespace perdure

#endif

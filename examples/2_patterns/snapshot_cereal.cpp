// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// A codec of one's own: snapshots in cereal's portable binary format.
//
// A program that already describes its types to another serialization library keeps it: the codec is thirty
// lines, and files stay atomic, verified and refused by readers of another codec. Prints what
// was saved and loaded, and how a reader without the codec refuses the file.

#include <perdure/snapshot/file.hpp>

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>

#include <iostream>
#include <map>
#include <sstream>
#include <string>

struct inventory {
    std::map<std::string, int> items;
    template <class Archive>
    void serialize(Archive& archive) // cereal's form, without a version
    {
        archive(items);
    }
};

struct cereal_codec {
    static std::uint32_t id() { return 1000; } // 1000 and above are the user's
    static std::uint32_t version() { return 1; }
    static bool reads(std::uint32_t v) { return v == 1; }

    template <class T>
    void encode(T const& value, perdure::byte_sink& sink) const
    {
        std::ostringstream stream;
        cereal::PortableBinaryOutputArchive{stream}(value);
        std::string const bytes = stream.str();
        perdure::bytes_codec{}.encode({reinterpret_cast<std::byte const*>(bytes.data()),
                                       reinterpret_cast<std::byte const*>(bytes.data()) + bytes.size()},
                                      sink);
    }

    // What this throws becomes errc::cannot_decode, and nothing is half loaded. The bytes are those that were saved.
    template <class T>
    void decode(perdure::byte_source& source, T& value) const
    {
        std::vector<std::byte> bytes;
        perdure::bytes_codec{}.decode(source, bytes);
        std::istringstream stream(
            std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
        cereal::PortableBinaryInputArchive{stream}(value);
    }
};

int main()
{
    perdure::error_code ec;
    inventory const stock{{{"bolts", 120}, {"nuts", 80}}};
    perdure::save("stock.snap", stock, ec, {.type = "stock"}, cereal_codec{});
    if (ec)
        return std::cerr << "not saved: " << ec.message() << '\n', 1;
    auto const loaded = perdure::load<inventory>("stock.snap", ec, {.type = "stock"}, cereal_codec{});
    if (ec)
        return std::cerr << "not loaded: " << ec.message() << '\n', 1;
    for (auto const& [name, count] : loaded.items)
        std::cout << name << ": " << count << '\n';
    auto const other = perdure::load<int>("stock.snap", ec, {.type = "stock"});
    std::cout << "without the codec: " << ec.message() << '\n';
    return ec == perdure::errc::wrong_type && other == 0 ? 0 : 1;
}

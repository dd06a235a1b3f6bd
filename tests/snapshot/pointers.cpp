// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/portable_iarchive.hpp>
#include <perdure/snapshot/portable_oarchive.hpp>

#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>

#include <memory>

using namespace test;
using perdure::errc;

namespace zoo {

struct animal {
    virtual ~animal() = default;
    virtual std::string sound() const = 0;
    int legs = 4;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& legs;
    }
};

struct dog : animal {
    std::string name;
    std::string sound() const override { return name + " barks"; }
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& boost::serialization::base_object<animal>(*this) & name;
    }
};

struct tagged {
    virtual ~tagged() = default;
    int tag = 9;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& tag;
    }
};

// The animal does not lie at the address of the whole object.
struct parrot : tagged, animal {
    std::vector<std::string> words;
    std::string sound() const override { return words.empty() ? "" : words.front(); }
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& boost::serialization::base_object<tagged>(*this) &
            boost::serialization::base_object<animal>(*this) & words;
    }
};

struct cat : animal { // neither exported nor registered by itself
    std::string sound() const override { return "meow"; }
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& boost::serialization::base_object<animal>(*this);
    }
};

struct plain {
    int value = 0;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& value;
    }
    friend bool operator==(plain const&, plain const&) = default;
};

struct node {
    static inline int alive = 0;
    int value = 0;
    node* parent = nullptr;
    std::vector<std::unique_ptr<node>> children;
    node() { ++alive; }
    ~node() { --alive; }
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& value& parent& children;
    }
};

struct linked : std::enable_shared_from_this<linked> {
    static inline int alive = 0;
    std::shared_ptr<linked> next;
    std::weak_ptr<linked> back;
    linked() { ++alive; }
    ~linked() { --alive; }
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& next& back;
    }
};

struct versioned {
    int a = 1;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& a;
    }
};

} // namespace zoo

BOOST_CLASS_EXPORT_GUID(zoo::dog, "dog")
BOOST_CLASS_EXPORT_GUID(zoo::parrot, "parrot")
BOOST_CLASS_VERSION(zoo::versioned, 3)

TEST_CASE("portable_archive: exported classes come back through pointers to their base",
          "[snapshot][core]")
{
    auto d = std::make_unique<zoo::dog>();
    d->name = "Rex";
    auto p = std::make_unique<zoo::parrot>();
    p->words = {"hello"};
    p->legs = 2;
    std::vector<std::unique_ptr<zoo::animal>> animals;
    animals.push_back(std::move(d));
    animals.push_back(std::move(p));
    animals.push_back(nullptr);
    auto const loaded = from_bytes<std::vector<std::unique_ptr<zoo::animal>>>(to_bytes(animals));
    REQUIRE(loaded.size() == 3);
    CHECK(loaded[0]->sound() == "Rex barks");
    CHECK(loaded[1]->sound() == "hello");
    CHECK(loaded[1]->legs == 2);
    CHECK(dynamic_cast<zoo::parrot&>(*loaded[1]).tag == 9);
    CHECK(loaded[2] == nullptr);
}

TEST_CASE("portable_archive: one object behind pointers to two of its bases is one object again",
          "[snapshot][core]")
{
    auto const bird = std::make_shared<zoo::parrot>();
    bird->words = {"one"};
    std::pair<std::shared_ptr<zoo::animal>, std::shared_ptr<zoo::tagged>> const both{bird, bird};
    auto const loaded =
        from_bytes<std::pair<std::shared_ptr<zoo::animal>, std::shared_ptr<zoo::tagged>>>(
            to_bytes(both));
    CHECK(dynamic_cast<zoo::parrot*>(loaded.first.get()) ==
          dynamic_cast<zoo::parrot*>(loaded.second.get()));
    CHECK(loaded.first->sound() == "one");
    CHECK(loaded.first.use_count() == 2);
}

TEST_CASE("portable_archive: a registered class comes back, an unknown one is refused when saving",
          "[snapshot][core]")
{
    std::unique_ptr<zoo::animal> const pet = std::make_unique<zoo::cat>();
    CHECK_THROWS_AS(to_bytes(pet), boost::archive::archive_exception);

    perdure::memory_sink sink;
    perdure::portable_oarchive out(sink);
    out.register_type<zoo::cat>();
    out << pet;
    out.flush();
    {
        perdure::memory_source source(sink.bytes());
        perdure::portable_iarchive in(source);
        in.register_type<zoo::cat>();
        std::unique_ptr<zoo::animal> loaded;
        in >> loaded;
        CHECK(loaded->sound() == "meow");
    }
    CHECK(error_of<std::unique_ptr<zoo::animal>>(sink.bytes()) == errc::malformed);
}

TEST_CASE("portable_archive: a tree with raw pointers to parents keeps its shape",
          "[snapshot][core]")
{
    {
        auto root = std::make_unique<zoo::node>();
        root->value = 1;
        for (int i = 0; i < 3; ++i) {
            auto& child = root->children.emplace_back(std::make_unique<zoo::node>());
            child->value = 10 + i;
            child->parent = root.get();
        }
        auto const loaded = from_bytes<std::unique_ptr<zoo::node>>(to_bytes(root));
        REQUIRE(loaded->children.size() == 3);
        for (auto const& child : loaded->children)
            CHECK(child->parent == loaded.get());
        CHECK(loaded->children[2]->value == 12);
    }
    CHECK(zoo::node::alive == 0);
}

TEST_CASE("portable_archive: cycles of shared and weak pointers come back", "[snapshot][core]")
{
    {
        auto const first = std::make_shared<zoo::linked>();
        first->next = std::make_shared<zoo::linked>();
        first->next->back = first;
        auto const loaded = from_bytes<std::shared_ptr<zoo::linked>>(to_bytes(first));
        CHECK(loaded->next->back.lock() == loaded);
        CHECK(loaded->shared_from_this() == loaded);
        CHECK(loaded->next.use_count() == 1);
    }
    CHECK(zoo::linked::alive == 0);
}

TEST_CASE("portable_archive: an object gets one owner whatever the bytes say", "[snapshot][core]")
{
    std::vector<std::unique_ptr<zoo::plain>> two;
    two.push_back(std::make_unique<zoo::plain>(zoo::plain{5}));
    two.push_back(std::make_unique<zoo::plain>(zoo::plain{6}));
    auto encoded = to_bytes(two);
    // The second pointer: kind 1, class 0, value 6. Replaced by kind 2, object 0, twice over.
    bytes const second = hex({1, 0, 0, 0, 0, 6, 0, 0, 0});
    REQUIRE(bytes(encoded.end() - 9, encoded.end()) == second);
    encoded.resize(encoded.size() - 9);
    auto const reference = hex({2, 0, 0, 0, 0});
    encoded.insert(encoded.end(), reference.begin(), reference.end());
    CHECK(error_of<std::vector<std::unique_ptr<zoo::plain>>>(encoded) == errc::malformed);

    // One owner and one shared owner.
    std::pair<std::unique_ptr<zoo::plain>, std::shared_ptr<zoo::plain>> pair{
        std::make_unique<zoo::plain>(), std::make_shared<zoo::plain>()};
    auto mixed = to_bytes(pair);
    mixed.resize(mixed.size() - 9);
    mixed.insert(mixed.end(), reference.begin(), reference.end());
    CHECK(error_of<decltype(pair)>(mixed) == errc::malformed);
}

TEST_CASE("portable_archive: a pointer cannot be told to name an object of another class",
          "[snapshot][core]")
{
    std::pair<std::shared_ptr<zoo::plain>, std::shared_ptr<zoo::versioned>> const pair{
        std::make_shared<zoo::plain>(), std::make_shared<zoo::versioned>()};
    auto encoded = to_bytes(pair);
    // Object 1 is of class 1: the second pointer is cut off and made a reference to object 0.
    auto const first = to_bytes(pair.first).size();
    encoded.resize(first);
    auto const reference = hex({2, 0, 0, 0, 0});
    encoded.insert(encoded.end(), reference.begin(), reference.end());
    CHECK(error_of<decltype(std::pair(pair))>(encoded) == errc::malformed);
}

TEST_CASE("portable_archive: a new object of another class than the pointer's is freed",
          "[snapshot][core]")
{
    using graph = std::pair<std::unique_ptr<zoo::node>, std::shared_ptr<zoo::linked>>;
    auto const node = to_bytes(std::make_unique<zoo::node>());
    // The second pointer says "new, of class 0", which is node; where its content begins in the
    // bytes of the first one is tried.
    for (std::size_t skip = 0; skip <= node.size(); ++skip) {
        auto encoded = node;
        auto const pointer = hex({1, 0, 0, 0, 0});
        encoded.insert(encoded.end(), pointer.begin(), pointer.end());
        encoded.insert(encoded.end(), node.begin() + static_cast<std::ptrdiff_t>(skip), node.end());
        CHECK(error_of<graph>(encoded) != perdure::error_code());
        CHECK(zoo::node::alive == 0);
    }
}

TEST_CASE("portable_archive: a newer class version is refused as such", "[snapshot][core]")
{
    auto encoded = to_bytes(zoo::versioned{});
    REQUIRE(encoded == hex({3, 0, 0, 0, 1, 0, 0, 0}));
    encoded[0] = std::byte{2};
    CHECK(!error_of<zoo::versioned>(encoded));
    encoded[0] = std::byte{4};
    CHECK(error_of<zoo::versioned>(encoded) == errc::unsupported_version);
}

TEST_CASE("portable_archive: no changed byte of a graph leaks or crashes", "[snapshot][core]")
{
    using graph = std::pair<std::unique_ptr<zoo::node>, std::vector<std::shared_ptr<zoo::linked>>>;
    bytes encoded;
    {
        graph g;
        g.first = std::make_unique<zoo::node>();
        g.first->children.push_back(std::make_unique<zoo::node>());
        g.first->children[0]->parent = g.first.get();
        g.second.push_back(std::make_shared<zoo::linked>());
        g.second.push_back(g.second[0]);
        g.second[0]->next = std::make_shared<zoo::linked>();
        g.second[0]->next->back = g.second[0];
        encoded = to_bytes(g);
    }
    for (std::size_t at = 0; at < encoded.size(); ++at)
        for (int value = 0; value < 256; ++value) {
            bytes changed = encoded;
            changed[at] = static_cast<std::byte>(value);
            try {
                // A cycle of shared owners is legal and would leak: cut it.
                auto g = from_bytes<graph>(changed);
                for (auto& l : g.second)
                    while (l)
                        l = std::exchange(l->next, nullptr);
            } catch (std::exception const&) {
            }
        }
    CHECK(zoo::node::alive == 0);
    CHECK(zoo::linked::alive == 0);
}

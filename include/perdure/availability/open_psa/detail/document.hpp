// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_DOCUMENT_HPP
#define PERDURE_AVAILABILITY_OPEN_PSA_DETAIL_DOCUMENT_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <pugixml.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

enum class open_psa_kind { gate, basic_event, house_event, parameter };
inline constexpr std::array<char const*, 4> open_psa_kind_names = {"gate", "basic event",
                                                                   "house event", "parameter"};

/// A definition and where its own references are looked up.
struct open_psa_definition {
    std::string path; ///< "tree.component.name"
    pugi::xml_node element;
    std::size_t scope = 0; ///< length of the part of `path` before the last dot
    open_psa_kind kind = open_psa_kind::gate;
};

/** An Open-PSA file: its definitions by name.
 *
 *  What is public (the default) has its plain name everywhere; anything can be reached by its path
 *  through fault trees and components; a reference is looked up from the innermost container
 *  outwards.
 */
class open_psa_document {
public:
    /// @throws std::invalid_argument naming the line and the element.
    open_psa_document(std::string_view text, std::size_t bytes_max) : text_(text)
    {
        if (text.size() > bytes_max) {
            throw std::invalid_argument("the model has " + std::to_string(text.size()) +
                                        " bytes; " + std::to_string(bytes_max) +
                                        " are allowed (bytes_max)");
        }
        auto const parsed = document_.load_buffer(text.data(), text.size());
        if (!parsed) {
            throw std::invalid_argument("line " + std::to_string(line_at(parsed.offset)) +
                                        ": not well-formed XML: " + parsed.description());
        }
        auto const root = document_.document_element();
        if (std::string_view(root.name()) != "opsa-mef") {
            refuse(root, "the outermost element must be <opsa-mef>");
        }
        collect(root);
    }

    [[noreturn]] void refuse(pugi::xml_node element, std::string const& why) const
    {
        std::string where = "<" + std::string(element.name()) + ">";
        if (auto const* name = element.attribute("name").value(); *name != 0) {
            where += " '" + std::string(name) + "'";
        }
        throw std::invalid_argument("line " + std::to_string(line_at(element.offset_debug())) +
                                    ", " + where + ": " + why);
    }

    /// The value of an attribute that must be there and not be empty.
    [[nodiscard]] std::string_view required(pugi::xml_node element, char const* attribute) const
    {
        std::string_view const value = element.attribute(attribute).value();
        if (value.empty()) {
            refuse(element, "the attribute '" + std::string(attribute) + "' is missing or empty");
        }
        return value;
    }

    /// What `reference` means within `from`; null if there is nothing of that kind.
    [[nodiscard]] open_psa_definition const*
    find(open_psa_kind kind, open_psa_definition const& from, std::string_view reference) const
    {
        auto const& known = by_name_[static_cast<std::size_t>(kind)];
        std::string_view scope = std::string_view(from.path).substr(0, from.scope);
        for (;;) {
            std::string path(scope);
            path += path.empty() ? "" : ".";
            path += reference;
            if (auto const place = known.find(path); place != known.end()) {
                return &definitions_[place->second];
            }
            if (scope.empty()) {
                return nullptr;
            }
            auto const dot = scope.rfind('.');
            scope = scope.substr(0, dot == std::string_view::npos ? 0 : dot);
        }
    }
    [[nodiscard]] open_psa_definition const&
    resolve(open_psa_kind kind, open_psa_definition const& from, pugi::xml_node reference) const
    {
        auto const* found = find(kind, from, required(reference, "name"));
        if (found == nullptr) {
            refuse(reference, std::string("there is no ") +
                                  open_psa_kind_names[static_cast<std::size_t>(kind)] +
                                  " of this name");
        }
        return *found;
    }

    /// In the order of the file.
    [[nodiscard]] std::vector<open_psa_definition> const& definitions() const
    {
        return definitions_;
    }
    [[nodiscard]] std::vector<open_psa_definition> const& common_cause_groups() const
    {
        return groups_;
    }
    /// Elements that are passed over, each name once.
    [[nodiscard]] std::vector<std::string> const& skipped() const { return skipped_; }

private:
    struct container {
        pugi::xml_node element;
        std::string path;
        bool is_public;
    };

    void collect(pugi::xml_node root)
    {
        // Components may be nested as deep as the author likes: a list of what is to be read needs
        // no recursion.
        std::vector<container> todo{{root, "", true}};
        while (!todo.empty()) {
            auto const c = todo.back();
            todo.pop_back();
            auto const first_new = todo.size();
            for (auto const child : c.element.children()) {
                if (child.type() == pugi::node_element) {
                    collect_child(child, c, todo);
                }
            }
            std::reverse(todo.begin() + static_cast<std::ptrdiff_t>(first_new), todo.end());
        }
    }

    void collect_child(pugi::xml_node child, container const& c, std::vector<container>& todo)
    {
        std::string_view const tag = child.name();
        if (tag == "model-data") {
            todo.push_back({child, c.path, c.is_public});
        } else if (tag == "define-fault-tree" || tag == "define-component") {
            auto const path = joined(c, child);
            todo.push_back({child, path, is_public(child, c)});
        } else if (tag == "define-gate") {
            define(open_psa_kind::gate, child, c);
        } else if (tag == "define-basic-event") {
            define(open_psa_kind::basic_event, child, c);
        } else if (tag == "define-house-event") {
            define(open_psa_kind::house_event, child, c);
        } else if (tag == "define-parameter") {
            define(open_psa_kind::parameter, child, c);
        } else if (tag == "define-CCF-group") {
            groups_.push_back({joined(c, child), child, c.path.size(), open_psa_kind::gate});
        } else if (tag != "label" && tag != "attributes" &&
                   std::ranges::find(skipped_, tag) == skipped_.end()) {
            skipped_.emplace_back(tag);
        }
    }

    void define(open_psa_kind kind, pugi::xml_node element, container const& c)
    {
        auto path = joined(c, element);
        auto const add = [&](std::string_view key) {
            auto const [place, added] = by_name_[static_cast<std::size_t>(kind)].try_emplace(
                std::string(key), definitions_.size());
            if (!added) {
                auto const before = definitions_[place->second].element.offset_debug();
                refuse(element,
                       "the name is already taken on line " + std::to_string(line_at(before)));
            }
        };
        add(path);
        if (is_public(element, c) && !c.path.empty()) {
            add(element.attribute("name").value());
        }
        definitions_.push_back({std::move(path), element, c.path.size(), kind});
    }

    [[nodiscard]] bool is_public(pugi::xml_node element, container const& c) const
    {
        std::string_view const role = element.attribute("role").value();
        if (!role.empty() && role != "public" && role != "private") {
            refuse(element,
                   "its role is '" + std::string(role) + "'; allowed are public and private");
        }
        return role.empty() ? c.is_public : role == "public";
    }

    [[nodiscard]] std::string joined(container const& c, pugi::xml_node element) const
    {
        auto const name = required(element, "name");
        if (name.find('.') != std::string_view::npos) {
            refuse(element, "a name cannot contain a dot; dots separate the names of a path");
        }
        if (c.path.size() + name.size() > path_max) {
            refuse(element, "its path is longer than " + std::to_string(path_max) + " characters");
        }
        return c.path.empty() ? std::string(name) : c.path + "." + std::string(name);
    }

    [[nodiscard]] std::ptrdiff_t line_at(std::ptrdiff_t offset) const
    {
        auto const end =
            std::clamp<std::ptrdiff_t>(offset, 0, static_cast<std::ptrdiff_t>(text_.size()));
        return 1 + std::count(text_.begin(), text_.begin() + end, '\n');
    }

    static constexpr std::size_t path_max = 4096;

    std::string_view text_;
    pugi::xml_document document_;
    std::vector<open_psa_definition> definitions_;
    std::array<std::map<std::string, std::size_t, std::less<>>, 4> by_name_;
    std::vector<open_psa_definition> groups_;
    std::vector<std::string> skipped_;
};

} // namespace perdure::availability::detail

#endif

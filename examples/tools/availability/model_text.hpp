// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_AVAILABILITY_MODEL_TEXT_HPP
#define PERDURE_EXAMPLES_TOOLS_AVAILABILITY_MODEL_TEXT_HPP

#include "line_reader.hpp"
#include "model.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/** The tool's text models; docs/availability/tool.md describes them.
 *
 *      component web   mtbf 720 h  mttr 10 min
 *      component disk  unavailability 1e-4
 *      component db    mtbf 2000 h  mttr 1 h  failures 3  repairs 3  up 4000 h  down 2 h
 *      storage = disk | db
 *      system  = 2 of (web, cache, queue) & storage
 */
namespace tool {

namespace detail {

inline constexpr std::size_t bytes_max = std::size_t{4} << 20;
inline constexpr int depth_max = 200;

class model_reader {
public:
    model read(std::string_view text)
    {
        if (text.size() > bytes_max) {
            throw text_error(1, "the text has " + std::to_string(text.size()) +
                                    " bytes; at most 4 MiB are read");
        }
        std::size_t line = 0;
        while (!text.empty()) {
            auto const end = text.find('\n');
            auto one = text.substr(0, end);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            if (!one.empty() && one.back() == '\r') {
                one.remove_suffix(1);
            }
            statement(line_reader(one, ++line));
        }
        if (top_line_ == 0) {
            throw text_error(line + 1, "the model says neither 'system = ...' nor 'top = ...'");
        }
        check_names(model_.top, top_line_);
        for (auto const& [name, f] : model_.formulas) {
            check_names(f, lines_.at(name));
        }
        check_cycles();
        return std::move(model_);
    }

private:
    void statement(line_reader in)
    {
        if (in.now().is == token::kind::end) {
            return;
        }
        auto const name = in.name();
        if (name == "component") {
            return read_component(in);
        }
        if (name == "mission") {
            model_.mission = time(in);
            return end(in);
        }
        in.expect("=");
        auto f = any_of(in, 0);
        end(in);
        if (name == "system" || name == "top") {
            if (top_line_ != 0) {
                throw text_error(in.line(), "there is a system or top in line " +
                                                std::to_string(top_line_) + " already");
            }
            top_line_ = in.line();
            model_.top = std::move(f);
            model_.works = name == "system";
            return;
        }
        declare(name, in.line());
        model_.formulas.emplace(name, std::move(f));
    }
    void declare(std::string const& name, std::size_t line)
    {
        if (name == "of" || name == "system" || name == "top" || name == "component" ||
            name == "mission") {
            throw text_error(line, "'" + name + "' is a word of the language and no name");
        }
        if (auto const [place, fresh] = lines_.emplace(name, line); !fresh) {
            throw text_error(line, "'" + name + "' is declared in line " +
                                       std::to_string(place->second) + " already");
        }
    }
    static void end(line_reader& in)
    {
        if (in.now().is != token::kind::end) {
            in.refuse("the end of the line");
        }
    }
    static availability::duration time(line_reader& in)
    {
        double const n = in.number();
        static constexpr std::pair<char const*, double> units[] = {
            {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"y", 365 * 86400.}};
        for (auto const& [unit, seconds] : units) {
            if (in.accept(unit)) {
                double const value = n * seconds;
                if (!(value >= 0 && value < 1e300)) {
                    throw text_error(in.line(), "a time must be finite and at least 0");
                }
                return availability::duration(value);
            }
        }
        in.refuse("a unit of time (ms, s, min, h, d, y)");
    }
    static double count(line_reader& in)
    {
        double const n = in.number();
        if (!(n >= 0 && n < 1e15)) {
            throw text_error(in.line(), "a number of events must be at least 0");
        }
        return n;
    }
    void read_component(line_reader& in)
    {
        auto const name = in.name();
        declare(name, in.line());
        std::optional<availability::duration> mtbf, mttr, up, down;
        std::optional<double> u, failures, repairs;
        auto const once = [&](auto& field, std::string const& what, auto value) {
            if (field) {
                throw text_error(in.line(), "component '" + name + "' has two of " + what);
            }
            field = value;
        };
        while (in.now().is != token::kind::end) {
            if (in.accept("mtbf")) {
                once(mtbf, "mtbf", time(in));
            } else if (in.accept("mttr")) {
                once(mttr, "mttr", time(in));
            } else if (in.accept("up")) {
                once(up, "up", time(in));
            } else if (in.accept("down")) {
                once(down, "down", time(in));
            } else if (in.accept("failures")) {
                once(failures, "failures", count(in));
            } else if (in.accept("repairs")) {
                once(repairs, "repairs", count(in));
            } else if (in.is("unavailability") || in.is("probability")) {
                auto const what = std::string(in.take().text);
                once(u, what, in.number());
                if (!(*u >= 0 && *u <= 1)) {
                    throw text_error(in.line(), "component '" + name + "': " + what +
                                                    " must lie in [0, 1]");
                }
            } else {
                in.refuse("mtbf, mttr, unavailability, probability, failures, repairs, up or down");
            }
        }
        try {
            add_component(in.line(), name, mtbf, mttr, u, failures, repairs, up, down);
        } catch (text_error const&) {
            throw;
        } catch (std::invalid_argument const& e) { // numbers that are each in range, but not together
            throw text_error(in.line(), "component '" + name + "': " + e.what());
        }
    }
    void add_component(std::size_t line, std::string const& name,
                       std::optional<availability::duration> mtbf,
                       std::optional<availability::duration> mttr, std::optional<double> u,
                       std::optional<double> failures, std::optional<double> repairs,
                       std::optional<availability::duration> up,
                       std::optional<availability::duration> down)
    {
        auto const refuse = [&](char const* rule) {
            throw text_error(line, "component '" + name + "' " + rule);
        };
        bool const data = failures || repairs || up || down;
        if (u && (mtbf || mttr || data)) {
            refuse("has both an unavailability and times");
        }
        component c{name, {}, {}, {}};
        if (u) {
            c.down = availability::chance(*u);
            model_.components.push_back(std::move(c));
            return;
        }
        if (data && !(failures && repairs && up && down)) {
            refuse("needs all of failures, repairs, up and down, or none of them");
        }
        if (data && !mtbf) {
            if (!(*failures > 0 && *repairs > 0 && up->count() > 0 && down->count() > 0)) {
                refuse("has seen no failure or no repair, so it needs an mtbf and mttr as a plan");
            }
            mtbf = *up / *failures;
            mttr = *down / *repairs;
        }
        if (!mtbf) {
            refuse("needs an mtbf, an unavailability, or data");
        }
        if (!(mtbf->count() > 0)) {
            refuse("has an mtbf of 0");
        }
        if (mttr && !(mttr->count() > 0)) {
            refuse("has an mttr of 0");
        }
        if (!mttr && data) {
            refuse("needs an mttr beside its mtbf");
        }
        auto const rate = [&](availability::duration mean) {
            double const r = 1 / mean.count();
            if (!(r < 1e300)) {
                refuse("has a time that is too short");
            }
            return availability::rate::per_second(r);
        };
        c.unit = availability::two_state(rate(*mtbf), mttr ? rate(*mttr) : availability::rate{});
        if (data) {
            availability::evidence seen{};
            seen.failures = *failures;
            seen.repairs = *repairs;
            seen.up = *up;
            seen.down = *down;
            c.learnt.emplace(seen, availability::assumption{*c.unit, 0.5});
            c.unit = c.learnt->unit();
        }
        double const x = c.unit->steady_state().value();
        c.down = mttr ? availability::chance(x) : availability::chance(1, 0);
        model_.components.push_back(std::move(c));
    }

    formula any_of(line_reader& in, int depth)
    {
        auto f = all_of(in, depth);
        return in.is("|") ? more(in, std::move(f), formula::kind::any_of, "|", depth) : f;
    }
    formula all_of(line_reader& in, int depth)
    {
        auto f = one(in, depth);
        return in.is("&") ? more(in, std::move(f), formula::kind::all_of, "&", depth) : f;
    }
    formula more(line_reader& in, formula first, formula::kind kind, std::string_view sign, int depth)
    {
        formula f{kind, {}, 0, {}};
        f.parts.push_back(std::move(first));
        while (in.accept(sign)) {
            f.parts.push_back(kind == formula::kind::any_of ? all_of(in, depth) : one(in, depth));
        }
        return f;
    }
    formula one(line_reader& in, int depth)
    {
        if (depth > depth_max) {
            throw text_error(in.line(), "formulas may be nested 200 deep; name a part of this one");
        }
        if (in.accept("!")) {
            formula f{formula::kind::negation, {}, 0, {}};
            f.parts.push_back(one(in, depth + 1));
            return f;
        }
        if (in.accept("(")) {
            auto f = any_of(in, depth + 1);
            in.expect(")");
            return f;
        }
        if (in.now().is == token::kind::number) {
            double const k = in.number();
            in.expect("of");
            in.expect("(");
            formula f{formula::kind::at_least, {}, 0, {}};
            do {
                f.parts.push_back(any_of(in, depth + 1));
            } while (in.accept(","));
            in.expect(")");
            auto const n = static_cast<double>(f.parts.size());
            if (!(k >= 1 && k <= n) || k != static_cast<double>(static_cast<std::uint32_t>(k))) {
                throw text_error(in.line(), "'of' wants a whole number between 1 and " +
                                                std::to_string(f.parts.size()) + " before it");
            }
            f.threshold = static_cast<std::uint32_t>(k);
            return f;
        }
        if (in.now().is != token::kind::name) {
            in.refuse("a name, '(', '!' or 'k of ('");
        }
        return {formula::kind::name, in.name(), 0, {}};
    }

    void check_names(formula const& f, std::size_t line) const
    {
        if (f.is == formula::kind::name && !lines_.contains(f.name)) {
            throw text_error(line, "there is no component or formula '" + f.name + "'");
        }
        for (auto const& part : f.parts) {
            check_names(part, line);
        }
    }
    static void names_in(formula const& f, std::vector<std::string>& names)
    {
        if (f.is == formula::kind::name) {
            names.push_back(f.name);
        }
        for (auto const& part : f.parts) {
            names_in(part, names);
        }
    }
    /// Formulas that refer to themselves, without recursion: chains of them may be long.
    void check_cycles() const
    {
        enum class mark { open, done };
        std::map<std::string, mark> seen;
        struct visit {
            std::string name;
            std::vector<std::string> below;
        };
        for (auto const& [root, unused] : model_.formulas) {
            std::vector<visit> path;
            auto const enter = [&](std::string const& name) {
                auto const f = model_.formulas.find(name);
                if (f == model_.formulas.end()) {
                    return;
                }
                auto const [place, fresh] = seen.emplace(name, mark::open);
                if (!fresh) {
                    if (place->second == mark::open) {
                        throw text_error(lines_.at(name), "'" + name + "' is below itself");
                    }
                    return;
                }
                path.push_back({name, {}});
                names_in(f->second, path.back().below);
            };
            if (!seen.contains(root)) {
                enter(root);
            }
            while (!path.empty()) {
                if (path.back().below.empty()) {
                    seen[path.back().name] = mark::done;
                    path.pop_back();
                    continue;
                }
                auto const name = path.back().below.back();
                path.back().below.pop_back();
                enter(name);
            }
        }
    }

    model model_;
    std::map<std::string, std::size_t> lines_;
    std::size_t top_line_ = 0;
};

} // namespace detail

/** Reads a text model.
 *  @throws text_error with the line; nothing else, whatever the text
 */
inline model read_model(std::string_view text)
{
    return detail::model_reader().read(text);
}

} // namespace tool

#endif

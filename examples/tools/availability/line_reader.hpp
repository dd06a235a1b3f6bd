// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_AVAILABILITY_LINE_READER_HPP
#define PERDURE_EXAMPLES_TOOLS_AVAILABILITY_LINE_READER_HPP

#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tool {

/// A text that is no model, with the line.
class text_error : public std::invalid_argument {
public:
    text_error(std::size_t line, std::string const& what)
        : std::invalid_argument("line " + std::to_string(line) + ": " + what)
    {
    }
};

namespace detail {

struct token {
    enum class kind { name, number, sign, end };
    kind is = kind::end;
    std::string_view text;
    double value = 0;
};

/// Cuts one line into names, numbers and signs. A '#' begins a comment.
class line_reader {
public:
    line_reader(std::string_view text, std::size_t line) : text_(text), line_(line) { next(); }

    [[nodiscard]] token const& now() const { return now_; }
    [[nodiscard]] std::size_t line() const { return line_; }
    token take()
    {
        auto const taken = now_;
        next();
        return taken;
    }
    [[nodiscard]] bool is(std::string_view text) const
    {
        return now_.is != token::kind::end && now_.text == text;
    }
    bool accept(std::string_view text)
    {
        bool const found = is(text);
        if (found) {
            next();
        }
        return found;
    }
    [[noreturn]] void refuse(std::string const& wanted) const
    {
        throw text_error(line_, now_.is == token::kind::end
                                    ? "the line ends where " + wanted + " is expected"
                                    : "'" + std::string(now_.text.substr(0, 60)) + "' where " +
                                          wanted + " is expected");
    }
    void expect(std::string_view text)
    {
        if (!accept(text)) {
            refuse("'" + std::string(text) + "'");
        }
    }
    std::string name()
    {
        if (now_.is != token::kind::name) {
            refuse("a name");
        }
        return std::string(take().text);
    }
    double number()
    {
        if (now_.is != token::kind::number) {
            refuse("a number");
        }
        return take().value;
    }

private:
    static bool letter(char c)
    {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    }
    static bool digit(char c) { return c >= '0' && c <= '9'; }

    void next()
    {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) {
            ++at_;
        }
        now_ = {};
        if (at_ == text_.size() || text_[at_] == '#') {
            return;
        }
        auto const begin = at_;
        char const c = text_[at_];
        if (letter(c)) {
            while (at_ < text_.size() && (letter(text_[at_]) || digit(text_[at_]) ||
                                          text_[at_] == '-' || text_[at_] == '.')) {
                ++at_;
            }
            now_ = {token::kind::name, text_.substr(begin, at_ - begin), 0};
            return;
        }
        if (digit(c) || c == '.' || c == '-' || c == '+') {
            double value = 0;
            auto const first = text_.data() + begin + (c == '+' ? 1 : 0);
            auto const [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
            if (error != std::errc()) {
                throw text_error(line_, "'" + std::string(text_.substr(begin, 20)) +
                                            "' is no number that a double can hold");
            }
            at_ = static_cast<std::size_t>(end - text_.data());
            now_ = {token::kind::number, text_.substr(begin, at_ - begin), value};
            return;
        }
        if (std::string_view("()&|!,=").find(c) == std::string_view::npos) {
            auto const code = static_cast<unsigned char>(c);
            throw text_error(line_, code >= 32 && code < 127
                                        ? "the character '" + std::string(1, c) + "' means nothing"
                                        : "the byte " + std::to_string(code) + " means nothing");
        }
        ++at_;
        now_ = {token::kind::sign, text_.substr(begin, 1), 0};
    }

    std::string_view text_;
    std::size_t line_;
    std::size_t at_ = 0;
    token now_;
};

} // namespace detail

} // namespace tool

#endif

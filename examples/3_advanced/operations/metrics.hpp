// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef OPERATIONS_METRICS_HPP
#define OPERATIONS_METRICS_HPP

#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace operations {

/// Writes the text format that Prometheus reads. Samples of one metric must follow each other.
class metrics_text {
public:
    using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    void counter(std::string_view name, std::string_view help, double value, labels l = {})
    {
        sample(name, help, "counter", value, l);
    }
    void gauge(std::string_view name, std::string_view help, double value, labels l = {})
    {
        sample(name, help, "gauge", value, l);
    }

    std::string str() const { return text_.str(); }

private:
    void sample(std::string_view name, std::string_view help, std::string_view type, double value,
                labels l)
    {
        if (last_ != name) {
            text_ << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
            last_ = name;
        }
        text_ << name;
        char separator = '{';
        for (auto const& [key, text] : l) {
            text_ << separator << key << "=\"";
            for (char const c : text)
                switch (c) {
                case '\\': text_ << "\\\\"; break;
                case '"': text_ << "\\\""; break;
                case '\n': text_ << "\\n"; break;
                default: text_ << c;
                }
            text_ << '"';
            separator = ',';
        }
        if (l.size())
            text_ << '}';
        text_.precision(15);
        text_ << ' ' << value << '\n';
    }

    std::ostringstream text_;
    std::string last_;
};

} // namespace operations

#endif

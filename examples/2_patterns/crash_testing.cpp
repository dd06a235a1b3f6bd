// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Crash-testing your own store: the search cuts the power before each operation on the disk, looks
// at everything that can be left, and finds the mistake in a store that looks right.

#include <perdure/simulation/crash_search.hpp>

#include <iostream>
#include <map>
#include <string>

namespace simulation = perdure::simulation;

namespace {

/// Your store, as a template on its files: here settings, one "name=value" line each. A real one
/// gets its files from system_world(io).blocking_files().
template <class Files>
class settings {
public:
    settings(Files files, bool careful) : files_(std::move(files)), careful_(careful)
    {
        perdure::error_code ec;
        files_.create_directories("settings", ec);
        file_ = files_.open("settings/current", perdure::open_mode::create, ec);
        files_.sync_directory("settings", ec);
        std::string text(file_.size(ec), '\0');
        file_.read_at(0, std::as_writable_bytes(std::span(text)), ec);
        // A line counts once its end is there.
        for (std::size_t at = 0, end; (end = text.find('\n', at)) != text.npos; at = end + 1) {
            auto const line = text.substr(at, end - at);
            auto const sign = line.find('=');
            if (sign == line.npos)
                break;
            values_[line.substr(0, sign)] = line.substr(sign + 1);
            size_ = end + 1;
        }
    }

    std::map<std::string, std::string> const& values() const { return values_; }

    /// Returns when the setting is safe.
    void set(std::string const& name, std::string const& value)
    {
        values_[name] = value;
        write(file_, name + '=' + value + '\n');
        perdure::error_code ec;
        file_.sync(perdure::sync_mode::data, ec);
    }

    /// Drops what was overwritten, by a new file in place of the old one.
    void compact()
    {
        perdure::error_code ec;
        auto fresh = files_.open("settings/next", perdure::open_mode::create, ec);
        fresh.truncate(0, ec);
        size_ = 0;
        for (auto const& [name, value] : values_)
            write(fresh, name + '=' + value + '\n');
        fresh.sync(perdure::sync_mode::all, ec);
        files_.rename("settings/next", "settings/current", perdure::rename_mode::replace, ec);
        if (careful_)
            files_.sync_directory("settings", ec);
        file_ = std::move(fresh);
    }

private:
    void write(typename Files::file& file, std::string const& text)
    {
        perdure::error_code ec;
        file.write_at(size_, std::as_bytes(std::span(text)), ec);
        size_ += text.size();
    }

    Files files_;
    bool careful_;
    typename Files::file file_;
    std::uint64_t size_ = 0;
    std::map<std::string, std::string> values_;
};

simulation::crash_search_report crash_test(bool careful)
{
    simulation::disk disk;
    std::map<std::string, std::string> promised;

    //[ search
    // The check: what does the store find after a power cut, and does it go on working?
    auto check = [&](simulation::disk& left) -> std::string {
        settings store(simulation::disk_files(left), careful);
        for (auto const& [name, value] : promised)
            if (!store.values().contains(name))
                return "the setting '" + name + "' was promised and is gone";
            else if (store.values().at(name) != value)
                return "the setting '" + name + "' is an old one";
        store.set("after", "the crash");
        settings again(simulation::disk_files(left), careful);
        return again.values().contains("after") ? "" : "the store does not work any more";
    };

    // The program: use the store as your service does, and note what it has promised.
    simulation::crash_search search(disk, check);
    settings store(search.files(), careful);
    store.set("colour", "green");
    promised["colour"] = "green";
    store.compact();
    store.set("size", "small");
    promised["size"] = "small";
    search.cut();
    //]
    return search.report();
}

} // namespace

int main()
{
    std::cout << "a store that forgets to sync its directory: " << crash_test(false) << '\n';
    std::cout << "the same store with the sync:               " << crash_test(true) << '\n';
    return crash_test(false).ok() || !crash_test(true).ok();
}

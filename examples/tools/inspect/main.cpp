// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// perdure-inspect: looks at logs and snapshot stores on disk, copies them, and mends them.

#include "arguments.hpp"
#include "copying.hpp"
#include "output.hpp"
#include <perdure/wal/basic_wal.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <thread>

namespace {

using namespace inspect;
using perdure::position_range;
using perdure::recovery_mode;
using perdure::recovery_outcome;

enum exit_code { clean = 0, torn_tail = 1, corruption = 2, input_output = 3, wrong_usage = 64 };

class tool {
public:
    explicit tool(arguments a) : args_(std::move(a)), out_(args_.json) {}

    int run()
    {
        auto const& c = args_.command;
        bool const two = c == "backup" || c == "restore" || c == "convert";
        if (args_.paths.size() != (two ? 2u : 1u))
            throw bad_usage{c + " takes " + (two ? "two directories" : "one directory")};
        for (auto& path : args_.paths)
            while (path.size() > 1 && path.ends_with('/'))
                path.pop_back();
        error_code ec;
        at_ = find_places(args_.paths[0], ec);
        if (ec)
            return failed(args_.paths[0], ec);
        if (!at_.log && !at_.snapshots) {
            std::cerr << "perdure-inspect: there is neither a log nor a snapshot in "
                      << args_.paths[0] << '\n';
            return input_output;
        }
        if (c == "verify")
            return verify();
        if (c == "stat")
            return stat();
        if (c == "backup")
            return copy({}, true);
        if (c == "restore")
            return restore();
        if (!at_.log)
            throw bad_usage{c + " is for logs, and there is none in " + args_.paths[0]};
        if (c == "dump")
            return dump();
        if (c == "tail")
            return tail();
        if (c == "convert")
            return convert();
        if (c == "repair")
            return repair();
        if (c == "cut")
            return cut();
        throw bad_usage{"there is no command '" + c + "'"};
    }

private:
    int failed(std::string const& where, error_code const& ec)
    {
        std::cerr << "perdure-inspect: " << where << ": " << ec.message() << '\n';
        return code_of(ec);
    }
    // That this tool has no key or is too old says nothing against what is stored.
    static int code_of(error_code const& ec)
    {
        return ec == perdure::condition::corruption ? corruption : input_output;
    }
    // Of two exit codes: what is known to be lost counts more than what cannot be judged.
    static int worse(int a, int b)
    {
        return a == corruption || b == corruption ? int{corruption} : std::max(a, b);
    }

    // What a log's judgement means for the caller.
    int code_of(perdure::recovered_log const& log)
    {
        if (log.error)
            return code_of(log.error);
        switch (log.report.outcome) {
        case recovery_outcome::torn_tail:
            return torn_tail;
        case recovery_outcome::damaged:
        case recovery_outcome::refused:
            return corruption;
        default:
            return clean;
        }
    }

    void print(std::string const& kind, perdure::recovered_log const& log)
    {
        auto const& r = log.report;
        std::string lost;
        for (auto const& range : r.lost)
            lost += (lost.empty() ? "" : ", ") + to_string(range);
        std::vector<field> f{{"outcome", to_string(r.outcome)},
                             {"mode", to_string(r.mode)},
                             {"segments", r.segments},
                             {"first", r.recovered.first},
                             {"last", r.recovered.last},
                             {"durable", r.durable},
                             {"bytes_lost", r.bytes_lost},
                             {"positions_lost", r.positions_lost()}};
        if (!lost.empty())
            f.emplace_back("lost", lost);
        if (r.reason != perdure::wal_damage::none) {
            f.emplace_back("reason", to_string(r.reason));
            f.emplace_back("proof", to_string(r.proof));
            f.emplace_back("segment", r.segment);
            f.emplace_back("offset", r.offset);
        }
        if (log.error)
            f.emplace_back("error", log.error.message());
        if (!r.suggestion().empty())
            f.emplace_back("suggestion", r.suggestion());
        out_.item(kind, f);
    }

    int print_snapshots(std::string const& directory, std::vector<found_snapshot> const& all,
                        error_code const& ec)
    {
        if (ec)
            return failed(directory, ec);
        int result = clean;
        for (auto const& s : all) {
            out_.row("snapshot", {{"id", s.info.id},
                                  {"position", s.info.position},
                                  {"bytes", s.bytes},
                                  {"raw_bytes", s.info.raw_size},
                                  {"name", s.name},
                                  {"state", s.error ? s.error.message() : "intact"}});
            if (s.error)
                result = worse(result, failed(directory + '/' + s.name, s.error));
        }
        return result;
    }

    // A log must reach back to a snapshot that it belongs to.
    int check_together(position_range log, std::vector<found_snapshot> const& all)
    {
        if (stands_within(log, all) || (all.empty() && log.first <= 1))
            return clean;
        std::cerr << "perdure-inspect: no intact snapshot stands within the log, which begins at "
                  << log.first << '\n';
        return corruption;
    }

    int verify()
    {
        int result = clean;
        perdure::recovered_log log;
        std::vector<found_snapshot> all;
        error_code ec;
        // A log and snapshots in use are read one after the other: if they do not fit, it may be because of what was
        // saved and trimmed in between, and then they are others now.
        for (int attempt = 1;; ++attempt) {
            auto const before = position_range{log.front, log.last};
            if (at_.log) {
                log_directory source(*at_.log);
                log = judge_log(source, args_.mode.value_or(recovery_mode::tail));
            }
            if (at_.snapshots)
                all = check_snapshots(*at_.snapshots, ec);
            auto const now = position_range{log.front, log.last};
            if (!at_.log || !at_.snapshots || ec || log.error || stands_within(now, all) ||
                (attempt != 1 && now == before) || attempt == attempts_max)
                break;
        }
        if (at_.log) {
            print("log", log);
            result = code_of(log);
        }
        if (at_.snapshots) {
            result = worse(result, print_snapshots(*at_.snapshots, all, ec));
            if (at_.log && result <= torn_tail)
                result = worse(result, check_together({log.front, log.last}, all));
        }
        return result;
    }

    int stat()
    {
        int result = clean;
        if (at_.log) {
            log_directory source(*at_.log);
            auto const log = judge_log(source, args_.mode.value_or(recovery_mode::tail));
            std::uint64_t bytes = 0;
            for (auto const& s : source.segments()) {
                bytes += s.size;
                perdure::chain_segment found;
                for (auto const& c : log.chain)
                    if (c.header.sequence == s.sequence)
                        found = c;
                bool const part = found.header.sequence != 0;
                out_.row("segment",
                         {{"sequence", s.sequence},
                          {"bytes", s.size},
                          {"used", found.used_bytes},
                          {"first", found.positions.first},
                          {"last", found.positions.last},
                          {"state", part ? "in the log" : "rewritten, next or not believed"}});
            }
            out_.item("log", {{"outcome", to_string(log.report.outcome)},
                              {"first", log.front},
                              {"last", log.last},
                              {"bytes", bytes},
                              {"id", id_text(log.log)}});
            result = code_of(log);
        }
        if (at_.snapshots) {
            error_code ec;
            auto const all = check_snapshots(*at_.snapshots, ec);
            result = worse(result, print_snapshots(*at_.snapshots, all, ec));
        }
        return result;
    }
    static std::string id_text(perdure::wal_format::log_id const& id)
    {
        std::ostringstream out;
        out << std::hex << std::setfill('0') << std::setw(16) << id.high << std::setw(16) << id.low;
        return std::move(out).str();
    }

    void print_record(position p, std::string_view text, std::uint64_t ms)
    {
        bool printable = !args_.hex;
        for (char const c : text)
            printable = printable && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
        out_.row("record", {{"position", p},
                            {"written_ms", ms},
                            {"size", text.size()},
                            {printable ? "text" : "hex", printable ? std::string(text) : hex(text)}});
    }

    int dump()
    {
        log_directory source(*at_.log);
        auto const from = args_.number("--from", 0), to = args_.number("--to", position(-1));
        auto const log = read_log(
            source, args_.mode.value_or(recovery_mode::tail),
            [&](position p, std::span<std::byte const> b, std::uint64_t ms) {
                if (p >= from && p <= to)
                    print_record(p, perdure::as_text(b), ms);
            },
            [&](position_range lost) {
                out_.row("gap", {{"position", lost.first}, {"to", lost.last}, {"what", "lost"}});
            });
        if (log.error)
            print("log", log);
        return code_of(log);
    }

    int tail()
    {
        auto const last = args_.number("--last", 10);
        auto const end = std::chrono::steady_clock::now() +
                         std::chrono::seconds(args_.number("--seconds", 1u << 30));
        position next = 0;
        for (;;) {
            std::deque<std::tuple<position, std::string, std::uint64_t>> kept;
            log_directory source(*at_.log);
            auto const log = read_log(
                source, recovery_mode::tail,
                [&](position p, std::span<std::byte const> b, std::uint64_t ms) {
                    if (p < next)
                        return;
                    kept.emplace_back(p, std::string(perdure::as_text(b)), ms);
                    if (next == 0 && kept.size() > last)
                        kept.pop_front();
                },
                [](position_range) {});
            for (auto const& [p, text, ms] : kept)
                print_record(p, text, ms);
            out_.flush();
            // The moving end of a log in use may look torn, and a file may be trimmed meanwhile.
            if (!args_.follow && log.error)
                print("log", log);
            if (!args_.follow || std::chrono::steady_clock::now() > end)
                return args_.follow ? clean : code_of(log);
            if (!log.error)
                next = std::max(next, log.last + 1);
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
    }

    int copy(copy_range const& range, bool with_snapshots)
    {
        error_code ec;
        new_directory target(args_.paths[1], ec);
        if (ec)
            return failed(args_.paths[1], ec);
        bool const both = at_.log != args_.paths[0] && at_.snapshots != args_.paths[0];
        std::string to_log;
        std::optional<snapshot_copy> snapshots;
        if (at_.log)
            to_log = target.make(both ? "log" : "", ec);
        if (!ec && with_snapshots && at_.snapshots)
            snapshots.emplace(*at_.snapshots, target.make(both ? "snapshots" : "", ec));
        if (ec)
            return failed(target.temporary(), ec);
        copied_log c;
        if (int const broken = copy_parts(range, to_log, c, snapshots); broken != clean) {
            std::filesystem::remove_all(target.temporary());
            return broken;
        }
        int result = clean;
        if (at_.log) {
            out_.item("copy", {{"records", c.records},
                               {"first", c.positions.first},
                               {"last", c.positions.last},
                               {"written_ms", c.last_written_ms}});
            if (range.last != copy_range().last && c.positions.last < range.last)
                std::cerr << "perdure-inspect: the log ends at " << c.positions.last << '\n';
            result = code_of(c.source);
        }
        int verified = clean;
        if (snapshots) {
            snapshots->finish(range.time_ms != 0 ? c.positions.last + 1 : range.last + 1, ec);
            if (ec)
                return failed(snapshots->where(), ec);
            out_.item("snapshots", {{"copied", snapshots->copied().size()},
                                    {"left_out", snapshots->left_out()}});
            for (auto const& s : snapshots->damaged())
                result = worse(result, failed(*at_.snapshots + '/' + s.name, s.error));
            if (at_.log)
                verified = check_together(c.positions, snapshots->copied());
        }
        // The copy is judged as it stands on disk, before it gets its name.
        arguments check;
        check.command = "verify";
        check.json = args_.json;
        check.paths = {target.temporary()};
        if (verified == clean)
            verified = tool(check).run();
        if (verified != clean) {
            std::cerr << "perdure-inspect: the copy cannot be trusted and stays in "
                      << target.temporary() << '\n';
            return worse(verified, result);
        }
        target.publish(ec);
        return ec ? failed(args_.paths[1], ec) : result;
    }
    // Snapshots first: the log then reaches back to them, unless it was trimmed meanwhile. In that case there are newer
    // snapshots, which may stand within the log as it was copied; else copying begins again.
    int copy_parts(copy_range const& range, std::string const& to_log, copied_log& c,
                   std::optional<snapshot_copy>& snapshots)
    {
        error_code ec;
        for (int attempt = 1;; ++attempt) {
            if (snapshots)
                snapshots->add(range.last + 1, ec);
            if (ec)
                return failed(snapshots->where(), ec);
            if (to_log.empty())
                return clean;
            c = copy_log(*at_.log, to_log, range, args_.mode.value_or(recovery_mode::tail));
            if (c.error) {
                print("log", c.source);
                return failed(*at_.log, c.error);
            }
            if (!snapshots || snapshots->within(c.positions))
                return clean;
            auto const seen = snapshots->add(std::min(range.last, c.positions.last) + 1, ec);
            if (ec)
                return failed(snapshots->where(), ec);
            // Without a newer one it was not a trim, and check_together judges.
            if (seen == 0 || snapshots->within(c.positions))
                return clean;
            if (attempt == attempts_max) {
                std::cerr << "perdure-inspect: " << *at_.log
                          << " is trimmed faster than it can be copied\n";
                return input_output;
            }
        }
    }

    int restore()
    {
        copy_range range;
        range.last = args_.number("--position", range.last);
        range.time_ms = args_.number("--time", 0);
        if (range.time_ms != 0 && !at_.log)
            throw bad_usage{"--time is for logs, and there is none in " + args_.paths[0]};
        return copy(range, true);
    }

    int convert()
    {
        copy_range range;
        range.checksum = args_.checksum;
        range.segment_bytes = std::max<std::uint64_t>(
            args_.number("--segment-bytes", range.segment_bytes), 8192);
        at_.snapshots.reset();
        if (at_.log != args_.paths[0])
            args_.paths[0] = *at_.log;
        return copy(range, false);
    }

    // -- what changes a log

    // Copies all files of the log to a new directory beside it.
    bool copy_aside(std::string& to)
    {
        files fs;
        error_code ec;
        for (int n = 1; to.empty() || std::filesystem::exists(to); ++n)
            to = *at_.log + ".copy" + std::to_string(n);
        auto const all = fs.list(*at_.log, ec);
        if (!ec)
            fs.create_directories(to, ec);
        for (auto const& entry : all)
            if (!ec && !entry.is_directory)
                copy_file(*at_.log + '/' + entry.name, to + '/' + entry.name, ec);
        if (!ec)
            fs.sync_directory(to, ec);
        if (ec)
            failed(to, ec);
        return !ec;
    }

    // Opens the log as a program would, so that it is locked and changed by the library's own rules.
    int change(recovery_mode mode, std::function<int(perdure::wal&, boost::asio::io_context&)> f)
    {
        boost::asio::io_context io;
        perdure::wal_options o;
        o.directory = *at_.log;
        o.mode = mode;
        o.verify_everything = true;
        o.owner = "perdure-inspect";
        o.packing = packing();
        o.idle_seal_after = std::chrono::milliseconds(0);
        perdure::wal log(io, o);
        error_code ec;
        auto const report = log.open(ec);
        out_.item("opened", {{"report", to_string(report)}});
        if (ec)
            return failed(*at_.log, ec);
        int result = f ? f(log, io) : int{clean};
        log.async_close([&](error_code e) { ec = e; });
        io.restart();
        io.run();
        return ec ? failed(*at_.log, ec) : result;
    }
    // Whether nobody has it open.
    bool is_free()
    {
        files fs;
        error_code ec;
        auto lock = fs.open(*at_.log + '/' + std::string(perdure::wal_format::lock_name),
                            perdure::open_mode::read_write, ec);
        if (!ec)
            lock.lock(ec);
        if (ec == perdure::errc::locked)
            failed(*at_.log, ec);
        return ec != perdure::errc::locked;
    }

    int repair()
    {
        auto const mode = args_.mode.value_or(recovery_mode::salvage);
        log_directory source(*at_.log);
        auto const before = judge_log(source, recovery_mode::tail);
        print("log", before);
        if (code_of(before) == clean) {
            out_.item("repair", {{"done", "nothing: the log is clean"}});
            return clean;
        }
        if (code_of(before) == input_output) {
            out_.item("repair", {{"done", "nothing: this tool cannot read the log"}});
            return input_output;
        }
        auto const after = judge_log(source, mode);
        print("would_be", after);
        if (!args_.apply) {
            out_.item("repair", {{"done", "nothing: --apply does it, and copies the log first"}});
            return code_of(before);
        }
        std::string copy;
        if (!is_free() || !copy_aside(copy))
            return input_output;
        auto const result = change(mode, {});
        out_.item("repair", {{"done", "opened in mode " + std::string(to_string(mode))},
                             {"copy", copy}});
        return result;
    }

    int cut()
    {
        if (!args_.numbers.contains("--position"))
            throw bad_usage{"cut needs --position N, the last record to keep"};
        auto const last = args_.numbers["--position"];
        log_directory source(*at_.log);
        std::uint64_t dropped = 0;
        auto const before = read_log(
            source, recovery_mode::tail,
            [&](position p, std::span<std::byte const>, std::uint64_t) { dropped += p > last; },
            [](position_range) {});
        if (before.error) {
            print("log", before);
            return code_of(before);
        }
        if (!args_.apply) {
            out_.item("cut", {{"done", "nothing: --apply does it, and copies the log first"},
                              {"would_drop", dropped}});
            return clean;
        }
        std::string copy;
        if (!is_free() || !copy_aside(copy))
            return input_output;
        return change(recovery_mode::tail, [&](perdure::wal& log, boost::asio::io_context& io) {
            error_code ec;
            log.async_truncate(last, [&](error_code e) { ec = e; });
            io.restart();
            io.run();
            out_.item("cut", {{"dropped", dropped}, {"copy", copy}});
            return ec ? failed(*at_.log, ec) : int{clean};
        });
    }

    arguments args_;
    output out_;
    places at_;
};

} // namespace

int main(int argc, char** argv)
{
    std::vector<std::string> const words(argv + 1, argv + argc);
    if (words.empty() || words[0] == "--help" || words[0] == "-h") {
        std::cout << usage;
        return words.empty() ? int{wrong_usage} : 0;
    }
    try {
        return tool(parse(words)).run();
    } catch (bad_usage const& e) {
        std::cerr << "perdure-inspect: " << e.what << "; --help tells more\n";
        return wrong_usage;
    } catch (std::exception const& e) {
        std::cerr << "perdure-inspect: " << e.what() << '\n';
        return input_output;
    }
}

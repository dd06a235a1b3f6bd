// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_PROCESSES_HPP
#define FAILOVER_PROCESSES_HPP

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace failover {

/// A child that ends with its parent, whatever ends the parent.
class child_process {
public:
    child_process() = default;

    /// Runs this very program with other arguments; its output goes to `output_path`.
    static child_process run_self(std::vector<std::string> arguments,
                                  std::string const& output_path)
    {
        std::vector<char*> argv;
        std::string self = "/proc/self/exe";
        argv.push_back(self.data());
        for (auto& a : arguments)
            argv.push_back(a.data());
        argv.push_back(nullptr);
        pid_t const parent = ::getpid();
        pid_t const pid = ::fork();
        if (pid < 0)
            throw std::system_error(errno, std::generic_category(), "fork");
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent)
                ::_exit(1); // The parent died in between.
            // Ctrl-C reaches the whole foreground group; the parent decides what its children do then.
            ::setpgid(0, 0);
            int const out =
                ::open(output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
            if (out >= 0) {
                ::dup2(out, 1);
                ::dup2(out, 2);
            }
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        child_process result;
        result.pid_ = pid;
        return result;
    }

    child_process(child_process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
    child_process& operator=(child_process&& other) noexcept
    {
        kill_and_wait();
        pid_ = std::exchange(other.pid_, 0);
        return *this;
    }
    ~child_process() { kill_and_wait(); }

    bool running() const noexcept { return pid_ != 0; }
    pid_t pid() const noexcept { return pid_; }
    void send(int signal) const noexcept
    {
        if (pid_ != 0)
            ::kill(pid_, signal);
    }

    /// SIGKILL: the process gets no chance to do anything. Thaws it too, so that it can die.
    void kill_and_wait() noexcept
    {
        if (pid_ == 0)
            return;
        ::kill(pid_, SIGKILL);
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
    }

    /// True when it has ended by itself, which none of ours should.
    bool has_ended() noexcept
    {
        int status = 0;
        if (pid_ == 0 || ::waitpid(pid_, &status, WNOHANG) != pid_)
            return false;
        pid_ = 0;
        return true;
    }

private:
    pid_t pid_ = 0;
};

} // namespace failover

#endif

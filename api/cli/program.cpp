#include "api/cli/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>
extern char** environ;

namespace lodge::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_bytes = 4 << 20;

class Fd {
  public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() { close(); }

    int get() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

  private:
    int fd_;
};

struct Pipe {
    Fd read_end;
    Fd write_end;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(ErrorCode::io_failure, std::generic_category().message(errno));
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<pid_t> spawn(const std::vector<std::string>& argv, int output, int errors) {
    std::vector<char*> arguments;
    for (const auto& each : argv) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    pid_t pid = 0;
    int error = posix_spawnp(&pid, arguments[0], &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (error == 0) return pid;
    return fail(error == ENOENT ? ErrorCode::not_found : ErrorCode::io_failure,
                fmt::format("{} cannot be started: {}", argv[0], std::generic_category().message(error)));
}

// Reads both until they are closed; false when the deadline comes first.
bool collect(const Pipe& output, const Pipe& errors, Clock::time_point deadline, std::string& printed,
             std::string& complaints) {
    std::array<pollfd, 2> wait = {{{output.read_end.get(), POLLIN, 0}, {errors.read_end.get(), POLLIN, 0}}};
    std::array<std::string*, 2> texts = {&printed, &complaints};
    std::array<char, 4096> buffer{};
    while (wait[0].fd >= 0 || wait[1].fd >= 0) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0 || poll(wait.data(), wait.size(), static_cast<int>(left)) == 0) return false;
        for (std::size_t i = 0; i < wait.size(); ++i) {
            if (wait.at(i).fd < 0 || wait.at(i).revents == 0) continue;
            auto got = read(wait.at(i).fd, buffer.data(), buffer.size());
            if (got <= 0) wait.at(i).fd = -1;  // poll() passes over it
            auto room = most_bytes - texts.at(i)->size();
            if (got > 0) texts.at(i)->append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
        }
    }
    return true;
}

}  // namespace

Result<std::string> output_of(const std::vector<std::string>& argv, int timeout_s) {
    auto deadline = Clock::now() + std::chrono::seconds(timeout_s);
    LODGE_TRY(auto output, make_pipe());
    LODGE_TRY(auto errors, make_pipe());
    LODGE_TRY(auto pid, spawn(argv, output.write_end.get(), errors.write_end.get()));
    output.write_end.close();
    errors.write_end.close();
    std::string printed;
    std::string complaints;
    bool in_time = collect(output, errors, deadline, printed, complaints);
    if (!in_time) kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    if (!in_time)
        return fail(ErrorCode::io_failure, fmt::format("{} took longer than {} s", argv[0], timeout_s));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return printed;
    return fail(ErrorCode::io_failure, fmt::format("{} failed: {}", argv[0], complaints));
}

}  // namespace lodge::cli

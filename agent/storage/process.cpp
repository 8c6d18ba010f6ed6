#include "agent/storage/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <system_error>
#include <thread>

#include "agent/storage/files.h"

namespace lodge::agent {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t output_limit = 1000;  // bytes kept of what the program prints
constexpr std::size_t input_limit = 4096;   // what every pipe holds

struct Pipe {
    Fd read_end;
    Fd write_end;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return tl::unexpected(file_error("making", "a pipe"));
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// A descriptor to read it from: no pipe has room for less.
Result<Fd> make_input(std::string_view text) {
    LODGE_TRY(Pipe pipe, make_pipe());
    if (write(pipe.write_end.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return tl::unexpected(file_error("writing", "a program's input"));
    return std::move(pipe.read_end);
}

// Both outputs go to `output`, no signal stays blocked or ignored, and the language of messages is the
// program's own.
Result<pid_t> spawn(const std::vector<std::string>& argv, int input, int output) {
    std::vector<char*> arguments;
    arguments.reserve(argv.size() + 1);
    for (const std::string& each : argv) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::array<char, 9> language{"LC_ALL=C"};
    std::array<char*, 2> environment{language.data(), nullptr};
    pid_t pid = 0;
    const int error =
        posix_spawnp(&pid, arguments[0], &files, &attributes, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        return fail(ErrorCode::io_failure,
                    argv[0] + " cannot be started: " + std::generic_category().message(error));
    return pid;
}

int left_ms(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// Reads until the program closes its output or the deadline passes.
std::string collect(const Fd& output, Clock::time_point deadline) {
    std::string text;
    std::array<char, 512> buffer{};
    pollfd wait{output.get(), POLLIN, 0};
    while (poll(&wait, 1, left_ms(deadline)) > 0) {
        const ssize_t got = read(output.get(), buffer.data(), buffer.size());
        if (got <= 0) break;
        text.append(buffer.data(), std::min(static_cast<std::size_t>(got), output_limit - text.size()));
    }
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

// The wait status; nothing when the program had to be killed.
std::optional<int> wait_or_kill(pid_t pid, Clock::time_point deadline) {
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (left_ms(deadline) == 0) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return std::nullopt;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return status;
}

}  // namespace

Status run_program(const std::vector<std::string>& argv, std::int64_t timeout_ms, std::string_view text) {
    if (text.size() > input_limit) return fail(ErrorCode::io_failure, argv[0] + ": its input is too long");
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    LODGE_TRY(Pipe pipe, make_pipe());
    LODGE_TRY(const Fd input, make_input(text));
    LODGE_TRY(const pid_t pid, spawn(argv, input.get(), pipe.write_end.get()));
    pipe.write_end = Fd();
    const std::string output = collect(pipe.read_end, deadline);
    const std::optional<int> status = wait_or_kill(pid, deadline);
    if (!status)
        return fail(ErrorCode::io_failure,
                    argv[0] + " took longer than " + std::to_string(timeout_ms) + " ms");
    if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return {};
    const std::string end =
        WIFEXITED(*status) ? "failed" : "was killed by signal " + std::to_string(WTERMSIG(*status));
    return fail(ErrorCode::io_failure, argv[0] + " " + end + ": " + output);
}

}  // namespace lodge::agent

#include "api/images/confined.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "api/images/confined_child.h"
#include "api/images/descriptor.h"

namespace lodge::images {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::size_t most_error_bytes = 4096;
constexpr int look_up_ms = 100;  // how often `cancelled` is asked

struct Pipe {
    Descriptor reader;
    Descriptor writer;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(ErrorCode::io_failure, "cannot make a pipe");
    Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return pipe;
}

// By number: the header of glibc 2.36 forgets that it may be included from C++.
int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// The running program: killed with its process group and reaped when this goes.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid), handle_(open_pidfd(pid)) {
        ::setpgid(pid, pid);  // the child does it too: whoever comes first
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { wait(); }

    int handle() const { return handle_.get(); }

    // The wait status. Kills what still runs.
    int wait() {
        if (pid_ > 0) {
            ::kill(-pid_, SIGKILL);
            while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
            }
            pid_ = 0;
        }
        return status_;
    }

  private:
    pid_t pid_;
    Descriptor handle_;
    int status_ = 0;
};

// Takes what the pipe holds now; keeps the first `most` bytes. False at its end.
bool drain(int pipe, std::string& into, std::size_t most) {
    std::array<char, 16384> chunk;
    for (;;) {
        ssize_t got = ::read(pipe, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 && errno == EAGAIN;
        into.append(chunk.data(), std::min(static_cast<std::size_t>(got), most - into.size()));
    }
}

struct Watch {
    const std::string& name;
    const Limits& limits;
    const Cancelled& cancelled;
    const Said& said;
    SteadyClock::time_point deadline;
};

Status check_still_allowed(const Watch& watch, const Finished& so_far) {
    if (watch.cancelled && watch.cancelled()) return fail(ErrorCode::io_failure, "interrupted");
    if (so_far.out.size() > watch.limits.output_bytes)
        return fail(ErrorCode::invalid_input,
                    fmt::format("{} wrote over {} bytes about the file and was stopped", watch.name,
                                watch.limits.output_bytes));
    if (SteadyClock::now() >= watch.deadline)
        return fail(ErrorCode::invalid_input,
                    fmt::format("{} took more than {} s over the file and was stopped", watch.name,
                                watch.limits.wall_ms / 1000.0));
    return {};
}

// Reads both pipes until the program itself has ended (its children may hold the pipes open for longer).
Status collect(const Child& child, Pipe& out, Pipe& err, const Watch& watch, Finished& finished) {
    std::array<pollfd, 3> polled = {pollfd{child.handle(), POLLIN, 0}, pollfd{out.reader.get(), POLLIN, 0},
                                    pollfd{err.reader.get(), POLLIN, 0}};
    for (bool ended = false; !ended;) {
        int ready = ::poll(polled.data(), polled.size(), look_up_ms);
        ended = ready > 0 && polled[0].revents != 0;
        if (!drain(out.reader.get(), finished.out, watch.limits.output_bytes + 1)) polled[1].fd = -1;
        if (!drain(err.reader.get(), finished.err, most_error_bytes)) polled[2].fd = -1;
        if (watch.said) watch.said(finished.out);
        LODGE_CHECK(check_still_allowed(watch, finished));
    }
    return {};
}

// Where `name` lies. The operator's own PATH is not asked: it may lead where nobody may not go.
Result<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    for (const char* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/"})
        if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
    return fail(ErrorCode::io_failure, fmt::format("there is no {} (Debian: apt install qemu-utils)", name));
}

Status check_started(const Descriptor& report, const std::string& name) {
    ChildFailure failure{};
    if (::read(report.get(), &failure, sizeof failure) != sizeof failure) return {};
    failure.step[sizeof failure.step - 1] = '\0';
    std::string why = std::generic_category().message(failure.error);
    if (failure.error == ENOENT && std::strcmp(failure.step, "starting it") == 0)
        return fail(ErrorCode::io_failure,
                    fmt::format("there is no {} (Debian: apt install qemu-utils)", name));
    return fail(ErrorCode::io_failure, fmt::format("cannot run {}: {}: {}", name, failure.step, why));
}

Result<int> exit_code(int wait_status, const std::string& name) {
    if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status);
    int signal = WTERMSIG(wait_status);
    if (signal == SIGXCPU)
        return fail(ErrorCode::invalid_input, name + " used too much CPU time over the file and was stopped");
    if (signal == SIGXFSZ)
        return fail(ErrorCode::invalid_input,
                    name + " would make a larger file than it may, and was stopped");
    return fail(ErrorCode::invalid_input, fmt::format("{} died of signal {} over the file", name, signal));
}

// The file to write is nobody's as long as this lives.
class Lent {
  public:
    explicit Lent(int file) : file_(::geteuid() == 0 ? file : -1) {
        if (file_ >= 0 && ::fstat(file_, &owner_) != 0) file_ = -1;
        if (file_ >= 0) give(nobody, nobody);
    }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
    ~Lent() {
        if (file_ >= 0) give(owner_.st_uid, owner_.st_gid);
    }

  private:
    // If it fails the program cannot open the file, and says so.
    void give(uid_t user, gid_t group) const { [[maybe_unused]] int refused = ::fchown(file_, user, group); }

    int file_;
    struct stat owner_ {};
};

// Opened anew, so that the program's descriptors are for reading even where the caller's are not.
Result<std::vector<Descriptor>> open_again(const ConfinedFiles& files, const std::string& program) {
    std::vector<Descriptor> opened;
    for (int file : files.readable)
        opened.emplace_back(::open(fmt::format("/proc/self/fd/{}", file).c_str(), O_RDONLY | O_CLOEXEC));
    if (files.writable >= 0) opened.emplace_back(::fcntl(files.writable, F_DUPFD_CLOEXEC, 0));
    for (const auto& each : opened)
        if (!each.open()) return fail(ErrorCode::io_failure, "cannot open the file for " + program);
    if (opened.size() > most_confined_files)
        return fail(ErrorCode::invalid_input, "these are too many files for " + program);
    return opened;
}

}  // namespace

std::string confined_path(std::size_t number) {
    return fmt::format("/proc/self/fd/{}", 3 + number);
}

Result<Finished> run_confined(const std::vector<std::string>& argv, int file, const Limits& limits,
                              const Cancelled& cancelled) {
    return run_confined(argv, ConfinedFiles{{file}}, limits, cancelled);
}

Result<Finished> run_confined(const std::vector<std::string>& argv, const ConfinedFiles& files,
                              const Limits& limits, const Cancelled& cancelled, const Said& said) {
    LODGE_TRY(const auto opened, open_again(files, argv[0]));
    std::vector<int> given;
    for (const auto& each : opened) given.push_back(each.get());
    const Lent lent(files.writable);
    LODGE_TRY(Pipe out, make_pipe());
    LODGE_TRY(Pipe err, make_pipe());
    LODGE_TRY(Pipe report, make_pipe());
    LODGE_TRY(std::string program, find_program(argv[0]));
    std::vector<const char*> words;
    for (const auto& word : argv) words.push_back(word.c_str());
    words.push_back(nullptr);
    ChildSetup setup{program.c_str(),
                     words.data(),
                     given.data(),
                     static_cast<int>(given.size()),
                     files.writable >= 0,
                     out.writer.get(),
                     err.writer.get(),
                     report.writer.get(),
                     limits};

    pid_t pid = ::fork();
    if (pid == 0) become_program(setup);
    if (pid < 0) return fail(ErrorCode::io_failure, "cannot start " + argv[0] + ": fork failed");
    Child child(pid);
    for (Pipe* pipe : {&out, &err, &report}) pipe->writer = Descriptor();
    if (child.handle() < 0) return fail(ErrorCode::io_failure, "this system has no pidfd_open (Linux 5.3)");

    Finished finished;
    Watch watch{argv[0], limits, cancelled, said,
                SteadyClock::now() + std::chrono::milliseconds(limits.wall_ms)};
    LODGE_CHECK(collect(child, out, err, watch, finished));
    int status = child.wait();
    LODGE_CHECK(check_started(report.reader, argv[0]));
    LODGE_TRY(finished.exit_code, exit_code(status, argv[0]));
    return finished;
}

}  // namespace lodge::images

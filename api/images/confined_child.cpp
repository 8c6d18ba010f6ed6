#include "api/images/confined_child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace lodge::images {
namespace {

constexpr int first_file = 3;
constexpr int out_of_the_way = 256;  // more than all descriptors that the program gets
static_assert(first_file + most_confined_files + 1 < out_of_the_way);

[[noreturn]] void give_up(int report, const char* step) {
    ChildFailure failure{errno, {}};
    std::strncpy(failure.step, step, sizeof failure.step - 1);
    [[maybe_unused]] auto sent = ::write(report, &failure, sizeof failure);
    ::_exit(127);
}

bool limit(int what, std::int64_t soft, std::int64_t hard) {
    rlimit value{static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)};
    return ::setrlimit(static_cast<__rlimit_resource>(what), &value) == 0;
}

bool set_limits(const Limits& limits, bool as_root) {
    return limit(RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1) &&
           limit(RLIMIT_AS, limits.address_space_bytes, limits.address_space_bytes) &&
           limit(RLIMIT_NOFILE, limits.open_files, limits.open_files) &&
           limit(RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes) && limit(RLIMIT_CORE, 0, 0) &&
           (!as_root || limit(RLIMIT_NPROC, limits.threads, limits.threads));
}

// At best effort, as a container or an administrator may forbid it. Without root, a user namespace gives the
// right.
void leave_network(bool as_root) {
    [[maybe_unused]] int refused = ::unshare(as_root ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET);
}

void allow_writing(int ruleset, int file, std::uint64_t access) {
    landlock_path_beneath_attr rule{access, file};
    ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

// Whoever it runs as, it writes, makes and removes no file but /dev/null and `writable`, if there is one
// (Landlock, Linux 5.13; at best effort: of old kernels the other limits remain).
void forbid_writing(int writable) {
    constexpr std::uint64_t all_but_reading = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                              LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                              LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                              LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                              LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    constexpr std::uint64_t truncate = 1U << 14;  // from version 3 on
    long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    landlock_ruleset_attr rules{};
    const std::uint64_t truncate_if_known = abi >= 3 ? truncate : 0;
    rules.handled_access_fs = all_but_reading | truncate_if_known;
    auto ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0));
    if (ruleset < 0) return;
    int null = ::open("/dev/null", O_PATH | O_CLOEXEC);
    allow_writing(ruleset, null, LANDLOCK_ACCESS_FS_WRITE_FILE);
    if (writable >= 0) allow_writing(ruleset, writable, LANDLOCK_ACCESS_FS_WRITE_FILE | truncate_if_known);
    ::syscall(SYS_landlock_restrict_self, ruleset, 0);
    ::close(null);
    ::close(ruleset);
}

bool drop_root() {
    return ::setgroups(0, nullptr) == 0 && ::setresgid(nobody, nobody, nobody) == 0 &&
           ::setresuid(nobody, nobody, nobody) == 0;
}

// stdin from /dev/null, the pipes as stdout and stderr, the files from 3 on, then the report; the rest
// closed. All are first moved out of the way, so that none is overwritten before its turn.
int arrange_files(const ChildSetup& setup) {
    int moved[first_file + most_confined_files + 1] = {::open("/dev/null", O_RDONLY), setup.out, setup.err};
    for (int i = 0; i < setup.file_count; ++i) moved[first_file + i] = setup.files[i];
    const int report = first_file + setup.file_count;
    moved[report] = setup.report;
    for (int i = 0; i <= report; ++i)
        if ((moved[i] = ::fcntl(moved[i], F_DUPFD, out_of_the_way)) < 0) return -1;
    for (int i = 0; i <= report; ++i)
        if (::dup2(moved[i], i) < 0) return -1;
    if (::fcntl(report, F_SETFD, FD_CLOEXEC) != 0) return -1;
    if (::close_range(static_cast<unsigned>(report) + 1, ~0U, 0) != 0) return -1;
    return report;
}

void reset_signals() {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGXFSZ}) ::signal(signal, SIG_DFL);
}

}  // namespace

void become_program(const ChildSetup& setup) {
    ::setpgid(0, 0);
    reset_signals();
    int report = arrange_files(setup);
    if (report < 0) give_up(setup.report, "arranging files");
    bool as_root = ::geteuid() == 0;
    leave_network(as_root);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(report, "no_new_privs");
    forbid_writing(setup.last_is_writable ? report - 1 : -1);
    if (!set_limits(setup.limits, as_root)) give_up(report, "setrlimit");
    if (as_root && !drop_root()) give_up(report, "dropping root");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    static const char* const environment[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", nullptr};
    ::execve(setup.program, const_cast<char* const*>(setup.argv), const_cast<char* const*>(environment));
    give_up(report, "starting it");
}

}  // namespace lodge::images

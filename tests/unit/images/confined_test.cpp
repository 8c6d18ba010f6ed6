// The limits really stop a program, and it gets no more than it should.
#include "api/images/confined.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>

#include "api/images/descriptor.h"
#include "tests/unit/images/scratch.h"

namespace lodge::images {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Confined : public Scratch {
  protected:
    void SetUp() override {
        Scratch::SetUp();
        write("file", "the file's content");
        file_ = Descriptor(::open(path("file").c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_TRUE(file_.open());
    }

    Result<Finished> sh(const std::string& body, const Limits& limits = {}, const Cancelled& cancelled = {}) {
        return run_confined({script("program", body)}, file_.get(), limits, cancelled);
    }

    Descriptor file_;
};

std::int64_t ms_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start)
        .count();
}

TEST_F(Confined, HandsOverOutputErrorsAndExitCode) {
    auto done = sh("cat /proc/self/fd/3; echo oops >&2; exit 3");
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->out, "the file's content");
    EXPECT_EQ(done->err, "oops\n");
    EXPECT_EQ(done->exit_code, 3);
}

TEST_F(Confined, GetsOnlyItsFileAndNoEnvironment) {
    ::setenv("LODGE_SECRET", "leaked", 1);
    Descriptor other(::open("/dev/null", O_RDONLY));  // not close-on-exec, on purpose
    auto done = sh("ls /proc/$$/fd; env");
    ASSERT_TRUE(done);
    EXPECT_THAT(done->out, Not(HasSubstr("LODGE_SECRET")));
    // 10 is the shell's own script.
    EXPECT_THAT(done->out.substr(0, done->out.find('=')), ::testing::StartsWith("0\n1\n10\n2\n3\n"));
}

TEST_F(Confined, CannotWriteItsFileOrAnyOther) {
    ::chmod(path("file").c_str(), 0666);
    ::chmod(dir_.c_str(), 0777);
    const std::string file = path("file");
    const std::vector<std::string> attempts = {"echo x > /proc/self/fd/3",      "echo x >&3",
                                               "echo x > " + path("new"),       "rm " + file,
                                               "mv " + file + " " + path("to"), "mkdir " + path("folder"),
                                               "truncate -s 0 " + file};
    for (const auto& attempt : attempts) {
        auto done = sh(attempt);
        EXPECT_TRUE(!done || done->exit_code != 0) << attempt;
        EXPECT_EQ(read("file"), "the file's content") << attempt;
    }
    EXPECT_EQ(entries("."), 2U);  // the file and the program
}

TEST_F(Confined, RunsAsNobodyWhenRoot) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: no user to drop to";
    auto done = sh("id -u; id -g; id -G");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->out, "65534\n65534\n65534\n");
}

TEST_F(Confined, HasNoNetwork) {
    if (::geteuid() != 0 && std::system("unshare --user --net true >/dev/null 2>&1") != 0)
        GTEST_SKIP() << "not root, and this system gives users no namespaces";
    auto done = sh("grep -c : /proc/net/dev");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->out, "1\n");  // the loopback alone
}

TEST_F(Confined, IsStoppedAtItsTime) {
    auto start = std::chrono::steady_clock::now();
    auto done = sh("sleep 60", {.wall_ms = 300});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::invalid_input);
    EXPECT_THAT(done.error().message, HasSubstr("took more than 0.3 s"));
    EXPECT_LT(ms_since(start), 5000);
}

TEST_F(Confined, IsStoppedAtItsTimeThoughItClosedItsPipes) {
    auto done = sh("exec >&- 2>&-; sleep 60", {.wall_ms = 300});
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("took more than"));
}

TEST_F(Confined, DoesNotWaitForChildrenThatHoldThePipes) {
    auto start = std::chrono::steady_clock::now();
    auto done = sh("sleep 60 & echo started");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->out, "started\n");
    EXPECT_LT(ms_since(start), 5000);
}

TEST_F(Confined, SpinningCostsOneSecondOfCpu) {
    auto done = sh("while :; do :; done", {.cpu_s = 1, .wall_ms = 60'000});
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("too much CPU time"));
}

TEST_F(Confined, CannotAllocateWithoutEnd) {
    const char* greedy = "exec dd if=/dev/zero of=/dev/null bs=256M count=1";
    auto done = sh(greedy, {.address_space_bytes = 1 << 30});
    ASSERT_TRUE(done);
    EXPECT_EQ(done->exit_code, 0) << done->err;
    done = sh(greedy, {.address_space_bytes = 64 << 20});
    ASSERT_TRUE(done);
    EXPECT_NE(done->exit_code, 0);
    EXPECT_THAT(done->err, HasSubstr("memory exhausted"));
}

TEST_F(Confined, CannotFloodItsOutput) {
    auto done = sh("exec cat /dev/zero", {.wall_ms = 60'000, .output_bytes = 100'000});
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("wrote over 100000 bytes"));
}

TEST_F(Confined, FloodedErrorsAreCut) {
    auto done = sh("head -c 1000000 /dev/zero | tr '\\0' e >&2");
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->err, std::string(4096, 'e'));
}

TEST_F(Confined, CannotOpenManyFiles) {
    auto done = sh("exec 9</dev/null", {.open_files = 5});
    ASSERT_TRUE(!done || done->exit_code != 0);
}

TEST_F(Confined, EndsWhenCancelled) {
    auto start = std::chrono::steady_clock::now();
    auto done = sh("sleep 60", {}, [&] { return ms_since(start) > 200; });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "interrupted");
    EXPECT_LT(ms_since(start), 5000);
}

TEST_F(Confined, TellsOfDeathBySignal) {
    auto done = sh("kill -SEGV $$");
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("died of signal 11"));
}

TEST_F(Confined, TellsOfAMissingProgram) {
    auto done = run_confined({"no-such-qemu-img"}, file_.get(), {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::io_failure);
    EXPECT_THAT(done.error().message, HasSubstr("there is no no-such-qemu-img"));
}

TEST_F(Confined, TellsOfAProgramItMayNotRun) {
    write("program", "text");
    auto done = run_confined({path("program")}, file_.get(), {});
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("starting it: Permission denied"));
}

}  // namespace
}  // namespace lodge::images

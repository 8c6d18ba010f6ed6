#include "agent/storage/process.h"

#include <gtest/gtest.h>

#include <chrono>

namespace lodge::agent {
namespace {

TEST(RunProgram, SucceedsWithTheProgram) {
    EXPECT_TRUE(run_program({"true"}, 5000));
}

TEST(RunProgram, FailureCarriesWhatWasPrinted) {
    const Status status = run_program({"sh", "-c", "echo out; echo why >&2; exit 3"}, 5000);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::io_failure);
    EXPECT_EQ(status.error().message, "sh failed: out\nwhy");
}

TEST(RunProgram, MissingProgramIsAnError) {
    const Status status = run_program({"lodge-no-such-program"}, 5000);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("cannot be started"), std::string::npos) << status.error().message;
}

TEST(RunProgram, ArgumentsSeeNoShell) {
    const Status status = run_program({"sh", "-c", "echo \"$1\"; exit 1", "sh", "a; $(b) 'c'"}, 5000);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message, "sh failed: a; $(b) 'c'");
}

TEST(RunProgram, SlowProgramIsKilled) {
    const auto start = std::chrono::steady_clock::now();
    const Status status = run_program({"sleep", "60"}, 100);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("took longer"), std::string::npos) << status.error().message;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(RunProgram, ProgramThatClosesItsOutputAndStaysIsKilled) {
    EXPECT_FALSE(run_program({"sh", "-c", "exec >&- 2>&-; sleep 60"}, 100));
}

TEST(RunProgram, SignalsAreNamed) {
    const Status status = run_program({"sh", "-c", "kill -9 $$"}, 5000);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("signal 9"), std::string::npos) << status.error().message;
}

TEST(RunProgram, MuchOutputIsCutShort) {
    const Status status = run_program({"sh", "-c", "yes | head -c 1000000; exit 1"}, 20'000);
    ASSERT_FALSE(status);
    EXPECT_LT(status.error().message.size(), 1100U);
}

}  // namespace
}  // namespace lodge::agent

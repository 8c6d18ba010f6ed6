#include "agent/network/unixctl.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/daemon_socket.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

TEST(Unixctl, AsksAndHearsAnAnswerInPieces) {
    const TemporaryFolder folder;
    const SystemClock clock;
    const DaemonSocket daemon(folder.path().string(), "ovn-controller", "connection-status", "connected\n");
    const auto answer =
        ask_daemon(folder.path().string(), "ovn-controller", "connection-status", 5'000, clock);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(*answer, "connected");
    const auto refused = ask_daemon(folder.path().string(), "ovn-controller", "sing", 5'000, clock);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::io_failure);
    EXPECT_EQ(refused.error().message, "ovn-controller: no such command");
}

TEST(Unixctl, NamesWhoDoesNotAnswer) {
    const TemporaryFolder folder;
    const SystemClock clock;
    const auto missing = ask_daemon(folder.path().string(), "ovs-vswitchd", "version", 100, clock);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::service_unavailable);
    EXPECT_EQ(missing.error().message, "ovs-vswitchd does not run");
    DaemonSocket hung(folder.path().string(), "ovs-vswitchd", "version", "");
    hung.set_silent(true);
    const auto silent = ask_daemon(folder.path().string(), "ovs-vswitchd", "version", 100, clock);
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error().code, ErrorCode::service_unavailable);
}

}  // namespace
}  // namespace lodge::agent

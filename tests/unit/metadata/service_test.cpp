// The service on loopback: networks without a namespace, whose guests are 127.0.0.x.
#include "agent/metadata/service.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "tests/unit/metadata/guests.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

const std::string vpc_a = "vpc-0000000000000000a";
const std::string vpc_b = "vpc-0000000000000000b";

sockaddr_in endpoint(const std::string& address, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &out.sin_addr);
    return out;
}

int connect_from(const std::string& source, const std::string& to, std::uint16_t port) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto from = endpoint(source, 0);
    auto server = endpoint(to, port);
    timeval patience{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&server), sizeof server) != 0) {
        ::close(fd);
        return -1;
    }
    return fd;
}

std::string converse(int fd, const std::string& path) {
    auto text = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    std::string reply;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
        reply.append(buffer, static_cast<std::size_t>(got));
    return reply;
}

class Metadata : public ::testing::Test {
  protected:
    void start() {
        MetadataOptions options;
        options.folder = folder.path() / "metadata";
        options.port = port;
        options.connections_of_a_guest = 4;
        options.shortest_retry_ms = 1;
        options.fetch = [this](const GuestId&) -> Result<link::LaunchDataReply> {
            if (!control_plane_is_there) return fail(ErrorCode::service_unavailable, "down");
            auto launch = example_launch();
            launch.user_data = "#!/bin/sh";
            return launch;
        };
        auto started = MetadataService::start(options, clock, random);
        ASSERT_TRUE(started) << started.error().message;
        service = std::move(*started);
    }
    void SetUp() override {
        int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        auto any = endpoint("127.0.0.1", 0);
        socklen_t size = sizeof any;
        ::bind(probe, reinterpret_cast<sockaddr*>(&any), size);
        ::getsockname(probe, reinterpret_cast<sockaddr*>(&any), &size);
        port = ntohs(any.sin_port);
        ::close(probe);
        start();
        service->set_networks(networks);
    }
    std::string ask(const std::string& source, const std::string& path,
                    const std::string& to = "127.0.0.1") const {
        int fd = connect_from(source, to, port);
        if (fd < 0) return "";
        auto reply = converse(fd, path);
        ::close(fd);
        return reply;
    }
    bool tells(const std::string& source, const std::string& path, const std::string& text,
               const std::string& to = "127.0.0.1") const {
        for (int i = 0; i < 500; ++i) {
            if (ask(source, path, to).ends_with("\r\n\r\n" + text)) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    TemporaryFolder folder;
    SystemClock clock;
    SeededRandom random{11};
    std::atomic<bool> control_plane_is_there{true};
    std::uint16_t port = 0;
    std::vector<MetadataNetwork> networks = {{VpcId::trusted(vpc_a), "", 1, {"127.0.0.1"}},
                                             {VpcId::trusted(vpc_b), "", 1, {"127.0.0.2"}}};
    std::unique_ptr<MetadataService> service;
};

TEST_F(Metadata, TheNetworkAndTheAddressSayWhoAsks) {
    service->set_guests({example_guest("00000000000000001", "127.0.0.5", vpc_a),
                         example_guest("00000000000000002", "127.0.0.5", vpc_b)});
    EXPECT_TRUE(tells("127.0.0.5", "/latest/meta-data/instance-id", "i-00000000000000001", "127.0.0.1"));
    EXPECT_TRUE(tells("127.0.0.5", "/latest/meta-data/instance-id", "i-00000000000000002", "127.0.0.2"));
    EXPECT_EQ(ask("127.0.0.9", "/latest/"), "") << "nobody's address";
}

TEST_F(Metadata, AnAddressThatChangesHandsTellsItsNewOwner) {
    auto old = example_guest("00000000000000001", "127.0.0.5", vpc_a);
    service->set_guests({old});
    EXPECT_TRUE(tells("127.0.0.5", "/latest/meta-data/instance-id", "i-00000000000000001"));
    old.desired = Desired::terminated;
    service->set_guests({old});
    EXPECT_EQ(ask("127.0.0.5", "/latest/"), "");
    service->set_guests({old, example_guest("00000000000000002", "127.0.0.5", vpc_a)});
    EXPECT_TRUE(tells("127.0.0.5", "/latest/meta-data/instance-id", "i-00000000000000002"));
}

TEST_F(Metadata, LaunchDataIsAskedForUntilItIsThere) {
    control_plane_is_there = false;
    service->set_guests({example_guest("00000000000000001", "127.0.0.5", vpc_a)});
    EXPECT_NE(ask("127.0.0.5", "/latest/user-data").find("503"), std::string::npos);
    control_plane_is_there = true;
    EXPECT_TRUE(tells("127.0.0.5", "/latest/user-data", "#!/bin/sh"));
}

TEST_F(Metadata, ARestartWithoutTheControlPlaneLosesNothing) {
    auto guest = example_guest("00000000000000001", "127.0.0.5", vpc_a);
    service->set_guests({guest});
    EXPECT_TRUE(tells("127.0.0.5", "/latest/user-data", "#!/bin/sh"));
    while (!std::filesystem::exists(folder.path() / "metadata/guests.json") ||
           !std::filesystem::exists(folder.path() / "metadata/launch/g-00000000000000001.json"))
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    service.reset();
    control_plane_is_there = false;
    start();
    EXPECT_TRUE(tells("127.0.0.5", "/latest/user-data", "#!/bin/sh"));
    service->set_guests({});
    EXPECT_EQ(ask("127.0.0.5", "/latest/"), "");
}

TEST_F(Metadata, OneGuestsFloodLeavesRoomForAnother) {
    service->set_guests({example_guest("00000000000000001", "127.0.0.5", vpc_a),
                         example_guest("00000000000000002", "127.0.0.6", vpc_a)});
    std::vector<int> flood;
    for (int i = 0; i < 100; ++i) flood.push_back(connect_from("127.0.0.5", "127.0.0.1", port));
    EXPECT_TRUE(tells("127.0.0.6", "/latest/meta-data/instance-id", "i-00000000000000002"));
    for (int fd : flood) ::close(fd);
    EXPECT_TRUE(tells("127.0.0.5", "/latest/meta-data/instance-id", "i-00000000000000001"));
}

TEST_F(Metadata, RepliesCarryTheHopLimit) {
    auto guest = example_guest("00000000000000001", "127.0.0.5", vpc_a);
    guest.metadata.hop_limit = 3;
    service->set_guests({guest});
    ASSERT_TRUE(tells("127.0.0.5", "/latest/meta-data/instance-id", "i-00000000000000001"));
    // A network that goes takes its socket along.
    service->set_networks({});
    for (int i = 0; i < 500 && connect_from("127.0.0.5", "127.0.0.1", port) >= 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(connect_from("127.0.0.5", "127.0.0.1", port), -1);
}

}  // namespace
}  // namespace lodge::agent

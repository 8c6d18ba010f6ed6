// The service on loopback: networks without a namespace, whose guests are 127.0.0.x.
#include "agent/metadata/service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "tests/unit/metadata/guests.h"
#include "tests/unit/metadata/sockets.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

using testing::eventually;
using testing::Socket;

const std::string vpc_a = "vpc-0000000000000000a";
const std::string vpc_b = "vpc-0000000000000000b";
constexpr const char* id_path = "/latest/meta-data/instance-id";

std::string request(const std::string& path, const std::string& more = "Connection: close\r\n") {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

class Metadata : public ::testing::Test {
  protected:
    void start() {
        MetadataOptions options;
        options.folder = folder.path() / "metadata";
        options.port = port;
        options.connections_of_a_guest = 4;
        options.shortest_retry_ms = 1;
        options.longest_retry_ms = 20;
        options.fetch = [this](const GuestId&) -> Result<link::LaunchDataReply> {
            ++fetches;
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
        start();
        service->set_networks(networks);
    }
    static link::DesiredGuest guest(int number, const std::string& address, const std::string& vpc = vpc_a) {
        return example_guest("0000000000000000" + std::to_string(number), address, vpc);
    }
    std::string ask(const std::string& source, const std::string& path,
                    const std::string& to = "127.0.0.1") const {
        Socket socket(SOCK_STREAM, source);
        if (!socket.connect(to, port)) return "";
        socket.send(request(path));
        return socket.receive_all();
    }
    bool tells(const std::string& source, const std::string& path, const std::string& text,
               const std::string& to = "127.0.0.1") const {
        return eventually([&] { return ask(source, path, to).ends_with("\r\n\r\n" + text); });
    }
    std::filesystem::path file(const std::string& name) const { return folder.path() / "metadata" / name; }

    TemporaryFolder folder;
    SystemClock clock;
    SeededRandom random{11};
    std::atomic<bool> control_plane_is_there{true};
    std::atomic<int> fetches{0};
    std::uint16_t port = testing::free_port();
    std::vector<MetadataNetwork> networks = {{VpcId::trusted(vpc_a), "", 1, {"127.0.0.1"}},
                                             {VpcId::trusted(vpc_b), "", 1, {"127.0.0.2"}}};
    std::unique_ptr<MetadataService> service;
};

TEST_F(Metadata, TheNetworkAndTheAddressSayWhoAsks) {
    service->set_guests({guest(1, "127.0.0.5", vpc_a), guest(2, "127.0.0.5", vpc_b)});
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001", "127.0.0.1"));
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000002", "127.0.0.2"));
    EXPECT_EQ(ask("127.0.0.9", "/latest/"), "") << "nobody's address";
}

TEST_F(Metadata, AnAddressThatChangesHandsTellsItsNewOwner) {
    auto old = guest(1, "127.0.0.5");
    service->set_guests({old});
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
    old.desired = Desired::terminated;
    service->set_guests({old});
    EXPECT_EQ(ask("127.0.0.5", "/latest/"), "");
    service->set_guests({old, guest(2, "127.0.0.5")});
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000002"));
}

TEST_F(Metadata, AnOpenConnectionTellsNothingOfWhoHasGone) {
    service->set_guests({guest(1, "127.0.0.5")});
    ASSERT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
    Socket socket(SOCK_STREAM, "127.0.0.5");
    ASSERT_TRUE(socket.connect("127.0.0.1", port));
    socket.send(request(id_path, ""));
    EXPECT_TRUE(socket.receive().ends_with("i-00000000000000001"));
    service->set_guests({});
    socket.send(request(id_path, ""));
    EXPECT_TRUE(socket.receive_all().starts_with("HTTP/1.1 404"));
}

TEST_F(Metadata, AnInterfaceThatMovesTakesItsAddressAlong) {
    auto first = guest(1, "127.0.0.5");
    auto second = guest(2, "127.0.0.6");
    service->set_guests({first, second});
    ASSERT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
    second.interfaces.push_back(first.interfaces.front());
    first.interfaces.erase(first.interfaces.begin());
    service->set_guests({first, second});
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000002"));
}

TEST_F(Metadata, LaunchDataIsAskedForUntilItIsThere) {
    control_plane_is_there = false;
    service->set_guests({guest(1, "127.0.0.5")});
    EXPECT_TRUE(eventually([&] { return fetches > 3; }));
    EXPECT_TRUE(
        eventually([&] { return ask("127.0.0.5", "/latest/user-data").starts_with("HTTP/1.1 503"); }));
    EXPECT_FALSE(service->await_launch_data(GuestId::trusted("g-00000000000000001"), 1));
    EXPECT_FALSE(service->await_launch_data(GuestId::trusted("g-00000000000000002"), 1)) << "not known";
    control_plane_is_there = true;
    EXPECT_TRUE(service->await_launch_data(GuestId::trusted("g-00000000000000001"), 10'000));
    EXPECT_TRUE(tells("127.0.0.5", "/latest/user-data", "#!/bin/sh"));
    const int before = fetches;
    service->set_guests({guest(1, "127.0.0.5"), guest(2, "127.0.0.6")});
    EXPECT_TRUE(service->await_launch_data(GuestId::trusted("g-00000000000000002"), 10'000));
    EXPECT_EQ(fetches, before + 1) << "once a guest";
}

TEST_F(Metadata, ARestartWithoutTheControlPlaneLosesNothing) {
    service->set_guests({guest(1, "127.0.0.5")});
    EXPECT_TRUE(tells("127.0.0.5", "/latest/user-data", "#!/bin/sh"));
    Socket socket(SOCK_STREAM, "127.0.0.5");
    ASSERT_TRUE(socket.connect("127.0.0.1", port));
    socket.send(
        "PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n");
    const auto reply = socket.receive();
    const auto token = reply.substr(reply.find("\r\n\r\n") + 4);
    service.reset();
    control_plane_is_there = false;
    start();
    EXPECT_TRUE(tells("127.0.0.5", "/latest/user-data", "#!/bin/sh"));
    Socket later(SOCK_STREAM, "127.0.0.5");
    ASSERT_TRUE(later.connect("127.0.0.1", port));
    later.send(request(id_path, "Connection: close\r\nX-aws-ec2-metadata-token: " + token + "\r\n"));
    EXPECT_TRUE(later.receive_all().starts_with("HTTP/1.1 200")) << "tokens go on";
}

TEST_F(Metadata, WhatIsKeptIsPrivateAndGoesWithItsGuest) {
    service->set_guests({guest(1, "127.0.0.5")});
    const auto launch = file("launch/g-00000000000000001.json");
    EXPECT_TRUE(eventually([&] { return exists(launch) && exists(file("guests.json")); }));
    for (const auto& each : {launch, file("guests.json"), file("token.key")})
        EXPECT_EQ(status(each).permissions() & std::filesystem::perms::all,
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
            << each;
    service->set_guests({});
    EXPECT_TRUE(eventually([&] { return !exists(launch); }));
    service.reset();
    start();
    EXPECT_EQ(ask("127.0.0.5", "/latest/"), "");
}

TEST_F(Metadata, DamagedFilesCostNoMoreThanWhatWasInThem) {
    service.reset();
    for (auto name : {"guests.json", "networks.json", "token.key"})
        std::ofstream(file(name)) << "[{\"rubbish";
    start();
    service->set_networks(networks);
    service->set_guests({guest(1, "127.0.0.5")});
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
}

TEST_F(Metadata, OneGuestsFloodLeavesRoomForAnother) {
    service->set_guests({guest(1, "127.0.0.5"), guest(2, "127.0.0.6")});
    ASSERT_TRUE(tells("127.0.0.6", id_path, "i-00000000000000002"));
    {
        std::vector<Socket> flood;
        for (int i = 0; i < 100; ++i) flood.emplace_back(SOCK_STREAM, "127.0.0.5").connect("127.0.0.1", port);
        EXPECT_TRUE(ask("127.0.0.6", id_path).ends_with("i-00000000000000002"));
    }
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001")) << "its own room comes back";
}

TEST_F(Metadata, AnOversizeRequestEndsItsConnection) {
    service->set_guests({guest(1, "127.0.0.5")});
    ASSERT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
    for (const auto& [text, status] : std::vector<std::pair<std::string, std::string>>{
             {request(id_path, "X: " + std::string(9'000, 'x') + "\r\n"), "431"},
             {request(id_path, "Content-Length: 1\r\n") + "x", "413"},
             {"rubbish\r\n\r\n", "400"}}) {
        Socket socket(SOCK_STREAM, "127.0.0.5");
        ASSERT_TRUE(socket.connect("127.0.0.1", port));
        socket.send(text);
        EXPECT_TRUE(socket.receive_all().starts_with("HTTP/1.1 " + status)) << status;
    }
}

TEST_F(Metadata, ANetworkThatGoesTakesItsSocketAlongAndMayComeBack) {
    service->set_guests({guest(1, "127.0.0.5")});
    ASSERT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
    auto refuses = [&] { return !Socket(SOCK_STREAM, "127.0.0.5").connect("127.0.0.1", port); };
    service->set_networks({});
    EXPECT_TRUE(eventually(refuses));
    service->set_networks(networks);
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
    for (auto& each : networks) each.netns_inode = 2;  // made anew
    service->set_networks(networks);
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
    EXPECT_EQ(service->networks(), networks);
}

TEST_F(Metadata, WhatCannotBeOpenedIsTriedAgain) {
    service->set_guests({guest(1, "127.0.0.5")});
    service->set_networks({});
    ASSERT_TRUE(eventually([&] { return !Socket(SOCK_STREAM, "127.0.0.5").connect("127.0.0.1", port); }));
    {
        Socket squatter(SOCK_STREAM, "127.0.0.1", port);
        ASSERT_EQ(::listen(squatter.fd(), 1), 0);
        service->set_networks(networks);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(tells("127.0.0.5", id_path, "i-00000000000000001"));
}

// For TSan: everything at once.
TEST_F(Metadata, ChangesAndRequestsMeet) {
    std::atomic<bool> done{false};
    std::vector<std::thread> clients;
    for (int i = 0; i < 2; ++i)
        clients.emplace_back([&] {
            while (!done) {
                auto reply = ask("127.0.0.5", id_path);
                if (reply.starts_with("HTTP/1.1 200")) {
                    EXPECT_TRUE(reply.ends_with("i-00000000000000001") || reply.ends_with("2")) << reply;
                }
            }
        });
    for (int i = 0; i < 100; ++i) {
        service->set_guests({guest(1 + i % 2, "127.0.0.5")});
        if (i % 10 == 0) service->set_networks(i % 20 == 0 ? std::vector<MetadataNetwork>() : networks);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    done = true;
    for (auto& client : clients) client.join();
}

}  // namespace
}  // namespace lodge::agent

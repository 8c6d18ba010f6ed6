// The metadata service and the resolver in real network namespaces, as agent/network makes them: a namespace
// a VPC on one end of a cable, its guest on the other. Needs root; everything is undone at the end, and what
// a killed run left at the next one's beginning.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>

#include "agent/metadata/host_metadata.h"
#include "agent/metadata/namespaces.h"
#include "agent/storage/process.h"
#include "tests/unit/metadata/dns_messages.h"
#include "tests/unit/metadata/guests.h"
#include "tests/unit/metadata/sockets.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

using Words = std::vector<std::string>;
using testing::answer;
using testing::query;
using testing::Socket;

constexpr const char* prefix = "lodge-mdtest-";  // then the process, then what it is
constexpr const char* service = "http://169.254.169.254/latest/";
constexpr const char* guest_address = "10.0.0.5";
constexpr const char* other_address = "10.0.0.6";  // another guest of the same network

bool done(const Words& words) {
    auto status = run_program(words, 30'000);
    if (!status) std::cerr << status.error().message << "\n";
    return status.has_value();
}

class Namespace {
  public:
    explicit Namespace(const std::string& what) : name_(prefix + std::to_string(::getpid()) + "-" + what) {
        EXPECT_TRUE(done({"ip", "netns", "add", name_}));
        ip({"link", "set", "lo", "up"});
    }
    ~Namespace() { done({"ip", "netns", "del", name_}); }
    Namespace(const Namespace&) = delete;
    Namespace& operator=(const Namespace&) = delete;

    const std::string& name() const { return name_; }
    std::string path() const { return "/run/netns/" + name_; }
    std::uint64_t inode() const {
        struct stat status {};
        ::stat(path().c_str(), &status);
        return status.st_ino;
    }
    void ip(Words words) const {
        words.insert(words.begin(), {"ip", "-n", name_});
        EXPECT_TRUE(done(words));
    }
    bool exec(Words words) const {
        words.insert(words.begin(), {"ip", "netns", "exec", name_});
        return done(words);
    }
    // A cable to another one; both ends have the same name.
    void plug(const std::string& device, const Namespace& other) const {
        ip({"link", "add", "name", device, "type", "veth", "peer", "name", device, "netns", other.name()});
        ip({"link", "set", device, "up"});
        other.ip({"link", "set", device, "up"});
    }
    Socket socket(int type, const std::string& address) const {
        auto made = bound_socket(path(), type == SOCK_STREAM ? SocketKind::tcp : SocketKind::udp, address, 0);
        EXPECT_TRUE(made) << made.error().message;
        const int fd = made->release();
        ::fcntl(fd, F_SETFL, 0);  // blocking
        return Socket(fd);
    }

  private:
    const std::string name_;
};

// A VPC of the usual addresses.
struct Network {
    Network(const std::string& letter, VpcId id)
        : vpc_id(std::move(id)), metadata(letter + "-imds"), guest(letter + "-guest") {
        metadata.plug("eth0", guest);
        for (auto address : {"169.254.169.254/32", "169.254.169.253/32", "10.0.0.2/32"})
            metadata.ip({"address", "add", address, "dev", "eth0"});
        metadata.ip({"route", "add", "10.0.0.0/24", "dev", "eth0"});
        for (auto address : {guest_address, other_address})
            guest.ip({"address", "add", std::string(address) + "/24", "dev", "eth0"});
        for (auto to : {"169.254.169.254/32", "169.254.169.253/32"})
            guest.ip({"route", "add", to, "dev", "eth0", "src", guest_address});
    }
    MetadataNetwork told() const {
        return {
            vpc_id, metadata.path(), metadata.inode(), {"169.254.169.254", "169.254.169.253", "10.0.0.2"}};
    }

    const VpcId vpc_id;
    Namespace metadata;
    Namespace guest;
};

std::string why_not() {
    if (::geteuid() != 0) return "it needs root";
    for (Words words : {Words{"curl", "--version"}, Words{"/usr/sbin/nft", "--version"},
                        Words{"/usr/sbin/sysctl", "--version"}})
        if (!run_program(words, 5'000)) return "there is no " + words.front();
    const auto probe = prefix + std::to_string(::getpid()) + "-probe";
    if (auto made = run_program({"ip", "netns", "add", probe}, 5'000); !made) return made.error().message;
    done({"ip", "netns", "del", probe});
    return "";
}

void remove_leftovers() {
    std::error_code error;
    for (const auto& each : std::filesystem::directory_iterator("/run/netns", error)) {
        const auto name = each.path().filename().string();
        if (!name.starts_with(prefix)) continue;
        const auto process = std::atoi(name.c_str() + std::string(prefix).size());
        if (process > 0 && ::kill(process, 0) != 0) done({"ip", "netns", "del", name});
    }
}

class HostMetadataTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (auto reason = why_not(); !reason.empty()) GTEST_SKIP() << reason;
        remove_leftovers();
        a = std::make_unique<Network>("a", VpcId::trusted("vpc-0000000000000000a"));
        b = std::make_unique<Network>("b", VpcId::trusted("vpc-0000000000000000b"));
        guests = {example_guest("00000000000000001", guest_address, a->vpc_id.str()),
                  example_guest("00000000000000002", guest_address, b->vpc_id.str()),
                  example_guest("00000000000000003", other_address, a->vpc_id.str())};
        for (auto& guest : guests) {
            guest.interfaces.resize(1);
            guest.interfaces.front().private_ips.resize(1);
            guest.metadata.hop_limit = 1;
        }
        MetadataOptions options;
        options.folder = folder.path() / "metadata";
        options.fetch = [](const GuestId&) -> Result<link::LaunchDataReply> { return example_launch(); };
        dns.resolvers = {"127.0.0.1:" + std::to_string(resolver.port())};
        auto started = HostMetadata::start(std::move(options), dns, clock, random);
        ASSERT_TRUE(started) << started.error().message;
        running = std::move(*started);
        tell();
        for (const auto* network : {a.get(), b.get()})
            ASSERT_TRUE(testing::eventually([&] { return !curl(network->guest, "meta-data/mac").empty(); }));
    }
    void tell() {
        running->set_networks({a->told(), b->told()});
        running->set_guests(guests);
    }
    // What is at the path; empty when that fails.
    std::string curl(const Namespace& from, const std::string& path, const Words& more = {}) const {
        const auto file = (folder.path() / "answer").string();
        std::filesystem::remove(file);
        Words words = {"curl", "-sS", "-f", "-m", "3", "-o", file, service + path};
        words.insert(words.end(), more.begin(), more.end());
        if (!from.exec(words)) return "";
        std::ostringstream text;
        text << std::ifstream(file, std::ios::binary).rdbuf();
        return text.str();
    }
    std::string token(const Namespace& from) const {
        return curl(from, "api/token", {"-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60"});
    }
    static bool fetches(const Socket& socket) {
        if (!socket.connect("169.254.169.254", 80)) return false;
        socket.send("GET /latest/meta-data/instance-id HTTP/1.0\r\n\r\n");
        return socket.receive_all().starts_with("HTTP/1.1 200");
    }

    TemporaryFolder folder;
    SystemClock clock;
    SystemRandom random;
    Socket resolver{SOCK_DGRAM, "127.0.0.1"};
    DnsOptions dns;
    std::unique_ptr<Network> a, b;
    std::vector<link::DesiredGuest> guests;
    std::unique_ptr<HostMetadata> running;
};

TEST_F(HostMetadataTest, EqualAddressesInTwoNetworksAreTwoGuests) {
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id"), "i-00000000000000001");
    EXPECT_EQ(curl(b->guest, "meta-data/instance-id"), "i-00000000000000002");
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id", {"--interface", other_address}), "i-00000000000000003");
    EXPECT_EQ(curl(a->guest, "user-data"), example_launch().user_data);
    EXPECT_EQ(
        curl(a->guest, "meta-data/instance-id", {"-H", "Host: other", "-H", "X-Forwarded-For: 10.0.0.6"}),
        "i-00000000000000001");
}

TEST_F(HostMetadataTest, ATokenIsGoodForItsInstanceAlone) {
    const auto header = "X-aws-ec2-metadata-token: " + token(a->guest);
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id", {"-H", header}), "i-00000000000000001");
    EXPECT_EQ(curl(b->guest, "meta-data/instance-id", {"-H", header}), "");
    guests[0].metadata.http_tokens_required = true;
    tell();
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id"), "");
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id", {"-H", header}), "i-00000000000000001");
    EXPECT_EQ(curl(b->guest, "meta-data/instance-id"), "i-00000000000000002");
}

TEST_F(HostMetadataTest, AnAddressThatChangesHandsAtOnceTellsItsNewOwnerOfItselfAlone) {
    const auto header = "X-aws-ec2-metadata-token: " + token(a->guest);
    auto open = a->guest.socket(SOCK_STREAM, guest_address);
    ASSERT_TRUE(open.connect("169.254.169.254", 80));
    auto next = example_guest("00000000000000004", guest_address, a->vpc_id.str());
    next.interfaces.resize(1);
    next.interfaces.front().private_ips.resize(1);
    guests[0] = next;
    tell();
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id"), "i-00000000000000004");
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id", {"-H", header}), "") << "a token of the former owner";
    open.send("GET /latest/meta-data/instance-id HTTP/1.0\r\n\r\n");
    EXPECT_EQ(open.receive_all().find("i-00000000000000001"), std::string::npos);
}

TEST_F(HostMetadataTest, ATokenGoesNoFurtherThanTheHopLimit) {
    Namespace container("container");
    a->guest.plug("veth1", container);
    a->guest.ip({"address", "add", "192.168.77.1/24", "dev", "veth1"});
    container.ip({"address", "add", "192.168.77.2/24", "dev", "veth1"});
    container.ip({"route", "add", "default", "via", "192.168.77.1"});
    ASSERT_TRUE(a->guest.exec({"/usr/sbin/sysctl", "-qw", "net.ipv4.ip_forward=1"}));
    ASSERT_TRUE(a->guest.exec({"/usr/sbin/nft",
                               "add table ip nat; add chain ip nat post { type nat hook postrouting priority "
                               "100; }; add rule ip nat post oifname eth0 snat to 10.0.0.5"}));
    EXPECT_EQ(curl(container, "meta-data/instance-id"), "i-00000000000000001")
        << "as on EC2, without a token";
    EXPECT_NE(token(a->guest), "");
    EXPECT_EQ(token(container), "");
    guests[0].metadata.hop_limit = 2;
    tell();
    EXPECT_NE(token(container), "");
}

TEST_F(HostMetadataTest, AFloodDoesNotSlowOthers) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> flood;
    for (int i = 0; i < 2; ++i)
        flood.emplace_back([&] {
            std::vector<Socket> held;  // connections that say nothing, and more and more of them
            while (!stop) {
                if (held.size() > 300) held.clear();
                held.push_back(a->guest.socket(SOCK_STREAM, guest_address));
                held.back().connect("169.254.169.254", 80);
                held.back().send("GET /latest/meta-data/ HTTP/1.1\r\n");
            }
        });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    for (const auto& [network, address] :
         {std::pair(b.get(), guest_address), std::pair(a.get(), other_address)})
        for (int i = 0; i < 50; ++i) {
            const auto begin = clock.steady_ms();
            EXPECT_TRUE(fetches(network->guest.socket(SOCK_STREAM, address))) << address;
            EXPECT_LT(clock.steady_ms() - begin, 1'000) << address;
        }
    stop = true;
    for (auto& each : flood) each.join();
    EXPECT_TRUE(testing::eventually([&] { return fetches(a->guest.socket(SOCK_STREAM, guest_address)); }));
}

TEST_F(HostMetadataTest, EachAddressAnswersNames) {
    const auto message = query({"www", "example", "com"});
    for (auto address : {"169.254.169.254", "169.254.169.253", "10.0.0.2"}) {
        auto guest = a->guest.socket(SOCK_DGRAM, guest_address);
        ASSERT_TRUE(guest.connect(address, 53));  // hears that address alone
        guest.send(message);
        std::string asked(4096, '\0');
        sockaddr_in from{};
        socklen_t size = sizeof from;
        auto got = ::recvfrom(resolver.fd(), asked.data(), asked.size(), 0,
                              reinterpret_cast<sockaddr*>(&from), &size);
        ASSERT_EQ(got, static_cast<ssize_t>(message.size())) << address;
        auto reply = answer(asked.substr(0, message.size()));
        ::sendto(resolver.fd(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
        EXPECT_EQ(guest.receive(), answer(message)) << address;
        guest.send(query({"nobody", "ec2", "internal"}));
        EXPECT_EQ(testing::code_of(guest.receive()), 3) << address;
        auto stream = b->guest.socket(SOCK_STREAM, guest_address);
        ASSERT_TRUE(stream.connect(address, 53)) << address;
        stream.send(testing::framed(query({"nobody", "ec2", "internal"})));
        EXPECT_EQ(testing::code_of(stream.receive(14).substr(2)), 3) << address;
    }
}

TEST_F(HostMetadataTest, ANamespaceThatIsMadeAnewIsServedAgain) {
    const auto id = a->vpc_id;
    a.reset();
    running->set_networks({b->told()});
    a = std::make_unique<Network>("a", id);
    tell();
    EXPECT_TRUE(testing::eventually(
        [&] { return curl(a->guest, "meta-data/instance-id") == "i-00000000000000001"; }));
    EXPECT_EQ(curl(b->guest, "meta-data/instance-id"), "i-00000000000000002");
}

TEST_F(HostMetadataTest, AnAddressThatChangesHandsTellsItsNewOwner) {
    guests[0].desired = Desired::terminated;
    tell();
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id"), "");
    guests.push_back(guests[0]);
    guests.back().guest_id = GuestId::trusted("g-00000000000000004");
    guests.back().instance_id = InstanceId::trusted("i-00000000000000004");
    guests.back().desired = Desired::running;
    tell();
    EXPECT_EQ(curl(a->guest, "meta-data/instance-id"), "i-00000000000000004");
}

}  // namespace
}  // namespace lodge::agent

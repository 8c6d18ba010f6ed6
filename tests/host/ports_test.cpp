// Guests' ports and metadata networks on a real Open vSwitch and OVN, with a real libvirt. Needs root:
//     tests/host/with_ovn.py tests/host/libvirtd.py BUILD/tests/host_hypervisor --gtest_filter='Ports*'
// Skipped elsewhere (LODGE_OVN_RUNDIR).
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>

#include "agent/domain/domain_xml.h"
#include "agent/hypervisor/libvirt.h"
#include "agent/network/ip_devices.h"
#include "agent/network/ovs_network.h"
#include "agent/network/words.h"
#include "agent/storage/process.h"
#include "proto/base/network_names.h"
#include "tests/host/tiny_guest.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

constexpr int patience_s = 60;
constexpr std::int64_t mtu = 1442;

bool eventually(const std::function<bool()>& holds, int seconds = patience_s) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

Status run(const Arguments& argv) {
    return run_program(argv, 30'000);
}

// Runs `work` on a thread in that network namespace.
template <class Work>
void inside(const std::string& netns, Work&& work) {
    std::thread([&] {
        const Fd descriptor(open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(descriptor) << netns;
        ASSERT_EQ(setns(descriptor.get(), CLONE_NEWNET), 0);
        work();
    }).join();
}

sockaddr_in address_of(const std::string& ip, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    EXPECT_EQ(inet_pton(AF_INET, ip.c_str(), &address.sin_addr), 1);
    return address;
}

// OVN's databases and the switch by their tools, and what tests put into them.
class Plane {
  public:
    explicit Plane(std::string rundir) : rundir_(std::move(rundir)) {}

    Arguments nbctl(const Arguments& arguments) const {
        return tool("ovn-nbctl", "ovnnb_db.sock", arguments);
    }
    Arguments vsctl(const Arguments& arguments) const { return tool("ovs-vsctl", "db.sock", arguments); }
    void northbound(const Arguments& arguments) const {
        const Status done = run(nbctl(arguments));
        ASSERT_TRUE(done) << done.error().message;
    }
    void add_switch(const std::string& name) const { northbound({"ls-add", name}); }
    void add_port(const std::string& on, const std::string& name, const std::string& addresses) const {
        northbound({"lsp-add", on, name, "--", "lsp-set-addresses", name, addresses});
    }
    bool has_interface(const std::string& name) const {
        return run(vsctl({"get", "Interface", name, "name"})).has_value();
    }

  private:
    Arguments tool(const std::string& name, const std::string& socket, const Arguments& arguments) const {
        Arguments argv = {name, "--timeout=20", "--db=unix:" + rundir_ + "/" + socket};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return argv;
    }
    const std::string rundir_;
};

class PortsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (rundir_.empty()) GTEST_SKIP() << "needs tests/host/with_ovn.py";
        make_network();
        ASSERT_TRUE(eventually([&] { return network_->problem().empty(); })) << network_->problem();
    }
    void TearDown() override {
        for (const std::string& name : switches_) plane_.northbound({"ls-del", name});
    }

    // As an agent that was started anew.
    void make_network() {
        OvsOptions options;
        options.host_id = host_;
        options.ovs_db = "unix:" + rundir_ + "/db.sock";
        options.ovn_rundir = rundir_;
        network_ = std::make_unique<OvsNetwork>(options, devices_, clock_);
        ASSERT_TRUE(eventually([&] { return network_->configure(settings()).has_value(); }));
    }
    link::ChassisSettings settings() const {
        return {true, "unix:" + rundir_ + "/ovnsb_db.sock", "lodge-public", mtu};
    }
    void add_switch(const std::string& name) {
        plane_.add_switch(name);
        switches_.push_back(name);
    }
    Nic nic(int n) {
        const auto id = NetworkInterfaceId::make(random_);
        return {id, uuid_of(id.str()), "02:00:00:00:00:1" + std::to_string(n), mtu};
    }
    void make_port(const std::string& on, const Nic& nic, const std::string& ip) const {
        plane_.add_port(on, nic.port_uuid, nic.mac + " " + ip);
    }

    const std::string rundir_ = from_environment("LODGE_OVN_RUNDIR", "");
    const Plane plane_{rundir_};
    SystemClock clock_;
    SystemRandom random_;
    const HostId host_ = HostId::trusted("h-0123456789abcdef0");
    IpDevices devices_;
    std::unique_ptr<OvsNetwork> network_;
    std::vector<std::string> switches_;
};

// --- Guests
// ---------------------------------------------------------------------------------------------------

class PortsOfGuestsTest : public PortsTest {
  protected:
    void SetUp() override {
        PortsTest::SetUp();
        if (IsSkipped()) return;
        if (!image_.is_there()) GTEST_SKIP() << "no lodge-tiny in " << image_.folder();
        hypervisor_ =
            std::make_unique<LibvirtHypervisor>(LibvirtOptions{libvirt_uri(), Accelerator::automatic, host_});
        if (const auto listed = hypervisor_->list(); !listed) GTEST_SKIP() << listed.error().message;
        ASSERT_EQ(chmod(folder_.path().c_str(), 0711), 0);
        auto storage = image_.open_storage(folder_.path() / "agent");
        ASSERT_TRUE(storage) << storage.error().message;
        storage_ = std::move(*storage);
        add_switch("subnet");
        spec_ = image_.make_spec(*storage_, random_, host_);
    }
    void TearDown() override {
        if (storage_) {
            EXPECT_TRUE(hypervisor_->destroy(spec_.guest_id));
            EXPECT_TRUE(hypervisor_->undefine(spec_.guest_id));
            if (HasFailure()) std::fprintf(stderr, "--- console\n%s\n", console().c_str());
        }
        PortsTest::TearDown();
    }

    Status start(std::int64_t timeout_ms = 30'000) {
        std::vector<Port> ports;
        for (const Nic& each : spec_.interfaces) ports.push_back({each.network_interface_id, each.port_uuid});
        return hypervisor_->start(spec_, [=, this] { return network_->wait_installed(ports, timeout_ms); });
    }
    Domain only() const {
        const auto domains = hypervisor_->list();
        return domains && domains->size() == 1 ? domains->front() : Domain();
    }
    std::string console() { return storage_->console_tail(spec_.instance_id, 65536).value_or(""); }

    const TinyImage image_;
    const TemporaryFolder folder_;
    std::unique_ptr<LibvirtHypervisor> hypervisor_;
    std::unique_ptr<FileStorage> storage_;
    GuestSpec spec_;
};

TEST_F(PortsOfGuestsTest, AGuestRunsOnceItsPortsAreInstalledAndLeavesNone) {
    spec_.interfaces = {nic(1), nic(2)};
    make_port("subnet", spec_.interfaces[0], "10.0.0.11");
    make_port("subnet", spec_.interfaces[1], "10.0.0.12");
    const Status started = start();
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(only().state, DomainState::running);
    EXPECT_EQ(only().interfaces.size(), 2U);
    for (const Nic& each : spec_.interfaces) EXPECT_TRUE(network_->is_installed(each.port_uuid));
    ASSERT_TRUE(network_->sweep());
    for (const Nic& each : spec_.interfaces) ASSERT_TRUE(network_->release(each.port_uuid));
    EXPECT_TRUE(network_->is_installed(spec_.interfaces[0].port_uuid)) << "it is in use";
    ASSERT_TRUE(hypervisor_->destroy(spec_.guest_id));
    EXPECT_TRUE(eventually([&] { return !network_->is_installed(spec_.interfaces[0].port_uuid); }));
}

TEST_F(PortsOfGuestsTest, AGuestWhosePortIsUnknownToOvnDoesNotRun) {
    spec_.interfaces = {nic(1)};
    const Status started = start(1'500);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::io_failure);
    EXPECT_TRUE(started.error().message.starts_with(
        "the network port of " + spec_.interfaces[0].network_interface_id.str() +
        " was not installed within 1 s: ovn-controller has not claimed vnet"))
        << started.error().message;
    EXPECT_TRUE(hypervisor_->list()->empty());
}

// The firmware does not try the network, nor do its ports slow the kernel down much.
TEST_F(PortsOfGuestsTest, InterfacesComeAndGoWhileTheGuestRuns) {
    spec_.interfaces = {nic(1)};
    const Nic second = nic(2);
    make_port("subnet", spec_.interfaces[0], "10.0.0.11");
    make_port("subnet", second, "10.0.0.12");
    const Status started = start();
    ASSERT_TRUE(started) << started.error().message;
    // A guest that is booting hears it some day, or not: it is asked again.
    ASSERT_TRUE(hypervisor_->request_detach(spec_.guest_id, spec_.interfaces[0].network_interface_id));
    ASSERT_TRUE(eventually([&] { return console().find("lodge-tiny: ready") != std::string::npos; }, 300));
    for (int i = 0; i < 2; ++i) {
        const Status attached = hypervisor_->attach_interface(spec_.guest_id, second);
        ASSERT_TRUE(attached) << attached.error().message;
    }
    EXPECT_TRUE(network_->wait_installed({{second.network_interface_id, second.port_uuid}}, 30'000));
    const auto gone = [&](const NetworkInterfaceId& id) {
        return eventually([&] {
            const auto plugged = only().interfaces;
            if (std::find(plugged.begin(), plugged.end(), id) == plugged.end()) return true;
            static_cast<void>(hypervisor_->request_detach(spec_.guest_id, id));
            std::this_thread::sleep_for(std::chrono::seconds(1));
            return false;
        });
    };
    EXPECT_TRUE(gone(spec_.interfaces[0].network_interface_id));
    EXPECT_TRUE(network_->is_installed(second.port_uuid));
    EXPECT_TRUE(gone(second.network_interface_id));
    EXPECT_TRUE(eventually([&] { return !network_->is_installed(second.port_uuid); }));
    EXPECT_EQ(only().state, DomainState::running);
}

TEST_F(PortsOfGuestsTest, GoesOnWithAGuestThatAKilledAgentLeftHeld) {
    spec_.interfaces = {nic(1)};
    make_port("subnet", spec_.interfaces[0], "10.0.0.11");
    std::optional<DomainState> before;
    const Status started = hypervisor_->start(spec_, [&]() -> Status {
        // Another agent, which sees what this one would have left.
        LibvirtHypervisor other({libvirt_uri(), Accelerator::automatic, host_});
        before = other.list()->front().state;
        const Port port{spec_.interfaces[0].network_interface_id, spec_.interfaces[0].port_uuid};
        EXPECT_TRUE(other.start(spec_, [&] { return network_->wait_installed({port}, 30'000); }));
        EXPECT_EQ(other.list()->front().state, DomainState::running);
        return {};
    });
    EXPECT_TRUE(started) << started.error().message;
    EXPECT_EQ(before, DomainState::held);
    EXPECT_EQ(only().state, DomainState::running);
}

// --- Left-overs
// -----------------------------------------------------------------------------------------------

TEST_F(PortsTest, SweepsPortsWhoseTapsAreGone) {
    const auto add = [&](const std::string& name, const std::string& profile) {
        return run(plane_.vsctl({"--no-wait", "add-port", "br-int", name, "--", "set", "Interface", name,
                                 "external_ids:iface-id=" + name, "external_ids:port-profile=" + profile}));
    };
    ASSERT_TRUE(add("vnet70", "lodge-" + host_.str()));
    ASSERT_TRUE(add("vnet71", "lodge-h-00000000000000009"));
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(network_->sweep());
        return !plane_.has_interface("vnet70");
    }));
    EXPECT_TRUE(plane_.has_interface("vnet71"));
    ASSERT_TRUE(run(plane_.vsctl({"--no-wait", "del-port", "vnet71"})));
}

// --- Metadata networks
// ------------------------------------------------------------------------------------------

// Namespaces in place of guests, each with one port in OVN; the metadata service is a socket of the test's.
class PortsOfMetadataTest : public PortsTest {
  protected:
    void TearDown() override {
        if (network_) {
            EXPECT_TRUE(network_->ensure_metadata({}));
            for (const std::string& name : guests_) {
                EXPECT_TRUE(run(plane_.vsctl({"del-port", name})));
                EXPECT_TRUE(run({"ip", "netns", "delete", name}));
            }
        }
        PortsTest::TearDown();
    }

    // A VPC 10.0.0.0/16 with so many subnets, as the control plane writes it into OVN.
    MetadataVpc make_vpc(int subnets) {
        MetadataVpc vpc{VpcId::make(random_), "10.0.0.2", {}};
        for (int i = 1; i <= subnets; ++i) {
            const auto id = SubnetId::make(random_);
            vpc.subnets.push_back({id, "10.0." + std::to_string(i) + ".0/24"});
            add_switch(id.str());
            const std::string name = imds_port_name(id.str());
            plane_.add_port(id.str(), name,
                            imds_port_mac(id.str()) + " 169.254.169.254 169.254.169.253 10.0.0.2");
            plane_.northbound({"lsp-set-type", name, "localport"});
        }
        return vpc;
    }
    // Its eth0 has the address; the way to the metadata service is direct, as DHCP tells.
    std::string make_guest(const MetadataSubnet& subnet, const std::string& ip) {
        const std::string name = "guest" + std::to_string(guests_.size());
        guests_.push_back(name);
        const Nic made = nic(static_cast<int>(guests_.size()));
        make_port(subnet.subnet_id.str(), made, ip);
        const Arguments in = {"ip", "-n", name};
        const auto ip_in = [&](Arguments arguments) {
            arguments.insert(arguments.begin(), in.begin(), in.end());
            const Status done = run(arguments);
            ASSERT_TRUE(done) << done.error().message;
        };
        EXPECT_TRUE(run({"ip", "netns", "add", name}));
        EXPECT_TRUE(run({"ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name}));
        ip_in({"link", "set", "eth0", "address", made.mac, "mtu", std::to_string(mtu), "up"});
        ip_in({"address", "add", ip + "/24", "dev", "eth0"});
        for (const char* address : {"169.254.169.254", "169.254.169.253", "10.0.0.2"})
            ip_in({"route", "add", std::string(address) + "/32", "dev", "eth0"});
        EXPECT_TRUE(run({"ip", "link", "set", name, "up"}));
        EXPECT_TRUE(run(plane_.vsctl({"add-port", "br-int", name, "--", "set", "Interface", name,
                                      "external_ids:iface-id=" + made.port_uuid})));
        EXPECT_TRUE(network_->wait_installed({{made.network_interface_id, made.port_uuid}}, 20'000));
        return name;
    }

    // Answers a connection to `to`:80 in the VPC's namespace with its peer's address and a megabyte; what the
    // guest received of it.
    std::string ask(const MetadataNetwork& vpc, const std::string& guest, const std::string& to) {
        Fd listener;
        inside(fs::path(vpc.netns).filename(), [&] {
            listener = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            const int yes = 1;
            setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
            const sockaddr_in any = address_of("0.0.0.0", 80);
            EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)), 0);
            EXPECT_EQ(listen(listener.get(), 4), 0);
        });
        std::thread server([&] { answer(listener); });
        std::string received;
        inside(guest, [&] { received = fetch(to); });
        shutdown(listener.get(), SHUT_RDWR);
        server.join();
        return received;
    }
    static void answer(const Fd& listener) {
        sockaddr_in peer{};
        socklen_t size = sizeof(peer);
        const Fd connection(accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
        if (!connection) return;
        std::array<char, INET_ADDRSTRLEN> text{};
        inet_ntop(AF_INET, &peer.sin_addr, text.data(), text.size());
        const std::string reply = std::string(text.data()) + "\n" + std::string(1 << 20, 'x');
        for (std::size_t sent = 0; sent < reply.size();) {
            const auto more = send(connection.get(), reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
            if (more <= 0) return;
            sent += static_cast<std::size_t>(more);
        }
    }
    // Empty when nobody answers within five seconds.
    static std::string fetch(const std::string& to) {
        const Fd connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval limit{5, 0};
        setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        const sockaddr_in address = address_of(to, 80);
        if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
            return "";
        std::string received;
        std::array<char, 65536> buffer{};
        for (;;) {
            const auto got = recv(connection.get(), buffer.data(), buffer.size(), 0);
            if (got <= 0) return received;
            received.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    static std::string whole(const std::string& ip) { return ip + "\n" + std::string(1 << 20, 'x'); }

    std::vector<std::string> guests_;
};

TEST_F(PortsOfMetadataTest, GuestsOfSeveralSubnetsAndVpcsReachTheirOwn) {
    const MetadataVpc one = make_vpc(2);
    const MetadataVpc two = make_vpc(1);
    const auto networks = network_->ensure_metadata({one, two});
    ASSERT_TRUE(networks) << networks.error().message;
    const std::string first = make_guest(one.subnets[0], "10.0.1.11");
    const std::string second = make_guest(one.subnets[1], "10.0.2.11");
    const std::string twin = make_guest(two.subnets[0], "10.0.1.11");
    for (const char* to : {"169.254.169.254", "169.254.169.253", "10.0.0.2"}) {
        EXPECT_TRUE(ask(networks->at(0), first, to) == whole("10.0.1.11")) << to;
        EXPECT_TRUE(ask(networks->at(0), second, to) == whole("10.0.2.11")) << to;
        EXPECT_TRUE(ask(networks->at(1), twin, to) == whole("10.0.1.11")) << to;
    }
    EXPECT_EQ(ask(networks->at(1), first, "169.254.169.254"), "") << "the other VPC's service is not theirs";
}

TEST_F(PortsOfMetadataTest, TheNamespaceLeadsNowhere) {
    const MetadataVpc vpc = make_vpc(2);
    const auto networks = network_->ensure_metadata({vpc});
    ASSERT_TRUE(networks) << networks.error().message;
    const std::string first = make_guest(vpc.subnets[0], "10.0.1.11");
    const std::string second = make_guest(vpc.subnets[1], "10.0.2.11");
    // Each guest sends to the other through its subnet's metadata port.
    for (const auto& [guest, to] : {std::pair(first, "10.0.2.0/24"), std::pair(second, "10.0.1.0/24")})
        ASSERT_TRUE(
            run({"ip", "-n", guest, "route", "add", to, "via", "169.254.169.253", "dev", "eth0", "onlink"}));
    EXPECT_FALSE(run({"ip", "netns", "exec", first, "busybox", "ping", "-c", "2", "-W", "2", "10.0.2.11"}));
    // Nor does the machine itself answer on the cable's near end.
    const std::string near_end = metadata_device(vpc.subnets[0].subnet_id);
    const std::string netns = fs::path(networks->front().netns).filename();
    ASSERT_TRUE(run({"ip", "address", "add", "192.0.2.9/32", "dev", "lo"}));
    ASSERT_TRUE(run({"ip", "-n", netns, "route", "add", "192.0.2.9/32", "dev", near_end}));
    EXPECT_FALSE(run({"ip", "netns", "exec", netns, "busybox", "ping", "-c", "1", "-W", "1", "192.0.2.9"}));
    ASSERT_TRUE(run({"ip", "address", "delete", "192.0.2.9/32", "dev", "lo"}));
}

TEST_F(PortsOfMetadataTest, IsMendedAndTakenOver) {
    const MetadataVpc vpc = make_vpc(1);
    ASSERT_TRUE(network_->ensure_metadata({vpc}));
    const std::string guest = make_guest(vpc.subnets[0], "10.0.1.11");
    const auto works = [&] {
        // A turn may fail while the kernel still ends what it has: the next one mends the rest.
        const auto networks = network_->ensure_metadata({vpc});
        return networks && ask(networks->front(), guest, "169.254.169.254") == whole("10.0.1.11");
    };
    EXPECT_TRUE(works());
    const std::string device = metadata_device(vpc.subnets[0].subnet_id);
    ASSERT_TRUE(run({"ip", "link", "delete", device}));
    EXPECT_TRUE(eventually(works));
    ASSERT_TRUE(run({"ip", "netns", "delete", namespace_name(vpc.vpc_id)}));
    EXPECT_TRUE(eventually(works));
    ASSERT_TRUE(run(plane_.vsctl({"del-port", device})));
    EXPECT_TRUE(eventually(works));
    make_network();
    EXPECT_TRUE(works());
    make_network();
    ASSERT_TRUE(network_->ensure_metadata({}));
    EXPECT_FALSE(plane_.has_interface(device));
    EXPECT_FALSE(devices_.exists(device));
    EXPECT_TRUE(devices_.namespaces("lodge-").empty());
}

}  // namespace
}  // namespace lodge::agent

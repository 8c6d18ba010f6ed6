// OvsNetwork against a scripted Open vSwitch database; daemons and devices are the test's.
#include "agent/network/ovs_network.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "agent/network/words.h"
#include "proto/base/network_names.h"
#include "tests/unit/agent/daemon_socket.h"
#include "tests/unit/agent/scripted_ovsdb.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

const HostId host = HostId::trusted("h-00000000000000001");
const std::string uuid = "0b5f1c3e-2d4a-4c6b-8e7f-012345678911";
const Port port{NetworkInterfaceId::trusted("eni-00000000000000001"), uuid};
const link::ChassisSettings settings{true, "unix:/run/ovn/ovnsb_db.sock", "lodge-public", 1442};

// Devices that exist because the test says so, and those that were made.
class RecordedDevices final : public HostDevices {
  public:
    unsigned index(const std::string& device) const override {
        std::lock_guard lock(mutex_);
        const auto found = present.find(device);
        return found == present.end() ? 0 : found->second;
    }
    Result<std::uint64_t> ensure_namespace(const std::string& netns) override {
        if (std::exchange(kernel_ends_devices, false)) clear();
        return inodes.try_emplace(netns, inodes.size() + next_inode).first->second;
    }
    Status ensure_device(const MetadataDevice& device) override {
        std::lock_guard lock(mutex_);
        present.try_emplace(device.name, ++last_index);
        made.push_back(device);
        return {};
    }
    Status remove_device(const std::string& device) override {
        std::lock_guard lock(mutex_);
        present.erase(device);
        return {};
    }
    Status remove_namespace(const std::string& netns) override {
        inodes.erase(netns);
        return {};
    }
    std::vector<std::string> namespaces(const std::string& prefix) const override {
        std::vector<std::string> found;
        for (const auto& [name, inode] : inodes)
            if (name.starts_with(prefix)) found.push_back(name);
        return found;
    }
    std::string path_of(const std::string& netns) const override { return "/run/netns/" + netns; }

    void appear(const std::string& device) {
        std::lock_guard lock(mutex_);
        present.try_emplace(device, ++last_index);
    }
    void clear() {
        std::lock_guard lock(mutex_);
        present.clear();
    }
    std::set<std::string> names() const {
        std::lock_guard lock(mutex_);
        std::set<std::string> found;
        for (const auto& [name, index] : present) found.insert(name);
        return found;
    }

    mutable std::mutex mutex_;
    std::map<std::string, unsigned> present;  // with their indexes
    unsigned last_index = 0;
    bool kernel_ends_devices = false;  // it took its time: they go when the namespace is made anew
    std::vector<MetadataDevice> made;
    std::map<std::string, std::uint64_t> inodes;
    std::uint64_t next_inode = 100;
};

class OvsNetworkTest : public ::testing::Test {
  protected:
    OvsNetworkTest() : database(path("db.sock")), network(options(), devices, clock) {}

    std::string path(const std::string& name) const { return (folder.path() / name).string(); }
    OvsOptions options() const {
        OvsOptions made;
        made.host_id = host;
        made.ovs_db = "unix:" + path("db.sock");
        made.ovn_rundir = folder.path().string();
        made.tls = {"/a/host.key", "/a/host.pem", "/a/ca.pem"};
        made.retry_ms = 10;
        return made;
    }
    static bool eventually(const std::function<bool()>& holds) {
        for (int i = 0; i < 2000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return holds();
    }
    void configure(const link::ChassisSettings& wanted = settings) {
        Status done;
        EXPECT_TRUE(eventually([&] {
            done = network.configure(wanted);
            return done.has_value();
        })) << done.error().message;
    }
    void start_daemons() {
        switchd.emplace(folder.path().string(), "ovs-vswitchd", "version", "3.5.0\n");
        controller.emplace(folder.path().string(), "ovn-controller", "connection-status", "connected\n");
    }
    static Json ids(const std::string& iface_id, bool installed, const std::string& profile = "") {
        Json made = {{"iface-id", iface_id}};
        if (installed) made["ovn-installed"] = "true";
        if (!profile.empty()) made["port-profile"] = profile;
        return made;
    }
    static MetadataVpc vpc(int n, int subnets) {
        MetadataVpc made{VpcId::trusted("vpc-0000000000000000" + std::to_string(n)), "10.0.0.2", {}};
        for (int i = 1; i <= subnets; ++i)
            made.subnets.push_back(
                {SubnetId::trusted("subnet-00000000000000" + std::to_string(n) + "0" + std::to_string(i)),
                 "10.0." + std::to_string(i) + ".0/24"});
        return made;
    }

    TemporaryFolder folder;
    SystemClock clock;
    RecordedDevices devices;
    ScriptedOvsdb database;
    std::optional<DaemonSocket> switchd;
    std::optional<DaemonSocket> controller;
    OvsNetwork network;
};

TEST_F(OvsNetworkTest, WithoutOvnNothingIsTouched) {
    EXPECT_EQ(network.kind(), NetworkKind::unknown);
    ASSERT_TRUE(network.configure({}));
    EXPECT_EQ(network.kind(), NetworkKind::none);
    EXPECT_EQ(network.problem(), "");
    EXPECT_TRUE(network.sweep());
    EXPECT_TRUE(network.ensure_metadata({vpc(1, 1)})->empty());
    EXPECT_EQ(database.transactions(), 0U);
}

TEST_F(OvsNetworkTest, MakesTheMachineAChassisOnce) {
    database.put("Bridge", "outside",
                 {{"name", "br-lodge-public"}, {"ports", Json::array({"set", Json::array()})}});
    configure();
    EXPECT_EQ(database.root_ids(), Json::parse(R"({"ovn-remote": "unix:/run/ovn/ovnsb_db.sock",
        "system-id": "h-00000000000000001", "ovn-encap-type": "geneve", "ovn-encap-ip": "127.0.0.1",
        "ovn-bridge-mappings": "lodge-public:br-lodge-public"})"));
    configure();
    EXPECT_EQ(database.transactions(), 1U);
    EXPECT_EQ(network.kind(), NetworkKind::present);
}

TEST_F(OvsNetworkTest, ChangesOnlyWhatTheControlPlaneSaysOtherwise) {
    database.put("Open_vSwitch", "root",
                 {{"external_ids",
                   Json::parse(R"(["map", [["system-id", "of-another-cloud"], ["ovn-encap-ip", "192.0.2.7"],
                       ["ovn-encap-type", "geneve,vxlan"], ["ovn-remote", "unix:/elsewhere"],
                       ["ovn-bridge-datapath-type", "netdev"], ["ovn-bridge-mappings", "lan:br-lan"]]])")},
                  {"ssl", Json::array({"set", Json::array()})}});
    configure();
    EXPECT_EQ(database.root_ids(), Json::parse(R"({"ovn-remote": "unix:/run/ovn/ovnsb_db.sock",
        "system-id": "of-another-cloud", "ovn-encap-type": "geneve,vxlan", "ovn-encap-ip": "192.0.2.7",
        "ovn-bridge-datapath-type": "netdev", "ovn-bridge-mappings": "lan:br-lan"})"))
        << "without the bridge there is no mapping to it";
    database.put("Bridge", "outside",
                 {{"name", "br-lodge-public"}, {"ports", Json::array({"set", Json::array()})}});
    EXPECT_TRUE(eventually([&] {
        configure();
        return database.root_ids()["ovn-bridge-mappings"] == "lan:br-lan,lodge-public:br-lodge-public";
    }));
}

TEST_F(OvsNetworkTest, WithoutARemoteTheHostsOwnStays) {
    database.put("Open_vSwitch", "root",
                 {{"external_ids", Json::parse(R"(["map", [["ovn-remote", "unix:/elsewhere"]]])")},
                  {"ssl", Json::array({"set", Json::array()})}});
    configure({true, "", "", 1442});
    EXPECT_EQ(database.root_ids()["ovn-remote"], "unix:/elsewhere");
    EXPECT_EQ(database.root_ids()["system-id"], host.str());
    EXPECT_EQ(database.root_ids()["ovn-encap-ip"], "127.0.0.1");
}

TEST_F(OvsNetworkTest, OverTlsTheHostIsKnownByItsCertificate) {
    database.put("Open_vSwitch", "root",
                 {{"external_ids", Json::parse(R"(["map", [["system-id", "of-old"]]])")},
                  {"ssl", Json::array({"set", Json::array()})}});
    configure({true, "ssl:127.0.0.1:6642", "", 1442});
    EXPECT_EQ(database.root_ids()["system-id"], host.str());
    EXPECT_EQ(database.root_ids()["ovn-encap-ip"], "127.0.0.1");
    const std::string tls = database.row("Open_vSwitch", "root")["ssl"][1];
    EXPECT_EQ(database.row("SSL", tls),
              Json::parse(
                  R"({"private_key": "/a/host.key", "certificate": "/a/host.pem", "ca_cert": "/a/ca.pem"})"));
    configure({true, "ssl:127.0.0.1:6642", "", 1442});
    EXPECT_EQ(database.transactions(), 1U);
}

TEST_F(OvsNetworkTest, SaysWhichDaemonIsNotWell) {
    configure();
    EXPECT_EQ(network.problem(), "ovs-vswitchd does not run");
    switchd.emplace(folder.path().string(), "ovs-vswitchd", "version", "3.5.0\n");
    EXPECT_EQ(network.problem(), "ovn-controller does not run");
    controller.emplace(folder.path().string(), "ovn-controller", "connection-status", "not connected\n");
    EXPECT_EQ(network.problem(), "ovn-controller does not reach unix:/run/ovn/ovnsb_db.sock");
    controller->set_answer("connected\n");
    EXPECT_EQ(network.problem(), "");
    switchd->set_silent(true);
    const auto start_ms = clock.steady_ms();
    EXPECT_EQ(network.problem(), "ovs-vswitchd does not answer: it is silent");
    EXPECT_LT(clock.steady_ms() - start_ms, 2'000);
    switchd->set_silent(false);
    database.put("Bridge", "bridge", nullptr);
    EXPECT_TRUE(eventually([&] { return network.problem() == "ovn-controller has not made br-int yet"; }));
}

TEST_F(OvsNetworkTest, ADaemonThatWasKilledDoesNotRun) {
    configure();
    start_daemons();
    EXPECT_EQ(network.problem(), "");
    std::ofstream(path("ovs-vswitchd.pid")) << "1\n";  // as a SIGKILL leaves it: no such socket
    EXPECT_TRUE(network.problem().starts_with("ovs-vswitchd does not answer: ")) << network.problem();
}

TEST_F(OvsNetworkTest, WaitsForPortsAsLongAsItMust) {
    configure();
    start_daemons();
    EXPECT_FALSE(network.is_installed(uuid));
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        database.plug("vnet0", ids(uuid, false));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        database.plug("vnet0", ids(uuid, true));
    });
    EXPECT_TRUE(network.wait_installed({port}, 10'000));
    later.join();
    EXPECT_TRUE(network.is_installed(uuid));
    EXPECT_TRUE(network.wait_installed({}, 0));
}

TEST_F(OvsNetworkTest, AnInterruptEndsWaits) {
    configure();
    start_daemons();
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        network.interrupt();
    });
    const Status status = network.wait_installed({port}, 600'000);
    later.join();
    EXPECT_EQ(status.error().code, ErrorCode::service_unavailable);
    EXPECT_FALSE(network.wait_installed({port}, 600'000));
}

TEST_F(OvsNetworkTest, SaysWhatItSawOfAPortThatDoesNotCome) {
    configure();
    start_daemons();
    const auto said = [&] {
        const Status status = network.wait_installed({port}, 50);
        EXPECT_EQ(status.error().code, ErrorCode::io_failure);
        return status.error().message;
    };
    const std::string start = "the network port of eni-00000000000000001 was not installed within 0 s: ";
    EXPECT_EQ(said(), start + "Open vSwitch has no interface of that port (" + uuid + ")");
    database.plug("vnet0", ids(uuid, false));
    EXPECT_TRUE(eventually(
        [&] { return said() == start + "ovn-controller has not claimed vnet0 for it (" + uuid + ")"; }));
    database.plug("vnet0", ids(uuid, true), "could not open network device vnet0");
    EXPECT_TRUE(eventually([&] {
        return said() == start + "Open vSwitch cannot use vnet0: could not open network device vnet0";
    }));
    controller.reset();
    const Status status = network.wait_installed({port}, 50);
    EXPECT_EQ(status.error().code, ErrorCode::service_unavailable) << "it may pass";
    EXPECT_EQ(status.error().message, "ovn-controller does not run");
}

TEST_F(OvsNetworkTest, RemovesOnlyLeftOversAndOnlyItsOwn) {
    configure();
    devices.appear("vnet1");
    database.plug("vnet0", ids("gone", true, "lodge-" + host.str()));
    database.plug("vnet1", ids("used", true, "lodge-" + host.str()));
    database.plug("vnet2", ids("of-another-host", true, "lodge-h-00000000000000002"));
    database.plug("vnet3", ids("of-an-operator", true));
    ASSERT_TRUE(eventually([&] { return network.is_installed("of-an-operator"); }));
    ASSERT_TRUE(network.sweep());
    EXPECT_EQ(database.interfaces().size(), 3U);
    EXPECT_FALSE(database.interfaces().contains("vnet0"));
    ASSERT_TRUE(network.release("used"));
    EXPECT_EQ(database.interfaces().size(), 3U);
    ASSERT_TRUE(network.release("of-another-host"));
    EXPECT_FALSE(database.interfaces().contains("vnet2")) << "a port is asked for by its name in OVN";
    const auto before = database.transactions();
    ASSERT_TRUE(network.sweep());
    EXPECT_EQ(database.transactions(), before);
}

TEST_F(OvsNetworkTest, MakesMetadataNetworksAndUnmakesThem) {
    configure();
    auto networks = network.ensure_metadata({vpc(1, 2), vpc(2, 1)});
    ASSERT_TRUE(networks) << networks.error().message;
    ASSERT_EQ(networks->size(), 2U);
    EXPECT_EQ(networks->front().netns, "/run/netns/lodge-00000000000000001");
    EXPECT_EQ(networks->front().addresses,
              (std::vector<std::string>{"169.254.169.254", "169.254.169.253", "10.0.0.2"}));
    ASSERT_EQ(devices.made.size(), 3U);
    const SubnetId first = vpc(1, 2).subnets.front().subnet_id;
    EXPECT_EQ(devices.made.front(),
              (MetadataDevice{"lm000000000101", "lodge-00000000000000001", imds_port_mac(first.str()), 1442,
                              networks->front().addresses, "10.0.1.0/24"}));
    EXPECT_EQ(database.interfaces()["lm000000000101"], (Json{{"iface-id", imds_port_name(first.str())},
                                                             {"lodge-host", host.str()},
                                                             {"lodge-netns", "lodge-00000000000000001"}}));
    ASSERT_TRUE(network.ensure_metadata({vpc(1, 2), vpc(2, 1)}));
    EXPECT_EQ(devices.made.size(), 3U) << "what is there is left alone";
    networks = network.ensure_metadata({vpc(1, 1)});
    ASSERT_TRUE(networks);
    EXPECT_EQ(database.interfaces().size(), 1U);
    EXPECT_EQ(devices.names(), std::set<std::string>{"lm000000000101"});
    EXPECT_EQ(devices.inodes.size(), 1U);
}

TEST_F(OvsNetworkTest, MendsWhatARestartHasTaken) {
    configure();
    const std::vector<MetadataVpc> wanted = {vpc(1, 1)};
    const auto before = network.ensure_metadata(wanted);
    ASSERT_TRUE(before);
    devices.clear();  // the device alone
    ASSERT_TRUE(network.ensure_metadata(wanted));
    EXPECT_EQ(devices.made.size(), 2U);
    devices.inodes.clear();  // the namespace, and its end of the cable
    devices.next_inode = 200;
    const auto after = network.ensure_metadata(wanted);
    ASSERT_TRUE(after);
    EXPECT_NE(after->front().netns_inode, before->front().netns_inode);
    EXPECT_EQ(devices.made.size(), 3U);
    database.unplug_all();  // the switch's rows
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(network.ensure_metadata(wanted));
        return database.interfaces().size() == 1;
    }));
}

// ovs-vswitchd keeps the device that it opened, also when another one comes to have its name.
TEST_F(OvsNetworkTest, PlugsADeviceAnewThatTheKernelEndedWhileItWasMended) {
    configure();
    const std::vector<MetadataVpc> wanted = {vpc(1, 1)};
    ASSERT_TRUE(network.ensure_metadata(wanted));
    const std::string before = database.uuid_of("lm000000000101");
    ASSERT_TRUE(network.ensure_metadata(wanted));
    EXPECT_EQ(database.uuid_of("lm000000000101"), before);
    devices.inodes.clear();
    devices.next_inode = 200;
    devices.kernel_ends_devices = true;
    ASSERT_TRUE(network.ensure_metadata(wanted));
    const std::string after = database.uuid_of("lm000000000101");
    EXPECT_NE(after, before);
    EXPECT_NE(after, "");
    ASSERT_TRUE(network.ensure_metadata(wanted));
    EXPECT_EQ(database.uuid_of("lm000000000101"), after);
}

TEST_F(OvsNetworkTest, SweepsWhatAKilledAgentLeft) {
    configure();
    database.plug("lm000000000901",
                  {{"iface-id", "x"}, {"lodge-host", host.str()}, {"lodge-netns", "lodge-00000009"}});
    database.plug(
        "lm000000000801",
        {{"iface-id", "y"}, {"lodge-host", "h-00000000000000002"}, {"lodge-netns", "lodge-00000008"}});
    for (const char* name : {"lodge-00000009", "lodge-00000008", "lodge-00000007", "lodge-tests", "another"})
        devices.inodes[name] = 1;
    devices.appear("lm000000000901");
    database.plug("vnet0", ids(uuid, true));
    ASSERT_TRUE(eventually([&] { return network.is_installed(uuid); }));
    ASSERT_TRUE(network.ensure_metadata({}));
    EXPECT_FALSE(database.interfaces().contains("lm000000000901"));
    EXPECT_TRUE(database.interfaces().contains("lm000000000801")) << "it is another host's";
    EXPECT_FALSE(devices.exists("lm000000000901"));
    EXPECT_EQ(devices.namespaces(""), (std::vector<std::string>{"another", "lodge-00000008", "lodge-tests"}));
}

TEST_F(OvsNetworkTest, WithoutTheBridgeMetadataWaits) {
    database.put("Bridge", "bridge", nullptr);
    configure();
    const auto networks = network.ensure_metadata({vpc(1, 1)});
    ASSERT_FALSE(networks);
    EXPECT_EQ(networks.error().code, ErrorCode::service_unavailable);
}

TEST_F(OvsNetworkTest, TellsChangesAndOutlivesTheDatabase) {
    std::atomic<int> changes = 0;
    network.on_change([&] { ++changes; });
    configure();
    start_daemons();
    ASSERT_TRUE(eventually([&] { return network.problem().empty(); }));
    changes = 0;
    database.plug("vnet0", ids(uuid, true));
    EXPECT_TRUE(eventually([&] { return changes > 0 && network.is_installed(uuid); }));
    database.hang_up();
    EXPECT_TRUE(eventually([&] { return changes > 1; }));
    EXPECT_TRUE(eventually([&] { return network.problem().empty(); })) << network.problem();
    EXPECT_TRUE(network.is_installed(uuid));
    network.on_change(nullptr);
}

}  // namespace
}  // namespace lodge::agent

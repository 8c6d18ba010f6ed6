// A host's network on Open vSwitch and OVN. libvirt plugs guests' taps into the switch; this watches the
// switch's database for what ovn-controller makes of them, and changes it itself: no ovs-vsctl is run. See
// network.h for what the calls promise.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/network/host_devices.h"
#include "agent/network/network.h"
#include "agent/network/ovs_operations.h"
#include "agent/network/ovs_view.h"
#include "proto/base/clock.h"
#include "proto/ovsdb/client.h"

namespace lodge::agent {

struct OvsOptions {
    HostId host_id;  // names the chassis, and marks what is this host's
    std::string ovs_db = "unix:/run/openvswitch/db.sock";
    std::string ovn_rundir = "/run/ovn";
    std::string encap_ip;  // of this machine, for tunnels; empty: see configure_chassis()
    std::string public_bridge = "br-lodge-public";
    OvsTls tls;                 // the agent's, for a Southbound database over TLS
    std::int64_t ask_ms = 400;  // how long a daemon may take to say that it is well
    int retry_ms = 1'000;       // between attempts to reach the switch's database
};

class OvsNetwork final : public Network {
  public:
    // `devices` and `clock` outlive this.
    OvsNetwork(OvsOptions options, HostDevices& devices, const Clock& clock);
    ~OvsNetwork() override;
    OvsNetwork(const OvsNetwork&) = delete;
    OvsNetwork& operator=(const OvsNetwork&) = delete;

    Status configure(const link::ChassisSettings& settings) override;
    NetworkKind kind() const override;
    std::string problem() override;
    Status wait_installed(const std::vector<Port>& ports, std::int64_t timeout_ms) override;
    bool is_installed(const std::string& port_uuid) const override;
    Status release(const std::string& port_uuid) override;
    Status sweep() override;
    Result<std::vector<MetadataNetwork>> ensure_metadata(const std::vector<MetadataVpc>& wanted) override;
    void interrupt() override;
    void on_change(std::function<void()> callback) override;

  private:
    using Devices = std::map<std::string, MetadataDevice>;  // by name

    // Begins to watch the database; from then on there is one.
    void watch();
    void watched(const std::function<void()>& change);
    void call_back();
    void note_settings(const link::ChassisSettings& settings, NetworkKind kind);
    // The results; nothing is done if there are no operations.
    Result<Json> transact(const Json& operations);
    Status transact_and_follow(const Json& operations);
    bool is_installed_locked(const std::string& port_uuid) const;
    std::string seen_of(const std::string& port_uuid) const;
    Status remove_stale(const std::function<bool(const OvsInterface&)>& ours);

    Devices devices_of(const std::vector<MetadataVpc>& wanted, std::map<std::string, Words>& ids) const;
    Status drop_metadata(const Devices& wanted);
    Status plug_metadata(const std::map<std::string, Words>& ids);
    Status plug_anew(const std::string& name, const Words& ids);
    bool is_plugged(const std::string& name, const Words& ids) const;
    Status make_metadata(const MetadataDevice& device, std::uint64_t netns_inode, const Words& ids);
    std::vector<std::string> orphaned_namespaces(const Devices& wanted) const;

    const OvsOptions options_;
    HostDevices& devices_;
    const Clock& clock_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    NetworkKind kind_ = NetworkKind::unknown;
    link::ChassisSettings settings_;
    bool interrupted_ = false;
    OvsView view_;
    std::mutex callback_mutex_;
    std::function<void()> callback_;

    // As ensure_metadata() has made them; its thread's alone.
    Devices made_;
    std::map<std::string, std::uint64_t> made_in_;  // the inode of a device's namespace
    std::map<std::string, unsigned> plugged_;       // the index of the device that ovs-vswitchd has

    std::unique_ptr<ovsdb::Client> client_;  // last: its thread uses the rest
};

}  // namespace lodge::agent

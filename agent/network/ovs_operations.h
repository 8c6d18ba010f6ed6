// Transactions on a host's Open vSwitch database (RFC 7047, section 5.2). Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/network/ovs_view.h"
#include "proto/agent/messages.h"

namespace lodge::agent {

inline constexpr const char* integration_bridge = "br-int";  // ovn-controller makes it

// What makes the machine a chassis.
struct ChassisWish {
    link::ChassisSettings settings;
    std::string system_id;
    std::string public_bridge;
    std::string encap_ip;  // empty: what is there, else this machine's address towards the remote
    OvsTls tls;            // for a remote that wants it
};

// Where ovn-controller looks for OVN; empty: nowhere.
std::string remote_of(const OvsView& view);

// Empty when there is nothing to change. What the control plane says counts; what it says nothing about is
// only filled in, so that an operator, or `serve configure`, may have said otherwise. The system's ID belongs
// to whoever set it first, but where the remote's TLS knows the host by it.
Json configure_chassis(const OvsView& view, const ChassisWish& wish);

// A port of the integration bridge with one interface of the same name. The last operation's result has a
// count of 0 if there is no such bridge.
Json add_port(const std::string& name, const Words& external_ids);

// Empty when none of them is there.
Json remove_ports(const OvsView& view, const std::vector<std::string>& names);

// With two more operations, by which ovs-vswitchd will tell that it has followed these: once cur_cfg is the
// last result's only row's next_cfg.
Json with_sequence(const OvsView& view, Json operations);

}  // namespace lodge::agent

// A guest's network interface as libvirt's XML: a tap that libvirt plugs into OVN's bridge under the port's
// UUID. Pure functions; any thread.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>

#include "agent/domain/guest_spec.h"

namespace lodge::agent {

// What libvirt writes beside the port into OVS (external_ids:port-profile), so that a left-over is known for
// one of this host's guests. "lodge-h-0123…".
std::string port_profile(const HostId& owner);

// The device's name inside its domain: "ua-eni-0123…". libvirt keeps names that begin with "ua-".
std::string interface_alias(const NetworkInterfaceId& id);

void add_interface(pugi::xml_node devices, const Nic& nic, const HostId& owner);
std::string interface_xml(const Nic& nic, const HostId& owner);

// Reads an <interface>; nothing if it is none of Lodge's.
std::optional<NetworkInterfaceId> parse_interface(pugi::xml_node element);

}  // namespace lodge::agent

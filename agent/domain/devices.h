// The <devices> of a guest's domain: disks, network interfaces and room for more of both, serial console,
// entropy, balloon, and nothing else. Pure; any thread.
#pragma once

#include <pugixml.hpp>

#include "agent/domain/guest_spec.h"

namespace lodge::agent {

// The name under which qemu-guest-agent finds its channel in the guest.
inline constexpr const char* guest_agent_channel = "org.qemu.guest_agent.0";

void add_devices(pugi::xml_node domain, const GuestSpec& spec);

}  // namespace lodge::agent

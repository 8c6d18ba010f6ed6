// The <devices> of a guest's domain: disks, network interfaces and room for more of both, serial console,
// entropy, balloon, and nothing else. Pure; any thread.
#pragma once

#include <pugixml.hpp>

#include "agent/domain/guest_spec.h"

namespace lodge::agent {

void add_devices(pugi::xml_node domain, const GuestSpec& spec);

}  // namespace lodge::agent

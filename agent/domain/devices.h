// The <devices> of a guest's domain: root disk, serial console, entropy, balloon, and nothing else. Pure; any
// thread.
#pragma once

#include <pugixml.hpp>

#include "agent/domain/guest_spec.h"

namespace lodge::agent {

void add_devices(pugi::xml_node domain, const GuestSpec& spec);

}  // namespace lodge::agent

// What Lodge writes into the metadata of its domains, to know them again: libvirt keeps the element with the
// domain, over restarts of the agent and of libvirtd. A domain without it is not Lodge's. Pure functions; any
// thread.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>

#include "proto/base/ids.h"

namespace lodge::agent {

inline constexpr const char* guest_tag_namespace = "https://lodge.invalid/xmlns/guest/1";

struct GuestTag {
    GuestId guest_id;
    InstanceId instance_id;
    HostId host_id;  // the owner: another agent at the same libvirtd leaves the domain alone
};

// What else Lodge writes there, while a domain waits to be let run: see hypervisor.h.
inline constexpr const char* held_mark_namespace = "https://lodge.invalid/xmlns/held/1";

// Appends <lodge:guest id= instance= host=/> to `metadata`.
void write_guest_tag(pugi::xml_node metadata, const GuestTag& tag);

// Appends <lodge-held:held/>.
void write_held_mark(pugi::xml_node metadata);

// Reads the element as virDomainGetMetadata gives it, with or without its prefix. Nothing for anything else.
std::optional<GuestTag> parse_guest_tag(const std::string& xml);
std::optional<GuestTag> parse_guest_tag(pugi::xml_node element);

}  // namespace lodge::agent

// A guest as libvirt's domain XML. Pure functions; any thread. Every value goes through the XML library's
// escaping.
#pragma once

#include <string>
#include <string_view>

#include "agent/domain/guest_spec.h"

namespace lodge::agent {

// What the host decides about its guests.
struct DomainOptions {
    std::string type = "kvm";  // "kvm"; "qemu": QEMU's own emulation; "test": libvirt's test driver
};

// "lodge-g-0123…".
std::string domain_name(const GuestId& guest_id);
// Whether a domain of that name may be a guest of Lodge's.
bool is_domain_name(std::string_view name);

// The domain's and the SMBIOS system's UUID: a UUID of version 8 (RFC 9562) out of the instance's ID, so that
// each guest of an instance has the same and no two instances share one. Starts with "ec2": cloud-init knows
// EC2 by that.
std::string domain_uuid(const InstanceId& instance_id);

std::string domain_xml(const GuestSpec& spec, const DomainOptions& options);

}  // namespace lodge::agent

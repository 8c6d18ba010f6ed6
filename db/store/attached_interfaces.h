// The interfaces of many instances with everything about them: a query each for a whole page, not for each
// instance.
#pragma once

#include <string>
#include <vector>

#include "db/driver/session.h"
#include "db/store/instance_span.h"
#include "proto/model/network_interface.h"
#include "proto/model/security_group.h"
#include "proto/model/tag.h"

namespace lodge::db::attached_interfaces {

struct Group {
    SecurityGroupId id;
    std::string name;
};

struct AttachedInterface {
    NetworkInterface interface;
    std::vector<InterfaceAddress> addresses;  // IPv4 first, the primary one at the front
    std::vector<Group> groups;                // in the order given
    std::vector<Address> elastic;             // mapped to its addresses
    std::vector<Tag> tags;
};

// By instance and device index; detaching ones too.
std::vector<AttachedInterface> of_instances(Session& session, const instances::Span& span);
std::vector<AttachedInterface> of_instance(Session& session, const InstanceId& id);
// Of every instance whose root disk is on the host, without tags.
std::vector<AttachedInterface> of_host(Session& session, const HostId& id);

}  // namespace lodge::db::attached_interfaces

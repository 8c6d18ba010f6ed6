#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct NetworkAcl {
    NetworkAclId id;
    AccountId account_id;
    std::string region;
    VpcId vpc_id;
    bool is_default = false;
    UnixMs created_ms = 0;
};

// The rule that denies the rest (32767, "*") follows from there being a list, and is not kept.
struct NetworkAclEntry {
    NetworkAclId network_acl_id;
    bool is_egress = false;
    std::int64_t rule_number = 0;  // 1 to 32766
    std::string protocol;          // IANA's number, "-1": all
    bool allow = false;
    std::string cidr;  // IPv4 or IPv6
    std::int64_t icmp_type = -1;
    std::int64_t icmp_code = -1;
    std::int64_t from_port = -1;  // -1: no ports
    std::int64_t to_port = -1;
};

// Every subnet has exactly one.
struct NetworkAclAssociation {
    NetworkAclAssociationId id;
    NetworkAclId network_acl_id;
    SubnetId subnet_id;
};

}  // namespace lodge

#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct SecurityGroup {
    SecurityGroupId id;
    AccountId account_id;
    std::string region;
    VpcId vpc_id;
    std::string name;  // "default": made with the VPC, goes with it
    std::string description;
    UnixMs created_ms = 0;
};

// One source or destination of one permission. Exactly one of cidr, prefix_list_id and referenced_group_id is
// set.
struct SecurityGroupRule {
    SecurityGroupRuleId id;
    AccountId account_id;
    std::string region;
    SecurityGroupId group_id;
    bool is_egress = false;
    std::string protocol;         // "tcp", "udp", "icmp", "icmpv6", IANA's number, "-1": all
    std::int64_t from_port = -1;  // of ICMP the type; -1: all
    std::int64_t to_port = -1;    // of ICMP the code; -1: all
    std::string cidr;             // canonical, IPv4 or IPv6
    std::string prefix_list_id;
    std::string referenced_group_id;    // of this VPC, or of a peer's
    std::string referenced_account_id;  // its owner
    std::string referenced_vpc_id;      // a peer's group: its VPC, and the peering that was there; else empty
    std::string vpc_peering_id;
    std::string description;
};

// Customer-managed. Entries are kept by version; `version` is the present one.
struct PrefixList {
    PrefixListId id;
    AccountId account_id;
    std::string region;
    std::string name;
    std::string address_family;  // "IPv4", "IPv6"
    std::int64_t max_entries = 0;
    std::int64_t version = 1;
    std::string state;  // how the last change ended: "create-complete", "modify-complete", "restore-complete"
    UnixMs created_ms = 0;
};

struct PrefixListEntry {
    PrefixListId prefix_list_id;
    std::int64_t version = 1;
    std::string cidr;
    std::string description;
};

}  // namespace lodge

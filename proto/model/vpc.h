#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct Vpc {
    VpcId id;
    AccountId account_id;
    std::string region;
    std::string cidr;             // the primary one; VpcCidr has all
    std::string dhcp_options_id;  // empty: the set called "default", which offers nothing
    bool is_default = false;
    bool dns_support = true;
    bool dns_hostnames = false;
    bool network_address_usage_metrics = false;
    std::string instance_tenancy = "default";  // "dedicated": of all instances that say nothing else
    std::int64_t revision = 1;                 // raised by every change that its guests' network must follow
    UnixMs created_ms = 0;
};

// A CIDR of a VPC, with its association ID.
struct VpcCidr {
    VpcCidrId id;
    VpcId vpc_id;
    std::string cidr;  // canonical: no bits behind the prefix
    bool is_ipv6 = false;
    bool is_primary = false;
    UnixMs created_ms = 0;
};

struct Subnet {
    SubnetId id;
    AccountId account_id;
    std::string region;
    std::string zone;
    VpcId vpc_id;
    std::string cidr;
    bool default_for_az = false;
    bool map_public_ip_on_launch = false;
    bool assign_ipv6_address_on_creation = false;
    std::string hostname_type = "ip-name";  // "ip-name", "resource-name"
    bool resource_name_dns_a = false;
    bool resource_name_dns_aaaa = false;
    UnixMs created_ms = 0;
};

struct SubnetIpv6Cidr {
    SubnetCidrId id;
    SubnetId subnet_id;
    std::string cidr;
};

// The IPv6 CIDR that a VPC or a subnet gave up last.
struct FormerIpv6Cidr {
    std::string owner_id;  // the VPC's or the subnet's
    std::string association_id;
    std::string cidr;
};

// Values by key; EC2's keys ("domain-name-servers"), in the order given.
struct DhcpOptions {
    DhcpOptionsId id;
    AccountId account_id;
    std::string region;
    UnixMs created_ms = 0;
};

struct DhcpOptionValue {
    DhcpOptionsId dhcp_options_id;
    std::string key;
    std::int64_t position = 0;
    std::string value;
};

}  // namespace lodge

// Names and sentences that every kind of network has in common. Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/network/network.h"

namespace lodge::agent {

// "lodge-0123…": the VPC's digits.
std::string namespace_name(const VpcId& vpc_id);
// "lm" and 12 of the subnet's digits: names of devices have 15 bytes at most.
std::string metadata_device(const SubnetId& subnet_id);
// Under which the metadata service and the resolver are asked.
std::vector<std::string> addresses_of(const MetadataVpc& vpc);

// What wait_installed() says when time is up.
tl::unexpected<Error> not_installed(const Port& port, std::int64_t timeout_ms, const std::string& seen);

// What a wait says that interrupt() has ended.
tl::unexpected<Error> interrupted();

// The VPCs and subnets of these guests, in order.
std::vector<MetadataVpc> metadata_vpcs(const std::vector<link::DesiredGuest>& guests);

}  // namespace lodge::agent

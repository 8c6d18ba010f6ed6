// The network interfaces that a launch asks for, as far as they can be checked without the store. Source: EC2
// reference, "RunInstances" and "InstanceNetworkInterfaceSpecification".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/pipeline/context.h"
#include "proto/base/cidr.h"
#include "proto/ec2/instances.h"

namespace lodge::api {

// One of them. Either `existing_id`, or what a new one is to be like.
struct InterfaceWish {
    std::int64_t device_index = 0;
    std::string existing_id;
    std::optional<std::string> subnet_id;  // nothing: the default subnet of the zone
    std::vector<std::string> group_ids;
    std::vector<std::string> group_names;  // of the default VPC
    std::string description;
    std::optional<IpAddress> address;  // nothing: any
    std::vector<IpAddress> secondary;
    std::int64_t more_addresses = 0;  // secondary ones, any
    std::vector<IpAddress> ipv6;
    std::optional<std::int64_t> ipv6_count;  // nothing: as the subnet says
    std::optional<bool> public_address;      // nothing: as the subnet says
    bool delete_on_termination = true;

    bool names_addresses() const { return address || !secondary.empty() || !ipv6.empty(); }
    std::int64_t ipv4_count() const {
        return 1 + static_cast<std::int64_t>(secondary.size()) + more_addresses;
    }
};

// By device index, the first one of index 0. Errors: InvalidParameterCombination, InvalidParameterValue,
// MissingParameter, AttachmentLimitExceeded and PrivateIpAddressLimitExceeded by the type.
Result<std::vector<InterfaceWish>> check_interfaces(const ec2::RunInstancesRequest& request,
                                                    const catalogue::InstanceType& type);

}  // namespace lodge::api

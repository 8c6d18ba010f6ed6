// Network interfaces as replies and filters show them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/actions/network.h"
#include "proto/ec2/network_interfaces.h"
#include "proto/model/network_interface.h"

namespace lodge::api {

// An interface with all that it shows.
struct InterfaceRecord {
    NetworkInterface value;
    std::vector<Tag> tags;
    std::vector<InterfaceAddress> addresses;   // IPv4 first, the primary one at the front
    std::vector<ec2::GroupIdentifier> groups;  // in the order given
    std::vector<Address> elastic;              // mapped to its addresses
    bool has_dns_names = false;                // the VPC's enableDnsHostnames
};

InterfaceRecord load_interface(db::Session& session, NetworkInterface interface);

// Without the zone's ID, which is configuration.
ec2::NetworkInterface to_ec2(const InterfaceRecord& record);
ec2::NetworkInterface to_ec2(const RequestContext& context, const InterfaceRecord& record);

// Of whom it is attached to; nothing while it is not.
std::optional<ec2::NetworkInterfaceAttachment> attachment_of(const NetworkInterface& interface);

// The public address that leads to the private one: an elastic one, or the one given at launch, which is the
// primary one's. There is no public DNS, so its name is empty.
std::optional<ec2::NetworkInterfaceAssociation> association_of(const InterfaceRecord& record,
                                                               const InterfaceAddress& address);

// "available", or "in-use" from the beginning of an attachment to its end.
std::string_view interface_status(const NetworkInterface& interface);

// The filters of DescribeNetworkInterfaces.
describe::FilterTable<InterfaceRecord> interface_filters(const RequestContext& context);

}  // namespace lodge::api

#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/attachment_state.h"

namespace lodge {

// An ENI. Its addresses and groups are rows of their own.
struct NetworkInterface {
    NetworkInterfaceId id;
    AccountId account_id;
    std::string region;
    std::string zone;
    VpcId vpc_id;
    SubnetId subnet_id;
    std::string port_uuid;                     // names its port in OVN: libvirt takes nothing but a UUID
    std::string mac;                           // "02:…", lower case
    std::string interface_type = "interface";  // "interface", "nat_gateway"
    std::string description;
    std::string requester_id;  // not empty: made by the cloud itself, and only it may change or delete it
    bool source_dest_check = true;
    std::string public_ip;        // given at launch (not elastic); empty: none
    bool auto_public_ip = false;  // gets one whenever its instance starts

    // The attachment.
    std::string attachment_id;
    AttachmentState attachment_state = AttachmentState::none;
    std::string instance_id;
    std::int64_t device_index = 0;
    bool delete_on_termination = false;
    UnixMs attached_ms = 0;

    UnixMs created_ms = 0;
};

// An address of an ENI; unique in its subnet. Position 0 is the primary IPv4 address.
struct InterfaceAddress {
    SubnetId subnet_id;
    std::string address;
    NetworkInterfaceId network_interface_id;
    bool is_ipv6 = false;
    std::int64_t position = 0;
};

// An Elastic IP.
struct Address {
    AllocationId id;
    AccountId account_id;
    std::string region;
    std::string public_ip;
    std::string association_id;  // empty: not associated
    std::string network_interface_id;
    std::string private_ip;
    UnixMs created_ms = 0;
};

}  // namespace lodge

// Guests for the tests of the metadata service.
#pragma once

#include "proto/agent/messages.h"

namespace lodge::agent {

inline link::DesiredGuest example_guest(const std::string& digits = "00000000000000001",
                                        const std::string& address = "10.0.0.5",
                                        const std::string& vpc = "vpc-0000000000000000a") {
    link::DesiredGuest guest;
    guest.guest_id = GuestId::trusted("g-" + digits);
    guest.instance_id = InstanceId::trusted("i-" + digits);
    guest.instance_type = "t3.micro";
    guest.root_volume_id = VolumeId::trusted("vol-" + digits);
    link::GuestInterface first;
    first.network_interface_id = NetworkInterfaceId::trusted("eni-" + digits);
    first.mac = "02:00:00:00:00:01";
    first.account_id = "123456789012";
    first.vpc_id = VpcId::trusted(vpc);
    first.subnet_id = SubnetId::trusted("subnet-0000000000000000b");
    first.subnet_cidr = "10.0.0.0/24";
    first.subnet_ipv6_cidrs = {"fd6c::/64"};
    first.vpc_cidrs = {"10.0.0.0/16", "10.1.0.0/16"};
    first.vpc_ipv6_cidrs = {"fd6c::/56"};
    first.private_ips = {address, "10.0.0.6"};
    first.ipv6_addresses = {"fd6c::5"};
    first.public_ips = {{address, "198.19.64.9"}};
    first.security_group_ids = {"sg-1", "sg-2"};
    first.security_groups = {"default", "web"};
    first.private_dns_name = "ip-10-0-0-5.ec2.internal";
    link::GuestInterface second = first;
    second.network_interface_id = NetworkInterfaceId::trusted("eni-0000000000000000c");
    second.mac = "02:00:00:00:00:02";
    second.device_index = 1;
    second.private_ips = {"10.0.0.77"};
    second.ipv6_addresses.clear();
    second.public_ips.clear();
    second.private_dns_name = "ip-10-0-0-77.ec2.internal";
    guest.interfaces = {first, second};
    auto& m = guest.metadata;
    m.account_id = "123456789012";
    m.region = "us-east-1";
    m.zone = "us-east-1a";
    m.zone_id = "use1-az1";
    m.image_id = "ami-00000000000000001";
    m.reservation_id = "r-00000000000000001";
    m.root_device_name = "/dev/vda";
    m.key_name = "my key";
    m.public_key = "ssh-ed25519 AAAA my key";
    m.hostname = "ip-10-0-0-5.ec2.internal";
    m.hop_limit = 3;
    m.instance_tags = true;
    m.tags = {{"Name", "web"}, {"team", "a/b"}};
    return guest;
}

inline link::LaunchDataReply example_launch() {
    return {std::string("#!/bin/sh\0\xff", 11), "{\n}", "c2ln", "cGtjczc=", "cGtjczc="};
}

}  // namespace lodge::agent

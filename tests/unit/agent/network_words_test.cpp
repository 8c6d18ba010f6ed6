#include "agent/network/words.h"

#include <gtest/gtest.h>

#include "agent/network/own_address.h"
#include "proto/base/network_names.h"

namespace lodge::agent {
namespace {

link::DesiredGuest guest(const std::string& vpc, const std::string& subnet, const std::string& cidr) {
    link::DesiredGuest made;
    auto& interface = made.interfaces.emplace_back();
    interface.vpc_id = VpcId::trusted(vpc);
    interface.subnet_id = SubnetId::trusted(subnet);
    interface.subnet_cidr = cidr;
    interface.vpc_cidrs = {"10.7.0.0/16", "10.8.0.0/16"};
    return made;
}

TEST(NetworkWords, EachSubnetWithGuestsHereOnce) {
    const auto vpcs =
        metadata_vpcs({guest("vpc-1", "subnet-2", "10.7.2.0/24"), guest("vpc-1", "subnet-1", "10.7.1.0/24"),
                       guest("vpc-1", "subnet-2", "10.7.2.0/24"), guest("vpc-2", "subnet-3", "10.7.1.0/24"),
                       link::DesiredGuest()});
    ASSERT_EQ(vpcs.size(), 2U);
    EXPECT_EQ(vpcs[0].resolver, "10.7.0.2");
    ASSERT_EQ(vpcs[0].subnets.size(), 2U);
    EXPECT_EQ(vpcs[0].subnets[0].cidr, "10.7.1.0/24");
    EXPECT_EQ(vpcs[1].subnets.size(), 1U);
}

TEST(NetworkWords, NamesOfDevicesFit) {
    EXPECT_EQ(metadata_device(SubnetId::trusted("subnet-0123456789abcdef0")), "lm56789abcdef0");
    EXPECT_EQ(metadata_device(SubnetId::trusted("subnet-12345678")), "lm12345678");
    EXPECT_EQ(namespace_name(VpcId::trusted("vpc-0123456789abcdef0")), "lodge-0123456789abcdef0");
}

// What the control plane gives the port in OVN, the far end on the host must have.
TEST(NetworkWords, TheMetadataPortIsTheSameOnBothSides) {
    const std::string id = "subnet-0123456789abcdef0";
    EXPECT_EQ(imds_port_name(id), uuid_of(id + "/imds"));
    EXPECT_EQ(imds_port_mac(id), mac_of(id + "/imds"));
    EXPECT_EQ(imds_port_mac(id).size(), 17U);
    EXPECT_TRUE(imds_port_mac(id).starts_with("02:"));
}

TEST(OwnAddress, IsTheWayToTheRemote) {
    EXPECT_EQ(own_address("unix:/run/ovn/ovnsb_db.sock"), "127.0.0.1");
    EXPECT_EQ(own_address("ssl:127.0.0.1:6642"), "127.0.0.1");
    EXPECT_EQ(own_address("ssl:no.such.host.invalid:6642"), "127.0.0.1");
}

}  // namespace
}  // namespace lodge::agent

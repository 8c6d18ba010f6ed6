#include "agent/metadata/tree.h"

#include <gtest/gtest.h>

#include "tests/unit/golden.h"
#include "tests/unit/metadata/guests.h"

namespace lodge::agent {
namespace {

// Follows the listings as cloud-init does, and writes down what is at each leaf.
void walk(const MetadataTree& tree, const std::string& path, std::string& out) {
    auto found = tree.find(path);
    ASSERT_TRUE(found) << path;
    std::string text = found->text;
    for (std::size_t at = 0; at <= text.size();) {
        auto end = std::min(text.find('\n', at), text.size());
        auto entry = text.substr(at, end - at);
        at = end + 1;
        if (auto label = entry.find('='); label != std::string::npos) entry = entry.substr(0, label) + "/";
        if (entry == "meta-data" || entry == "dynamic") entry += "/";
        if (entry.ends_with('/')) {
            out += path + entry + "\n";
            walk(tree, path + entry, out);
        } else {
            auto leaf = tree.find(path + entry);
            ASSERT_TRUE(leaf) << path << entry;
            out += path + entry + " = " + leaf->text + "\n";
        }
    }
}

std::string at(const MetadataTree& tree, const std::string& path) {
    auto found = tree.find(path);
    return !found ? "(none)" : found->not_yet ? "(not yet)" : found->text;
}

TEST(MetadataTree, AllOfIt) {
    auto launch = example_launch();
    launch.user_data = "#!/bin/sh";
    auto guest = example_guest();
    guest.metadata.volumes = {{"vol-00000000000000001", "/dev/vda"}, {"vol-00000000000000002", "/dev/sdf"}};
    std::string out;
    walk(MetadataTree(guest, &launch), "/latest/", out);
    lodge::testing::expect_golden("metadata/tree.golden", out);
}

TEST(MetadataTree, EveryWayToWriteAPath) {
    const link::LaunchDataReply none;
    MetadataTree tree(example_guest(), &none);
    for (auto path : {"/latest/meta-data/mac", "/latest//meta-data/mac/", "/2009-04-04/meta-data/mac",
                      "/1.0/meta-data/mac?x=1", "/latest/meta%2ddata/mac"})
        EXPECT_EQ(at(tree, path), "02:00:00:00:00:01") << path;
    EXPECT_EQ(at(tree, "/latest/meta-data/placement"), at(tree, "/latest/meta-data/placement/"));
    EXPECT_EQ(at(tree, "/latest"), "meta-data");
    EXPECT_EQ(at(tree, "/latest/meta-data/public-keys/"), "0=my key");
    EXPECT_EQ(at(tree, "/latest/meta-data/public-keys/0"), "openssh-key");
    EXPECT_NE(at(tree, "/").find("latest"), std::string::npos);
    for (auto version : {"1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"}) {
        EXPECT_NE(at(tree, "/").find(version), std::string::npos) << version;
        EXPECT_EQ(at(tree, std::string("/") + version + "/meta-data/mac"), "02:00:00:00:00:01") << version;
    }
    for (auto path : {"/nothing", "/2099-01-01/meta-data/mac", "/latest/meta-data/mac/x", "/latest/%zz",
                      "/latest/meta-data/../meta-data/mac", "/latest/meta-data/iam/"})
        EXPECT_EQ(at(tree, path), "(none)") << path;
}

TEST(MetadataTree, WhatTheControlPlaneHasYetToTellIsNotDenied) {
    MetadataTree before(example_guest(), nullptr);
    EXPECT_EQ(at(before, "/latest/user-data"), "(not yet)");
    for (auto path : {"/latest/dynamic/instance-identity/document", "/latest/dynamic/", "/latest/"})
        EXPECT_EQ(at(before, path), "(not yet)") << path << ", whose listing would leave it out";
    EXPECT_EQ(at(before, "/latest/meta-data/instance-id"), "i-00000000000000001");
    link::LaunchDataReply none;
    MetadataTree after(example_guest(), &none);
    EXPECT_EQ(at(after, "/latest/user-data"), "(none)");
    EXPECT_EQ(at(after, "/latest/dynamic/"), "(none)");
}

TEST(MetadataTree, UserDataIsPassedThroughByteForByte) {
    auto launch = example_launch();
    MetadataTree tree(example_guest(), &launch);
    EXPECT_EQ(at(tree, "/latest/user-data"), launch.user_data);
    EXPECT_TRUE(tree.find("/latest/user-data")->is_bytes);
    EXPECT_FALSE(tree.find("/latest/meta-data/mac")->is_bytes);
}

TEST(MetadataTree, TagsOnlyWhereAllowed) {
    auto guest = example_guest();
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/tags/instance/Name"), "web");
    guest.metadata.tags["empty"] = "";
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/tags/instance/"), "Name\nempty\nteam");
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/tags/instance/empty"), "");
    guest.metadata.instance_tags = false;
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/tags/instance/"), "(none)");
}

TEST(MetadataTree, WhatAGuestHasNotIsNotThere) {
    auto guest = example_guest();
    guest.metadata.key_name = guest.metadata.public_key = "";
    guest.interfaces.front().public_ips.clear();
    guest.interfaces.front().ipv6_addresses.clear();
    MetadataTree tree(guest, nullptr);
    for (auto leaf :
         {"public-keys/", "public-ipv4", "public-hostname", "ipv6", "kernel-id", "ramdisk-id", "iam/",
          "spot/instance-action", "network/interfaces/macs/02:00:00:00:00:01/public-ipv4s"})
        EXPECT_EQ(at(tree, std::string("/latest/meta-data/") + leaf), "(none)") << leaf;
}

TEST(MetadataTree, ThePublicAddressIsThatOfThePrimaryPrivateOne) {
    auto guest = example_guest();
    guest.interfaces.front().public_ips = {{"10.0.0.6", "198.19.64.7"}, {"10.0.0.5", "198.19.64.9"}};
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/public-ipv4"), "198.19.64.9");
    guest.interfaces.front().public_ips.pop_back();
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/public-ipv4"), "198.19.64.7");
}

}  // namespace
}  // namespace lodge::agent

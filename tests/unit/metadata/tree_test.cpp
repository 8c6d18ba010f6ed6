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
    std::string out;
    walk(MetadataTree(example_guest(), &launch), "/latest/", out);
    lodge::testing::expect_golden("metadata/tree.golden", out);
}

TEST(MetadataTree, EveryWayToWriteAPath) {
    MetadataTree tree(example_guest(), nullptr);
    for (auto path : {"/latest/meta-data/mac", "/latest//meta-data/mac/", "/2009-04-04/meta-data/mac",
                      "/1.0/meta-data/mac?x=1", "/latest/meta%2ddata/mac"})
        EXPECT_EQ(at(tree, path), "02:00:00:00:00:01") << path;
    EXPECT_EQ(at(tree, "/latest/meta-data/placement"), at(tree, "/latest/meta-data/placement/"));
    EXPECT_EQ(at(tree, "/latest"), "meta-data");
    EXPECT_EQ(at(tree, "/latest/meta-data/public-keys/"), "0=my key");
    EXPECT_EQ(at(tree, "/latest/meta-data/public-keys/0"), "openssh-key");
    EXPECT_NE(at(tree, "/").find("latest"), std::string::npos);
    for (auto path : {"/nothing", "/2099-01-01/meta-data/mac", "/latest/meta-data/mac/x", "/latest/%zz",
                      "/latest/meta-data/../meta-data/mac", "/latest/meta-data/iam/"})
        EXPECT_EQ(at(tree, path), "(none)") << path;
}

TEST(MetadataTree, WhatTheControlPlaneHasYetToTellIsNotDenied) {
    MetadataTree before(example_guest(), nullptr);
    EXPECT_EQ(at(before, "/latest/user-data"), "(not yet)");
    EXPECT_EQ(at(before, "/latest/dynamic/instance-identity/document"), "(not yet)");
    link::LaunchDataReply none;
    MetadataTree after(example_guest(), &none);
    EXPECT_EQ(at(after, "/latest/user-data"), "(none)");
}

TEST(MetadataTree, UserDataIsPassedThroughByteForByte) {
    auto launch = example_launch();
    EXPECT_EQ(at(MetadataTree(example_guest(), &launch), "/latest/user-data"), launch.user_data);
}

TEST(MetadataTree, TagsOnlyWhereAllowed) {
    auto guest = example_guest();
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/tags/instance/Name"), "web");
    guest.metadata.instance_tags = false;
    EXPECT_EQ(at(MetadataTree(guest, nullptr), "/latest/meta-data/tags/instance/"), "(none)");
}

}  // namespace
}  // namespace lodge::agent

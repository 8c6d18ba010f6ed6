#include "proto/agent/leftovers.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lodge::link {
namespace {

DesiredGuest some_guest() {
    SeededRandom random(4);
    DesiredGuest guest;
    guest.guest_id = GuestId::make(random);
    guest.instance_id = InstanceId::make(random);
    guest.generation = 7;
    guest.desired = Desired::terminated;
    guest.observed = Observed::running;
    guest.kernel_cmdline = "a=\"b\" ]]> <c>";
    guest.boot_mode = BootMode::uefi;
    guest.root_volume_id = VolumeId::make(random);
    guest.image = {std::string(64, 'f'), "qcow2", 12};
    guest.keep_root = true;
    GuestInterface interface;
    interface.network_interface_id = NetworkInterfaceId::make(random);
    interface.vpc_id = VpcId::make(random);
    interface.subnet_id = SubnetId::make(random);
    interface.private_ips = {"10.0.0.5", "10.0.0.6"};
    interface.public_ips = {{"10.0.0.6", "198.51.100.7"}};
    guest.interfaces = {interface};
    guest.root_iops = 3'000;
    guest.root_stays = true;
    guest.disks = {
        {VolumeId::make(random), "vdf", 1LL << 40, 100, 7, {std::string(64, 'e'), "raw", 3}, true}};
    guest.metadata.hop_limit = 2;
    guest.metadata.tags = {{"Name", "\"a\" & b"}};
    return guest;
}

TEST(Messages, RoundTrip) {
    PollReply reply{"v", true, {some_guest()}, {some_guest().instance_id}};
    reply.kept_volumes = {some_guest().root_volume_id};
    reply.doomed_volumes = {some_guest().disks.front().volume_id};
    auto back = from_json<PollReply>(to_json(reply));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->guests, reply.guests);
    EXPECT_EQ(back->console_requests, reply.console_requests);
    EXPECT_EQ(back->kept_volumes, reply.kept_volumes);
    EXPECT_EQ(back->doomed_volumes, reply.doomed_volumes);
}

TEST(Messages, ReportsRoundTrip) {
    ReportRequest report;
    report.guests.emplace_back().guest_id = some_guest().guest_id;
    report.guests.back().disks = {{some_guest().root_volume_id, 1LL << 40, 3'000, 7}};
    report.removed_volumes = {some_guest().root_volume_id};
    auto back = from_json<ReportRequest>(to_json(report));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->guests, report.guests);
    EXPECT_EQ(back->removed_volumes, report.removed_volumes);
}

TEST(Messages, ConsolesAreBytes) {
    ReportRequest report;
    std::string bytes("\0\xff\x1b[31m\r\n", 9);
    report.consoles.push_back({some_guest().instance_id, bytes});
    auto back = from_json<ReportRequest>(to_json(report));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->consoles.at(0).bytes, bytes);
}

TEST(Messages, UserDataIsBytes) {
    LaunchDataReply reply;
    reply.user_data = std::string("\x1f\x8b\0\xff", 4);
    reply.identity_document = "{\n}";
    auto back = from_json<LaunchDataReply>(to_json(reply));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->user_data, reply.user_data);
    EXPECT_EQ(back->identity_document, reply.identity_document);
}

TEST(Messages, UnknownMembersAreIgnored) {
    EXPECT_TRUE(from_json<HeartbeatReply>(R"({"hello_wanted":true,"of_the_future":[1]})"));
}

TEST(Messages, NestingIsLimited) {
    auto nested = [](std::size_t levels) {
        return R"({"hello_wanted":true,"of_the_future":)" + std::string(levels, '[') +
               std::string(levels, ']') + "}";
    };
    EXPECT_TRUE(from_json<HeartbeatReply>(nested(10)));
    auto refused = from_json<HeartbeatReply>(nested(100));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("nested too deeply"), std::string::npos);
    EXPECT_FALSE(from_json<HeartbeatReply>(std::string(1'000'000, '[')));
}

TEST(Messages, AnOlderSidesMessagesHaveTheDefaults) {
    auto beat = from_json<Heartbeat>(R"({"disk_free_mib":7})");
    ASSERT_TRUE(beat) << beat.error().message;
    EXPECT_TRUE(beat->hypervisor_ok);
    EXPECT_EQ(beat->disk_free_mib, 7);
    auto older = nlohmann::json::parse(to_json(PollReply{"v", true, {some_guest()}, {}}));
    older["guests"][0].erase("kernel_cmdline");
    older["guests"][0].erase("boot_mode");
    older.erase("kept_volumes");
    older.erase("doomed_volumes");
    auto reply = from_json<PollReply>(older.dump());
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->guests.at(0).kernel_cmdline, "");
    EXPECT_EQ(reply->guests.at(0).boot_mode, BootMode::legacy_bios);
    EXPECT_EQ(reply->guests.at(0).guest_id, some_guest().guest_id);
    EXPECT_TRUE(from_json<ReportReply>(R"({"accepted":true})"));
}

TEST(Messages, NoListOfGuestsIsNotAnEmptyOne) {
    EXPECT_FALSE(from_json<PollReply>(R"({"version":"v","changed":true,"console_requests":[]})"));
}

TEST(Messages, WhatDoesNotFitIsRefused) {
    for (const char* text : {"", "{", "[]", R"({"hello_wanted":"yes"})", "null", "\xff"})
        EXPECT_FALSE(from_json<HeartbeatReply>(text)) << text;
    auto good = to_json(PollReply{"v", true, {some_guest()}, {}});
    auto replaced = [&](const std::string& from, const std::string& to) {
        auto text = good;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    EXPECT_FALSE(from_json<PollReply>(replaced("\"terminated\"", "\"exploded\"")));
    EXPECT_FALSE(from_json<PollReply>(replaced(some_guest().guest_id.str(), "../../etc/passwd")));
    EXPECT_FALSE(from_json<PollReply>(replaced(some_guest().guest_id.str(), some_guest().instance_id.str())));
    EXPECT_FALSE(from_json<PollReply>(replaced("\"generation\":7", "\"generation\":\"7\"")));
}

TEST(Messages, NumbersThatAreNone) {
    for (const char* number : {"1.5", "1e300", "-1e300", "1e999", "9223372036854775808",
                               "18446744073709551615", "true", "null", "\"5\""}) {
        EXPECT_FALSE(from_json<PollRequest>(std::string(R"({"wait_ms":)") + number + "}")) << number;
        if (std::string_view(number) == "1e999") continue;  // no JSON that we could hold
        auto other = from_json<PollRequest>(std::string(R"({"wait_ms":5,"of_the_future":)") + number + "}");
        EXPECT_TRUE(other) << number;
    }
    for (std::int64_t number : {INT64_MIN, INT64_MAX}) {
        auto good = from_json<PollRequest>(R"({"wait_ms":)" + std::to_string(number) + "}");
        ASSERT_TRUE(good) << good.error().message;
        EXPECT_EQ(good->wait_ms, number);
    }
}

TEST(Messages, WhatHasNoIdIsNothing) {
    for (const char* id : {"", R"("guest_id":"",)"}) {
        auto guest = std::string("{") + id + R"("instance_id":"i-0123456789abcdef0"})";
        EXPECT_FALSE(from_json<PollReply>(R"({"version":"v","changed":true,"guests":[)" + guest +
                                          R"(],"console_requests":[]})"));
        EXPECT_FALSE(from_json<ReportRequest>(R"({"guests":[)" + guest + "]}"));
    }
    EXPECT_FALSE(from_json<LaunchDataRequest>("{}"));
    EXPECT_FALSE(from_json<JoinReply>(R"({"host_id":""})"));
}

TEST(Messages, AnIdThatIsNotThereIsWrittenAndReadAgain) {
    auto guest = some_guest();
    guest.root_volume_id = {};
    guest.interfaces.at(0).subnet_id = {};
    auto back = from_json<PollReply>(to_json(PollReply{"v", true, {guest}, {}}));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->guests.at(0), guest);
}

TEST(Messages, WhatIsLeftHasIds) {
    SeededRandom random(5);
    const LeftoversRequest left{{{GuestId::make(random), InstanceId::make(random), true}},
                                {VolumeId::make(random)}};
    EXPECT_EQ(*from_json<LeftoversRequest>(to_json(left)), left);
    const LeftoversReply reply{{left.guests.front().guest_id}, left.volumes};
    EXPECT_EQ(*from_json<LeftoversReply>(to_json(reply)), reply);
    EXPECT_FALSE(from_json<LeftoversRequest>(R"({"guests":[{"on":true}]})"));
    EXPECT_FALSE(from_json<LeftoversReply>(R"({"end_guests":["../g"]})"));
}

}  // namespace
}  // namespace lodge::link

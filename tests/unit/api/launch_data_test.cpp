// What a host is told of its guests, through the agents' port.
#include "api/link/launch_data.h"

#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "api/link/link_service.h"
#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "db/store/network_interfaces.h"
#include "db/store/reservations.h"
#include "db/store/subnets.h"
#include "db/store/zones.h"
#include "proto/base/encoding.h"
#include "scheduler/network/attachments.h"
#include "scheduler/network/make.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::api {
namespace {

const std::string region = "us-east-1";
const Zone zone{"us-east-1a", region, "use1-az1"};
const AccountId account = "000000000001";
const std::string user_data("#!/bin/sh\0\xff\r\n", 13);

class LaunchData : public ::testing::Test {
  protected:
    void SetUp() override {
        database = std::move(*db::open_sqlite(folder.path() / "test.db"));
        ASSERT_TRUE(db::migrate(*database));
        tls.authority = pki::make_authority("test", {clock.now_ms(), 10}, random).value();
        tls.identity_signer = load_identity_signer(*database, clock.now_ms(), random).value();
        hub = std::make_unique<scheduler::HostHub>(
            clock, random, [](const std::function<void()>&) { return true; }, 1000, 0);
        agents = std::make_unique<scheduler::Agents>(*database, claims, *hub, clock, scheduler::Timing{});
        service =
            std::make_unique<LinkService>(*database, *agents, tls, folder.path(), workers, clock, random);
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "test", 0});
            db::zones::put(session, zone);
            network::make_default_networks(session, account, {zone}, 1, random);
            for (auto* host : {&own, &other}) {
                host->id = HostId::make(random);
                host->zone = zone.name;
                host->certificate_sha256 = "certificate of " + host->id.str();
                db::hosts::insert(session, *host);
            }
            insert_instance(session);
        });
    }
    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }
    void insert_instance(db::Session& session) {
        instance.id = InstanceId::make(random);
        instance.account_id = account;
        instance.region = region;
        instance.zone = zone.name;
        instance.reservation_id = ReservationId::make(random);
        instance.image_id = *parse_image_id("ami-00000000000000001");
        instance.instance_type = "t3.micro";
        instance.architecture = "x86_64";
        instance.launched_ms = 1'790'000'000'123;
        guest.id = instance.guest_id = GuestId::make(random);
        guest.instance_id = instance.id;
        guest.host_id = instance.host_id = own.id;
        db::reservations::insert(session, {instance.reservation_id, account, region, 0});
        db::instances::insert(session, instance);
        db::instances::put_user_data(session, instance.id, user_data);
        db::guests::insert(session, guest);
        auto subnet = *db::subnets::find_default(session, account, zone.name);
        auto interface = *network::make_interface(session, {account, region, 5, random}, subnet, {});
        network::begin_attach(session, interface, instance, 0, true, false, 5, random);
        private_ip = db::network_interfaces::addresses_of(session, interface.id).front().address;
    }

    http::Response post(const Host* host, const std::string& body) {
        http::Request request;
        request.method = "POST";
        request.target = "/v1/launch-data";
        request.body = body;
        if (host) request.client_certificate_sha256 = host->certificate_sha256;
        std::promise<http::Response> answer;
        service->handle(request, [&](http::Response response) { answer.set_value(std::move(response)); });
        return answer.get_future().get();
    }
    http::Response ask(const Host* host, const GuestId& id) {
        return post(host, link::to_json(link::LaunchDataRequest{id}));
    }
    link::LaunchDataReply told() {
        auto response = ask(&own, guest.id);
        EXPECT_EQ(response.status, 200) << response.body;
        return link::from_json<link::LaunchDataReply>(response.body).value();
    }

    TemporaryFolder folder;
    ManualClock clock{1'790'000'000'000};
    SeededRandom random{1};
    LinkTls tls;
    scheduler::Claims claims{scheduler::Overcommit{}};
    WorkerPool workers{1, 10};
    std::unique_ptr<db::Database> database;
    std::unique_ptr<scheduler::HostHub> hub;
    std::unique_ptr<scheduler::Agents> agents;
    std::unique_ptr<LinkService> service;
    Host own, other;
    Instance instance;
    Guest guest;
    std::string private_ip;
};

TEST_F(LaunchData, IsToldToTheGuestsOwnHostAlone) {
    EXPECT_EQ(told().user_data, user_data) << "byte for byte";
    EXPECT_EQ(ask(&other, guest.id).status, 404);
    EXPECT_EQ(ask(nullptr, guest.id).status, 403);
    EXPECT_EQ(ask(&own, GuestId::make(random)).status, 404);
    EXPECT_EQ(ask(&own, GuestId()).status, 400) << "that is no ID";
    for (auto rubbish : {"", "[]", "{\"guest_id\":\"i-0123456789abcdef0\"}", "{\"guest_id\":1}"})
        EXPECT_EQ(post(&own, rubbish).status, 400) << rubbish;
}

TEST_F(LaunchData, OnlyOfAnInstancesPresentGuest) {
    auto next = guest;
    next.id = GuestId::make(random);
    next.host_id = other.id;
    write([&](db::Session& session) {
        db::guests::insert(session, next);
        instance.guest_id = next.id;
        instance.host_id = other.id;
        db::instances::update(session, instance);
    });
    EXPECT_EQ(ask(&own, guest.id).status, 404);
    EXPECT_EQ(ask(&other, next.id).status, 200);
    EXPECT_EQ(ask(&own, next.id).status, 404);
}

TEST_F(LaunchData, TheDocumentHasEc2sMembers) {
    auto document = nlohmann::json::parse(told().identity_document);
    const nlohmann::json expected = {{"accountId", account},
                                     {"architecture", "x86_64"},
                                     {"availabilityZone", "us-east-1a"},
                                     {"billingProducts", nullptr},
                                     {"devpayProductCodes", nullptr},
                                     {"marketplaceProductCodes", nullptr},
                                     {"imageId", "ami-00000000000000001"},
                                     {"instanceId", instance.id.str()},
                                     {"instanceType", "t3.micro"},
                                     {"kernelId", nullptr},
                                     {"pendingTime", "2026-09-21T14:13:20Z"},
                                     {"privateIp", private_ip},
                                     {"ramdiskId", nullptr},
                                     {"region", region},
                                     {"version", "2017-09-30"}};
    EXPECT_EQ(document, expected);
}

TEST_F(LaunchData, SignaturesAreFoldedBase64AndOfTheSameSignerAfterARestart) {
    const auto first = told();
    for (const auto& text : {first.identity_signature, first.identity_pkcs7, first.identity_rsa2048}) {
        EXPECT_FALSE(text.empty());
        for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
            end = std::min(text.find('\n', at), text.size());
            EXPECT_LE(end - at, 64U);
        }
    }
    auto again = load_identity_signer(*database, clock.now_ms() + 1'000'000, random).value();
    EXPECT_EQ(again.certificate_pem, tls.identity_signer.certificate_pem);
    EXPECT_EQ(pki::sign_bytes(again, first.identity_document).value(),
              base64_decode(first.identity_signature).value());
}

}  // namespace
}  // namespace lodge::api

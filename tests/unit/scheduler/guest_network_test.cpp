// A guest's network on its way to the host's agent and back, over a real database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/addresses.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "db/store/network_interfaces.h"
#include "db/store/reservations.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "db/store/tags.h"
#include "db/store/vpcs.h"
#include "db/store/zones.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/attachments.h"
#include "scheduler/network/instance_network.h"
#include "scheduler/network/make.h"
#include "scheduler/network/names.h"
#include "scheduler/reconcile/agents.h"
#include "scheduler/reconcile/desired.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string region = "us-east-1";
const Zone zone{"us-east-1a", region, "use1-az1"};

class GuestNetwork : public ::testing::Test {
  protected:
    void SetUp() override {
        database = std::move(*db::open_sqlite(folder.path() / "test.db"));
        ASSERT_TRUE(db::migrate(*database));
        agents = std::make_unique<Agents>(*database, claims, hub, clock, timing);
        host.id = HostId::make(random);
        host.zone = zone.name;
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "test", 0});
            db::zones::put(session, zone);
            db::hosts::insert(session, host);
            network::make_default_networks(session, account, {zone}, 1, random);
            vpc = *db::vpcs::find_default(session, account, region);
            subnet = *db::subnets::find_default(session, account, zone.name);
        });
        launch();
    }

    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }
    template <class F>
    auto read(F look) {
        using T = std::invoke_result_t<F, db::Session&>;
        return *database->read([&](db::Session& session) -> Result<T> { return look(session); });
    }

    void launch() {
        instance.id = InstanceId::make(random);
        instance.account_id = account;
        instance.region = region;
        instance.zone = zone.name;
        instance.reservation_id = ReservationId::make(random);
        instance.key_name = "mine";
        instance.public_key = "ssh-ed25519 AAAA mine";
        instance.root_device_name = "/dev/vda";
        guest.id = instance.guest_id = GuestId::make(random);
        guest.instance_id = instance.id;
        guest.host_id = instance.host_id = host.id;
        write([&](db::Session& session) {
            db::reservations::insert(session, {instance.reservation_id, account, region, 0});
            db::instances::insert(session, instance);
            db::guests::insert(session, guest);
            primary = add_interface(session, 0, true);
        });
    }

    NetworkInterfaceId add_interface(db::Session& session, std::int64_t index, bool delete_on_termination,
                                     bool live = false) {
        auto made = *network::make_interface(session, {account, region, 5, random}, subnet, {});
        auto group = *db::security_groups::find_by_name(session, vpc.id, "default");
        db::network_interfaces::set_groups(session, made.id, {group.id});
        network::begin_attach(session, made, instance, index, delete_on_termination, live, 5, random);
        return made.id;
    }

    std::vector<link::GuestInterface> wanted() { return told().interfaces; }
    link::DesiredGuest told() {
        auto all = read([&](db::Session& session) {
            link::PollReply reply;
            desire(session, host.id, volumes::KeyRing(), volumes::FlattenFrom(), reply);
            return reply.guests;
        });
        EXPECT_THAT(all, SizeIs(1));
        return all.front();
    }

    void report(Observed observed, std::vector<NetworkInterfaceId> plugged = {}) {
        link::ReportRequest request;
        auto generation = read([&](db::Session& session) {
            return db::instances::find_any(session, instance.id)->instance.generation;
        });
        request.guests.push_back({guest.id, generation, observed, 0, 0, "", "", std::move(plugged)});
        ASSERT_TRUE(agents->report(host.id, request));
    }

    NetworkInterface interface(const NetworkInterfaceId& id) {
        return read(
            [&](db::Session& session) { return *db::network_interfaces::find_any(session, id.str()); });
    }
    bool is_there(const NetworkInterfaceId& id) {
        return read([&](db::Session& session) {
            return db::network_interfaces::find_any(session, id.str()).has_value();
        });
    }
    std::int64_t revision() {
        return read(
            [&](db::Session& session) { return db::vpcs::find_any(session, vpc.id.str())->revision; });
    }
    // As the API's actions do.
    void want(Desired desired) {
        write([&](db::Session& session) {
            auto row = *db::instances::find_any(session, instance.id);
            if (desired == Desired::stopped) want_stop(row.instance, false, 9);
            if (desired == Desired::terminated) want_termination(row.instance, false, 9);
            db::instances::update(session, row.instance);
        });
    }

    const AccountId account = "000000000001";
    TemporaryFolder folder;
    ManualClock clock{1'000'000'000};
    SeededRandom random{1};
    Host host;
    Vpc vpc;
    Subnet subnet;
    Instance instance;
    Guest guest;
    NetworkInterfaceId primary;
    std::unique_ptr<db::Database> database;
    Timing timing;
    Claims claims{Overcommit{}};
    HostHub hub{clock, random, [](const std::function<void()>& task) { return task(), true; }, 12'000, 2048};
    std::unique_ptr<Agents> agents;
};

TEST_F(GuestNetwork, TheAgentIsToldOfTheInterface) {
    auto all = wanted();
    ASSERT_THAT(all, SizeIs(1));
    const auto& told = all.front();
    auto row = interface(primary);
    auto address = read([&](db::Session& session) {
        return db::network_interfaces::addresses_of(session, primary).front().address;
    });
    EXPECT_EQ(told.network_interface_id, primary);
    EXPECT_EQ(told.port_uuid, row.port_uuid);
    EXPECT_EQ(told.mac, row.mac);
    EXPECT_EQ(told.account_id, account);
    EXPECT_EQ(told.vpc_id, vpc.id);
    EXPECT_EQ(told.subnet_id, subnet.id);
    EXPECT_EQ(told.subnet_cidr, subnet.cidr);
    EXPECT_THAT(told.vpc_cidrs, ElementsAre("172.31.0.0/16"));
    EXPECT_THAT(told.private_ips, ElementsAre(address));
    EXPECT_THAT(told.ipv6_addresses, IsEmpty());
    EXPECT_THAT(told.public_ips, IsEmpty());
    EXPECT_THAT(told.security_groups, ElementsAre("default"));
    EXPECT_THAT(told.security_group_ids, SizeIs(1));
    EXPECT_EQ(told.private_dns_name, network::ip_name(region, address));
    EXPECT_EQ(told.public_dns_name, "");
}

TEST_F(GuestNetwork, TheAgentIsToldOfTheMetadata) {
    auto metadata = told().metadata;
    EXPECT_TRUE(metadata.http_endpoint);
    EXPECT_FALSE(metadata.http_tokens_required);
    EXPECT_EQ(metadata.hop_limit, 1);
    EXPECT_EQ(metadata.zone_id, "use1-az1");
    EXPECT_EQ(metadata.public_key, "ssh-ed25519 AAAA mine");
    EXPECT_EQ(metadata.reservation_id, instance.reservation_id.str());
    EXPECT_EQ(metadata.hostname, wanted().front().private_dns_name);
    EXPECT_TRUE(metadata.hostname.starts_with("ip-172-31-"));
    write([&](db::Session& session) {
        db::tags::put(session, account, region, {instance.id.str(), "instance", "Name", "web"});
        instance.metadata = {"required", false, 7, false, false};
        instance.hostname_type = "resource-name";
        db::instances::update_attributes(session, instance);
    });
    metadata = told().metadata;
    EXPECT_TRUE(metadata.http_tokens_required);
    EXPECT_FALSE(metadata.http_endpoint);
    EXPECT_EQ(metadata.hop_limit, 7);
    EXPECT_EQ(metadata.hostname, instance.id.str() + ".ec2.internal");
    EXPECT_THAT(metadata.tags, IsEmpty()) << "not allowed";
    write([&](db::Session& session) {
        instance.metadata.instance_tags = true;
        db::instances::update_attributes(session, instance);
    });
    EXPECT_THAT(told().metadata.tags, ElementsAre(std::pair<const std::string, std::string>("Name", "web")));
}

TEST_F(GuestNetwork, PublicAddressesOfBothKinds) {
    write([&](db::Session& session) {
        auto row = *db::network_interfaces::find_any(session, primary.str());
        row.auto_public_ip = true;
        auto own = db::network_interfaces::addresses_of(session, primary).front().address;
        EXPECT_TRUE(network::take_launch_address(session, {*Cidr::parse("198.19.64.0/30")}, row, random));
        EXPECT_EQ(row.public_ip, "198.19.64.2");
        EXPECT_TRUE(network::take_launch_address(session, {}, row, random)) << "it has one";
    });
    auto told = wanted().front();
    EXPECT_THAT(told.public_ips, ElementsAre(link::PublicMapping{told.private_ips.front(), "198.19.64.2"}));
    write([&](db::Session& session) {
        Address address{AllocationId::make(random), account, region, "198.19.64.9", "", "", "", 0};
        db::addresses::insert(session, address);
        auto row = *db::network_interfaces::find_any(session, primary.str());
        network::map_address(session, address, row, told.private_ips.front(), random);
        EXPECT_TRUE(network::take_launch_address(session, {}, row, random)) << "an elastic one leads there";
    });
    EXPECT_THAT(wanted().front().public_ips,
                ElementsAre(link::PublicMapping{told.private_ips.front(), "198.19.64.9"}));
}

TEST_F(GuestNetwork, ADetachingInterfaceIsNotWantedAndGoesOnceItIsUnplugged) {
    report(Observed::running, {primary});
    NetworkInterfaceId second;
    write([&](db::Session& session) { second = add_interface(session, 1, false, true); });
    EXPECT_THAT(wanted(), SizeIs(2));
    EXPECT_EQ(interface(second).attachment_state, AttachmentState::attaching);
    report(Observed::running, {primary});
    EXPECT_EQ(interface(second).attachment_state, AttachmentState::attaching);
    report(Observed::running, {primary, second});
    EXPECT_EQ(interface(second).attachment_state, AttachmentState::attached);
    write([&](db::Session& session) {
        auto row = *db::network_interfaces::find_any(session, second.str());
        network::begin_detach(session, row, true);
    });
    EXPECT_THAT(wanted(), SizeIs(1));
    report(Observed::running, {primary, second});
    EXPECT_EQ(interface(second).attachment_state, AttachmentState::detaching);
    report(Observed::running, {primary});
    EXPECT_EQ(interface(second).attachment_state, AttachmentState::none);
    EXPECT_EQ(interface(primary).attachment_state, AttachmentState::attached);
}

TEST_F(GuestNetwork, AnEarlierWordSaysNothingOfInterfaces) {
    report(Observed::running, {primary});
    NetworkInterfaceId second;
    write([&](db::Session& session) { second = add_interface(session, 1, false, true); });
    link::ReportRequest old;
    old.guests.push_back({guest.id, 0, Observed::running, 0, 0, "", "", {primary, second}});
    ASSERT_TRUE(agents->report(host.id, old));
    EXPECT_EQ(interface(second).attachment_state, AttachmentState::attaching);
    old.guests = {{GuestId::make(random), 9, Observed::running, 0, 0, "", "", {primary, second}}};
    ASSERT_TRUE(agents->report(host.id, old));
    EXPECT_EQ(interface(second).attachment_state, AttachmentState::attaching);
}

TEST_F(GuestNetwork, WhenTheGuestStopsThePublicAddressIsFree) {
    write([&](db::Session& session) {
        auto row = *db::network_interfaces::find_any(session, primary.str());
        row.auto_public_ip = true;
        network::take_launch_address(session, {*Cidr::parse("198.19.64.0/30")}, row, random);
    });
    report(Observed::running, {primary});
    want(Desired::stopped);
    report(Observed::stopped);
    EXPECT_EQ(interface(primary).public_ip, "198.19.64.2") << "it may still be going down";
    auto before = revision();
    report(Observed::gone);
    EXPECT_EQ(interface(primary).public_ip, "");
    EXPECT_TRUE(interface(primary).auto_public_ip) << "for the next start";
    EXPECT_EQ(interface(primary).attachment_state, AttachmentState::attached);
    EXPECT_GT(revision(), before);
    EXPECT_FALSE(read([&](db::Session& session) { return db::addresses::taken_by(session, primary.str()); }));
}

TEST_F(GuestNetwork, WhenTheGuestOfATerminatedInstanceIsGoneItsInterfacesAre) {
    NetworkInterfaceId kept;
    write([&](db::Session& session) { kept = add_interface(session, 1, false); });
    report(Observed::running, {primary, kept});
    want(Desired::terminated);
    EXPECT_THAT(wanted(), SizeIs(2)) << "until then the guest keeps them";
    auto before = revision();
    report(Observed::gone);
    EXPECT_FALSE(is_there(primary));
    EXPECT_EQ(interface(kept).attachment_state, AttachmentState::none);
    EXPECT_EQ(interface(kept).instance_id, "");
    EXPECT_GT(revision(), before);
    before = revision();
    report(Observed::removed);
    EXPECT_EQ(revision(), before) << "nothing more to do";
}

TEST_F(GuestNetwork, AGuestThatCouldNotStartTakesItsInterfacesAlong) {
    report(Observed::failed);
    EXPECT_FALSE(is_there(primary));
}

TEST_F(GuestNetwork, AGuestThatMayRunKeepsEverything) {
    write([&](db::Session& session) {
        want_termination(instance, false, 9);
        network::settle_ended_guest(session, instance, guest);
    });
    EXPECT_TRUE(is_there(primary));
}

TEST(HostNames, ByAddressOrById) {
    Instance instance;
    instance.id = *InstanceId::parse("i-0123456789abcdef0");
    instance.region = "eu-west-1";
    EXPECT_EQ(network::host_name(instance, "10.0.0.5"), "ip-10-0-0-5.eu-west-1.compute.internal");
    instance.hostname_type = "resource-name";
    EXPECT_EQ(network::host_name(instance, "10.0.0.5"), "i-0123456789abcdef0.eu-west-1.compute.internal");
    EXPECT_EQ(network::ip_name("us-east-1", "10.0.0.5"), "ip-10-0-0-5.ec2.internal");
}

}  // namespace
}  // namespace lodge::scheduler

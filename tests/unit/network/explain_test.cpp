// From the store's rows to what the operator is told of a packet's way.
#include "scheduler/network/explain.h"

#include <gmock/gmock.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/addresses.h"
#include "db/store/egress_only_internet_gateways.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "db/store/internet_gateways.h"
#include "db/store/nat_gateways.h"
#include "db/store/network_acls.h"
#include "db/store/network_interfaces.h"
#include "db/store/prefix_lists.h"
#include "db/store/reservations.h"
#include "db/store/route_tables.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"
#include "proto/base/network_names.h"
#include "scheduler/network/explain_load.h"
#include "scheduler/network/make.h"
#include "scheduler/network/nat_gateways.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::network {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

const AccountId account = "123456789012";
const std::string router_ip = "198.19.64.8";
const Pools pools{Cidr::parse("198.19.64.0/22"), Cidr::parse("fd00::/40")};

// An account with a VPC of its own, 10.0.0.0/16: subnet a is public (a route to the internet gateway), b has
// a route table of its own without routes.
class ExplainTest : public ::testing::Test {
  protected:
    ExplainTest() {
        EXPECT_TRUE(db::migrate(*database));
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "one", 0});
            host.id = HostId::make(random);
            db::hosts::insert(session, host);
            vpc = make_vpc(session, owner, *Cidr::parse("10.0.0.0/16"), false);
            a = make_subnet(session, owner, vpc.id, "us-east-1a", *Cidr::parse("10.0.1.0/24"), false);
            b = make_subnet(session, owner, vpc.id, "us-east-1a", *Cidr::parse("10.0.2.0/24"), false);
            group = *db::security_groups::find_by_name(session, vpc.id, "default");
            gateway = {InternetGatewayId::make(random), account, "us-east-1", vpc.id.str(), 0};
            db::internet_gateways::insert(session, gateway);
            db::addresses::take(session, router_ip, gateway.id.str());
            main_table = db::route_tables::association_of(session, vpc.id, "")->route_table_id;
            b_table = RouteTableId::make(random);
            db::route_tables::insert(session, {b_table, account, "us-east-1", vpc.id, 0});
            db::route_tables::insert_association(
                session, {RouteTableAssociationId::make(random), b_table, vpc.id, b.id.str()});
        });
        route(main_table, "0.0.0.0/0", RouteTarget::internet_gateway, gateway.id.str());
    }

    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }

    void route(const RouteTableId& table, const std::string& destination, RouteTarget target,
               const std::string& id) {
        write([&](db::Session& session) {
            db::route_tables::insert_route(session, {table, destination, target, id, ""});
        });
    }

    // An instance with one interface in the default group; returns the interface's ID.
    std::string launch(const Subnet& subnet, const std::string& address,
                       Observed observed = Observed::running) {
        InterfaceWish wish;
        wish.address = IpAddress::parse(address);
        std::string id;
        write([&](db::Session& session) {
            auto made = make_interface(session, owner, subnet, wish);
            Instance instance;
            Guest guest;
            instance.id = guest.instance_id = InstanceId::make(random);
            instance.guest_id = guest.id = GuestId::make(random);
            instance.host_id = guest.host_id = host.id;
            instance.account_id = account;
            instance.reservation_id = ReservationId::make(random);
            if (observed == Observed::gone) instance.desired = Desired::stopped;
            guest.observed = observed;
            db::reservations::insert(session, {instance.reservation_id, account, "us-east-1", 0});
            db::instances::insert(session, instance);
            db::guests::insert(session, guest);
            made->instance_id = instance.id.str();
            made->attachment_id = "eni-attach-" + random.hex(17);
            made->attachment_state = AttachmentState::attached;
            db::network_interfaces::update(session, *made);
            const auto& groups = subnet.vpc_id == vpc.id ? std::vector{group.id} : std::vector{peer_group.id};
            db::network_interfaces::set_groups(session, made->id, groups);
            id = made->id.str();
        });
        return id;
    }

    SecurityGroupRuleId allow(const SecurityGroup& in, const std::string& protocol, std::int64_t from,
                              std::int64_t to, const std::string& other) {
        SecurityGroupRule rule;
        rule.id = SecurityGroupRuleId::make(random);
        rule.account_id = account;
        rule.region = "us-east-1";
        rule.group_id = in.id;
        rule.protocol = protocol;
        rule.from_port = from;
        rule.to_port = to;
        (other.starts_with("sg-")   ? rule.referenced_group_id
         : other.starts_with("pl-") ? rule.prefix_list_id
                                    : rule.cidr) = other;
        write([&](db::Session& session) { db::security_groups::insert_rule(session, rule); });
        return rule.id;
    }

    void entry(const Subnet& subnet, bool is_egress, std::int64_t number, bool allow, const std::string& cidr,
               std::int64_t from, std::int64_t to, const std::string& protocol = "6") {
        write([&](db::Session& session) {
            NetworkAclEntry made;
            made.network_acl_id = db::network_acls::association_of(session, subnet.id)->network_acl_id;
            made.is_egress = is_egress;
            made.rule_number = number;
            made.protocol = protocol;
            made.allow = allow;
            made.cidr = cidr;
            made.from_port = from;
            made.to_port = to;
            db::network_acls::insert_entry(session, made);
        });
    }

    // A list of the subnet's own, without entries.
    void give_acl(const Subnet& subnet) {
        write([&](db::Session& session) {
            NetworkAcl acl{NetworkAclId::make(random), account, "us-east-1", subnet.vpc_id, false, 0};
            db::network_acls::insert(session, acl);
            db::network_acls::erase_association_of(session, subnet.id);
            db::network_acls::insert_association(session,
                                                 {NetworkAclAssociationId::make(random), acl.id, subnet.id});
        });
    }

    void give_address(const std::string& interface_id, const std::string& public_ip) {
        write([&](db::Session& session) {
            auto interface = *db::network_interfaces::find_any(session, interface_id);
            interface.public_ip = public_ip;
            db::network_interfaces::update(session, interface);
            db::addresses::take(session, public_ip, interface_id);
        });
    }

    void nat_gateway(const Subnet& subnet, const std::string& public_ip) {
        write([&](db::Session& session) {
            Address address{AllocationId::make(random), account, "us-east-1", public_ip, "", "", "", 0};
            db::addresses::insert(session, address);
            db::addresses::take(session, public_ip, address.id.str());
            nat = make_nat_gateway(session, owner, subnet, {address, std::nullopt});
            ASSERT_EQ(nat.state, NatGatewayState::pending);
        });
    }

    // To the VPC and both subnets, and an address to each of the two interfaces.
    void give_ipv6(const std::string& in_a, const std::string& in_b) {
        write([&](db::Session& session) {
            db::vpcs::insert_cidr(session,
                                  {VpcCidrId::make(random), vpc.id, "fd00:0:0:100::/56", true, false, 0});
            db::subnets::insert_ipv6_cidr(session, {SubnetCidrId::make(random), a.id, "fd00:0:0:101::/64"});
            db::subnets::insert_ipv6_cidr(session, {SubnetCidrId::make(random), b.id, "fd00:0:0:102::/64"});
            db::network_interfaces::insert_address(
                session, {a.id, "fd00:0:0:101::5", NetworkInterfaceId::trusted(in_a), true, 0});
            db::network_interfaces::insert_address(
                session, {b.id, "fd00:0:0:102::5", NetworkInterfaceId::trusted(in_b), true, 0});
        });
    }

    void let_out(const std::string& cidr) {
        write([&](db::Session& session) {
            SecurityGroupRule rule;
            rule.id = SecurityGroupRuleId::make(random);
            rule.account_id = account;
            rule.region = "us-east-1";
            rule.group_id = group.id;
            rule.is_egress = true;
            rule.protocol = "-1";
            rule.cidr = cidr;
            db::security_groups::insert_rule(session, rule);
        });
    }

    void open_acl_to_ipv6() {
        for (bool is_egress : {false, true}) entry(a, is_egress, 101, true, "::/0", -1, -1, "-1");
    }

    // A second VPC with one subnet, and a peering that either main table leads to.
    void peer(const std::string& cidr) {
        write([&](db::Session& session) {
            other_vpc = make_vpc(session, owner, *Cidr::parse(cidr), false);
            c = make_subnet(session, owner, other_vpc.id, "us-east-1a",
                            *Cidr::around(Cidr::parse(cidr)->network(), 24), false);
            peer_group = *db::security_groups::find_by_name(session, other_vpc.id, "default");
            other_table = db::route_tables::association_of(session, other_vpc.id, "")->route_table_id;
            peering.id = VpcPeeringId::make(random);
            peering.requester = {account, "us-east-1", vpc.id, vpc.cidr, false};
            peering.accepter = {account, "us-east-1", other_vpc.id, cidr, false};
            peering.status = PeeringStatus::active;
            db::vpc_peerings::insert(session, peering);
        });
    }

    Result<Asked> look(const std::string& source, const std::string& destination) {
        return database->read(
            [&](db::Session& session) { return look_up(session, pools, source, destination); });
    }

    Explanation ask(const std::string& source, const std::string& destination, std::int64_t port = -1,
                    std::string protocol = "") {
        if (protocol.empty()) protocol = port < 0 ? "icmp" : "tcp";
        auto asked = look(source, destination);
        EXPECT_TRUE(asked) << asked.error().message;
        if (!asked) return {};
        last = explain(asked->world, asked->source, asked->destination, {protocol, port});
        return last;
    }

    static std::string text_of(const Explanation& explanation) {
        std::string out;
        for (const auto& step : explanation.steps)
            out += std::string(step.of_reply ? "reply " : "") + std::string(word(step.outcome)) + ": " +
                   step.text + (step.advice.empty() ? "" : " | " + step.advice) + "\n";
        return out;
    }

    // It ends in a stop that says so.
    void expect_stop(const Explanation& explanation, const std::string& text, bool of_reply = false) {
        EXPECT_FALSE(explanation.passes) << text_of(explanation);
        ASSERT_FALSE(explanation.steps.empty());
        const auto& end = explanation.steps.back();
        EXPECT_EQ(end.outcome, Outcome::stop);
        EXPECT_THAT(end.text, HasSubstr(text)) << text_of(explanation);
        EXPECT_FALSE(end.advice.empty()) << end.text;
        EXPECT_EQ(end.of_reply, of_reply) << text_of(explanation);
    }

    void expect_pass(const Explanation& explanation, const std::vector<std::string>& texts) {
        EXPECT_TRUE(explanation.passes) << text_of(explanation);
        for (const auto& text : texts) EXPECT_THAT(text_of(explanation), HasSubstr(text));
    }

    TemporaryFolder folder;
    SeededRandom random{7};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    Owner owner{account, "us-east-1", 0, random};
    Host host;
    Vpc vpc;
    Vpc other_vpc;
    Subnet a;
    Subnet b;
    Subnet c;
    SecurityGroup group;
    SecurityGroup peer_group;
    InternetGateway gateway;
    NatGateway nat;
    VpcPeering peering;
    RouteTableId main_table;
    RouteTableId b_table;
    RouteTableId other_table;
    Explanation last;
};

TEST_F(ExplainTest, WithinASubnetNeitherRouteNorAclCounts) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(a, "10.0.1.6");
    give_acl(a);  // which denies everything
    auto said = ask(one, two, 22);
    expect_pass(said,
                {"egress rule sgr-", "allows all traffic to 0.0.0.0/0", "both are in " + a.id.str(),
                 "allows all traffic from " + group.id.str(), "reply note: security groups are stateful"});
    EXPECT_EQ(text_of(said).find("route table"), std::string::npos);
    EXPECT_EQ(text_of(said).find("acl-"), std::string::npos);
}

TEST_F(ExplainTest, BetweenSubnetsTheLocalRouteAndBothListsCount) {
    auto one = launch(a, "10.0.1.5");
    launch(b, "10.0.2.5");
    auto said = ask(one, vpc.id.str() + "/10.0.2.5", 22);
    expect_pass(said, {a.id.str() + " (10.0.1.0/24) route table " + main_table.str() +
                           ": 10.0.0.0/16 → local, into " + b.id.str(),
                       "of " + a.id.str() + " egress rule 100 allows all traffic to 0.0.0.0/0",
                       "of " + b.id.str() + " ingress rule 100 allows all traffic from 0.0.0.0/0",
                       "reply pass: " + b.id.str() + " (10.0.2.0/24) route table " + b_table.str()});
}

TEST_F(ExplainTest, GroupsDropWhatNoRuleAllows) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(b, "10.0.2.5");
    write([&](db::Session& session) { db::security_groups::erase_rules(session, group.id); });
    auto out = allow(group, "-1", -1, -1, "");
    expect_stop(ask(one, two, 22),
                group.id.str() + " has no egress rule for tcp/22 to 10.0.2.5: dropped by default");
    EXPECT_THAT(last.steps.back().advice,
                HasSubstr("Add an egress rule for tcp/22 to 10.0.2.5/32 to " + group.id.str()));
    write([&](db::Session& session) { db::security_groups::erase_rule(session, out); });
    let_out("0.0.0.0/0");
    expect_stop(ask(one, two, 22), group.id.str() + " has no ingress rule for tcp/22 from 10.0.1.5");
    auto rule = allow(group, "tcp", 20, 25, "10.0.1.0/24");
    expect_pass(ask(one, two, 22),
                {group.id.str() + " ingress rule " + rule.str() + " allows tcp/20-25 from 10.0.1.0/24"});
    expect_stop(ask(one, two, 26), "no ingress rule for tcp/26");
    expect_stop(ask(one, two, 22, "udp"), "no ingress rule for udp/22");
    expect_stop(ask(one, two), "no ingress rule for icmp from");
    allow(group, "icmp", 8, -1, "0.0.0.0/0");
    expect_pass(ask(one, two), {"allows icmp type 8 from 0.0.0.0/0"});
    allow(group, "47", -1, -1, "0.0.0.0/0");
    expect_pass(ask(one, two, -1, "47"), {"allows protocol 47"});
    expect_stop(ask(one, two, -1, "50"), "no ingress rule for protocol 50");
}

TEST_F(ExplainTest, PrefixListsCount) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(b, "10.0.2.5");
    write([&](db::Session& session) {
        PrefixList list{PrefixListId::make(random), account, "us-east-1", "mine", "IPv4", 5, 1,
                        "create-complete",          0};
        db::prefix_lists::insert(session, list);
        db::prefix_lists::insert_entry(session, {list.id, 1, "10.0.1.5/32", ""});
        db::security_groups::erase_rules(session, group.id);
        SecurityGroupRule rule;
        rule.id = SecurityGroupRuleId::make(random);
        rule.account_id = account;
        rule.region = "us-east-1";
        rule.group_id = group.id;
        rule.protocol = "tcp";
        rule.from_port = rule.to_port = 22;
        rule.prefix_list_id = list.id.str();
        db::security_groups::insert_rule(session, rule);
        rule.id = SecurityGroupRuleId::make(random);
        rule.prefix_list_id = "";
        rule.cidr = "10.0.0.0/16";
        rule.is_egress = true;
        db::security_groups::insert_rule(session, rule);
    });
    expect_pass(ask(one, two, 22), {"allows tcp/22 from pl-"});
    expect_stop(ask(two, one, 22), "no ingress rule for tcp/22 from 10.0.2.5");
}

TEST_F(ExplainTest, AnInterfaceWithoutGroupsTakesNothing) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(a, "10.0.1.6");
    write([&](db::Session& session) {
        db::network_interfaces::set_groups(session, NetworkInterfaceId::trusted(two), {});
    });
    expect_stop(ask(one, two, 22), two + " has no security group: ingress traffic is dropped by default");
}

TEST_F(ExplainTest, TheLowestNumberOfAListDecides) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(b, "10.0.2.5");
    give_acl(b);
    expect_stop(ask(one, two, 22), "ingress has no rule for tcp/22 from 10.0.1.5: denied by rule *");
    entry(b, false, 200, true, "10.0.0.0/16", 0, 65535);
    entry(b, true, 100, true, "0.0.0.0/0", 1024, 65535);
    expect_pass(ask(one, two, 22),
                {"ingress rule 200 allows tcp/0-65535 from 10.0.0.0/16", "reply pass: acl-",
                 "egress rule 100 allows tcp/1024-65535 to 0.0.0.0/0"});
    entry(b, false, 90, false, "10.0.1.5/32", 22, 22);
    expect_stop(ask(one, two, 22), "ingress rule 90 denies tcp/22 from 10.0.1.5/32");
    EXPECT_THAT(last.steps.back().advice, HasSubstr("with a number below 90"));
    expect_pass(ask(one, two, 23), {"rule 200 allows"});
    expect_stop(ask(one, two), "ingress has no rule for icmp from 10.0.1.5");
}

TEST_F(ExplainTest, ListsAreAskedAboutTheReplyAsWell) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(b, "10.0.2.5");
    give_acl(b);
    entry(b, false, 100, true, "0.0.0.0/0", -1, -1, "-1");
    expect_stop(ask(one, two, 22), "egress has no rule for tcp/1024-65535 to 10.0.1.5: denied by rule *",
                true);
    EXPECT_THAT(last.steps.back().advice, HasSubstr("allows tcp/1024-65535 to 10.0.1.5"));
    entry(b, true, 100, true, "0.0.0.0/0", 32768, 60999);
    expect_pass(ask(one, two, 22), {"reply note: acl-", "drops tcp to ports 1024-32767, 61000-65535"});
    entry(b, true, 90, false, "0.0.0.0/0", 40000, 40000);
    expect_pass(ask(one, two, 22), {"drops tcp to ports 1024-32767, 40000, 61000-65535"});
}

TEST_F(ExplainTest, UnusedAddressesOfTheVpcAreDiscarded) {
    auto one = launch(a, "10.0.1.5");
    give_address(one, "198.19.64.9");
    expect_stop(ask(one, "10.0.3.5", 22), "10.0.0.0/16 → local, and no subnet has 10.0.3.5: discarded");
    expect_stop(ask(one, "10.0.2.77", 22), "no interface in " + b.id.str() + " (10.0.2.0/24) has 10.0.2.77");
    expect_stop(ask(one, "10.0.1.77", 22), "no interface in " + a.id.str());
    EXPECT_FALSE(last.microflow) << "nobody answers for the address";
    expect_stop(ask(vpc.id.str() + "/10.0.1.77", one, 22), "has 10.0.1.77");
}

TEST_F(ExplainTest, WithoutARouteNothingGoesOut) {
    auto two = launch(b, "10.0.2.5");
    expect_stop(ask(two, "internet", 443), "route table " + b_table.str() + ": no route to 203.0.113.1");
    expect_stop(ask(two, "198.19.64.200", 443),
                "route table " + b_table.str() + ": no route to 198.19.64.200");
}

TEST_F(ExplainTest, OnlyPublicAddressesPassTheInternetGateway) {
    auto one = launch(a, "10.0.1.5");
    expect_stop(ask(one, "8.8.8.8", 53, "udp"),
                gateway.id.str() + " drops what comes from 10.0.1.5, which has no public address");
    give_address(one, "198.19.64.9");
    expect_pass(ask(one, "8.8.8.8", 53, "udp"),
                {"0.0.0.0/0 → " + gateway.id.str(),
                 gateway.id.str() + " translates 10.0.1.5 to 198.19.64.9 of " + one,
                 "reply pass: " + gateway.id.str() + " translates 198.19.64.9 to 10.0.1.5"});
}

TEST_F(ExplainTest, TheOutsideReachesPublicAddressesThatGroupsLetIn) {
    auto one = launch(a, "10.0.1.5");
    expect_stop(ask("internet", one, 22), one + " has no public address: nothing outside can name it");
    give_address(one, "198.19.64.9");
    expect_stop(ask("internet", one, 22), "no ingress rule for tcp/22 from 203.0.113.1");
    allow(group, "tcp", 22, 22, "0.0.0.0/0");
    for (const auto& name : {one, std::string("198.19.64.9"), vpc.id.str() + "/10.0.1.5"})
        expect_pass(ask("192.0.2.1", name, 22),
                    {gateway.id.str() + " translates 198.19.64.9 to 10.0.1.5 of " + one,
                     "reply pass: " + gateway.id.str() + " translates 10.0.1.5 to 198.19.64.9"});
    expect_stop(ask("internet", "198.19.64.77", 22), "no interface has the public address 198.19.64.77");
    expect_stop(ask("internet", router_ip), "which answers its own subnets alone");
}

TEST_F(ExplainTest, APublicAddressNeedsARouteToTheGateway) {
    auto two = launch(b, "10.0.2.5");
    give_address(two, "198.19.64.9");
    allow(group, "tcp", 22, 22, "0.0.0.0/0");
    expect_stop(ask("internet", two, 22), b.id.str() + " of " + two + " has no route to an internet gateway");
    route(b_table, "192.0.2.0/24", RouteTarget::internet_gateway, gateway.id.str());
    expect_pass(ask("192.0.2.1", two, 22), {"192.0.2.0/24 → " + gateway.id.str()});
    expect_stop(ask("203.0.113.5", two, 22), "route table " + b_table.str() + ": no route to 203.0.113.5",
                true);
}

TEST_F(ExplainTest, ElasticAddressesReachEachOther) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(a, "10.0.1.6");
    give_address(one, "198.19.64.9");
    give_address(two, "198.19.64.10");
    expect_stop(ask(one, "198.19.64.10", 22), "no ingress rule for tcp/22 from 198.19.64.9");
    allow(group, "tcp", 22, 22, "198.19.64.9/32");
    expect_pass(ask(one, "198.19.64.10", 22),
                {"translates 10.0.1.5 to 198.19.64.9", "translates 198.19.64.10 to 10.0.1.6"});
}

TEST_F(ExplainTest, NatGatewaysLetOutAndNothingIn) {
    auto two = launch(b, "10.0.2.5");
    nat_gateway(a, "198.19.64.20");
    route(b_table, "0.0.0.0/0", RouteTarget::nat_gateway, nat.id.str());
    expect_pass(ask(two, "internet", 443),
                {"0.0.0.0/0 → " + nat.id.str(), nat.id.str() + " translates 10.0.2.5 to 198.19.64.20",
                 "reply pass: NAT: 198.19.64.20 back to 10.0.2.5"});
    expect_stop(ask("internet", "198.19.64.20", 443), "is a NAT gateway's");
    expect_stop(ask("internet", two, 443), "has no public address");
    expect_stop(ask(two, nat.private_ip, 443), "is a NAT gateway's, which takes no connections");
    expect_stop(ask(nat.network_interface_id.str(), two, 443), "which begins no connections");
    write([&](db::Session& session) { db::route_tables::erase_routes(session, main_table); });
    expect_stop(ask(two, "internet", 443), nat.id.str() + " lets nothing out: its own " + a.id.str() +
                                               " has no route to an internet gateway");
}

TEST_F(ExplainTest, NatGatewaysListenToTheAclOfTheInstancesSubnet) {
    auto two = launch(b, "10.0.2.5");
    nat_gateway(a, "198.19.64.20");
    route(b_table, "0.0.0.0/0", RouteTarget::nat_gateway, nat.id.str());
    give_acl(b);
    entry(b, true, 100, true, "0.0.0.0/0", 443, 443);
    expect_stop(ask(two, "internet", 443), "ingress has no rule for tcp/1024-65535 from 203.0.113.1", true);
}

TEST_F(ExplainTest, NatGatewaysListenToTheAclOfTheirOwnSubnetTwiceEachWay) {
    auto two = launch(b, "10.0.2.5");
    nat_gateway(a, "198.19.64.20");
    route(b_table, "0.0.0.0/0", RouteTarget::nat_gateway, nat.id.str());
    give_acl(a);
    auto list = [&](const std::string& rest) { return "of " + a.id.str() + " " + rest; };
    expect_stop(ask(two, "internet", 443), list("ingress has no rule for tcp/443 from 10.0.2.5"));
    entry(a, false, 100, true, "10.0.2.0/24", 443, 443);
    expect_stop(ask(two, "internet", 443), list("egress has no rule for tcp/443 to 203.0.113.1"));
    entry(a, true, 100, true, "0.0.0.0/0", 443, 443);
    expect_stop(ask(two, "internet", 443), list("ingress has no rule for tcp/1024-65535 from 203.0.113.1"),
                true);
    entry(a, false, 110, true, "203.0.113.0/24", 1024, 65535);
    expect_stop(ask(two, "internet", 443), list("egress has no rule for tcp/1024-65535 to 10.0.2.5"), true);
    entry(a, true, 110, true, "10.0.2.0/24", 1024, 65535);
    expect_pass(ask(two, "internet", 443), {list("ingress rule 100 allows tcp/443"), "reply pass: NAT"});
}

TEST_F(ExplainTest, BlackholesSayWhatIsGone) {
    auto one = launch(a, "10.0.1.5");
    route(main_table, "192.0.2.0/24", RouteTarget::nat_gateway, "nat-00000000000000001");
    expect_stop(ask(one, "192.0.2.1", 80),
                "192.0.2.0/24 → nat-00000000000000001, blackhole: there is no such NAT gateway at work");
    route(main_table, "192.0.3.0/24", RouteTarget::peering, "pcx-00000000000000001");
    expect_stop(ask(one, "192.0.3.1", 80), "blackhole: the peering is not active");
    route(main_table, "192.0.4.0/24", RouteTarget::network_interface, "eni-00000000000000001");
    expect_stop(ask(one, "192.0.4.1", 80), "blackhole: it is not attached to an instance");
    write([&](db::Session& session) {
        gateway.vpc_id = "";
        db::internet_gateways::update(session, gateway);
    });
    expect_stop(ask(one, "192.0.9.1", 80),
                "0.0.0.0/0 → " + gateway.id.str() + ", blackhole: it is not attached to " + vpc.id.str());
}

TEST_F(ExplainTest, ARouteForAWholeSubnetReplacesTheLocalOne) {
    auto one = launch(a, "10.0.1.5");
    auto appliance = launch(a, "10.0.1.6");
    launch(b, "10.0.2.5");
    allow(group, "tcp", 22, 22, "0.0.0.0/0");
    expect_pass(ask(one, "10.0.2.5", 22), {"→ local"});
    route(main_table, b.cidr, RouteTarget::network_interface, appliance);
    expect_stop(ask(one, "10.0.2.5", 22),
                appliance + " drops what is not for its own addresses: source/dest check is on");
}

TEST_F(ExplainTest, ForwardersMustHaveTheCheckOff) {
    auto one = launch(a, "10.0.1.5");
    auto forwarder = launch(b, "10.0.2.5");
    route(main_table, "192.0.2.0/24", RouteTarget::network_interface, forwarder);
    expect_stop(ask(one, "192.0.2.1", 80),
                forwarder + " drops what is not for its own addresses: source/dest check is on");
    write([&](db::Session& session) {
        auto interface = *db::network_interfaces::find_any(session, forwarder);
        interface.source_dest_check = false;
        db::network_interfaces::update(session, interface);
    });
    expect_pass(ask(one, "192.0.2.1", 80), {"192.0.2.0/24 → " + forwarder, "takes it to forward it"});
}

TEST_F(ExplainTest, PeersNeedRoutesBothWays) {
    peer("10.1.0.0/16");
    auto one = launch(a, "10.0.1.5");
    auto three = launch(c, "10.1.0.5");
    expect_stop(ask(one, three, 22), gateway.id.str() + " drops what comes from 10.0.1.5");
    route(main_table, "10.1.0.0/16", RouteTarget::peering, peering.id.str());
    expect_stop(ask(one, three, 22), peer_group.id.str() + " has no ingress rule for tcp/22 from 10.0.1.5");
    allow(peer_group, "tcp", 22, 22, group.id.str());
    expect_stop(ask(one, three, 22), "route table " + other_table.str() + ": no route to 10.0.1.5", true);
    route(other_table, "10.0.0.0/16", RouteTarget::peering, peering.id.str());
    expect_pass(ask(one, three, 22),
                {"10.1.0.0/16 → " + peering.id.str(), other_vpc.id.str() + " router: 10.1.0.0/16 → local",
                 "allows tcp/22 from " + group.id.str()});
    expect_stop(ask(one, "10.1.7.7", 22),
                other_vpc.id.str() + " router: 10.1.0.0/16 → local, and no subnet has 10.1.7.7");
    expect_stop(ask(one, "10.1.0.1"), "which answers its own subnets alone");
    give_acl(c);
    expect_stop(ask(one, three, 22), "of " + c.id.str() + " ingress has no rule");
}

TEST_F(ExplainTest, APeersOutsideIsNotReached) {
    peer("10.1.0.0/16");
    auto three = launch(c, "10.1.0.5");
    route(other_table, "0.0.0.0/0", RouteTarget::peering, peering.id.str());
    expect_stop(ask(three, "internet", 443),
                vpc.id.str() + " router sends only what is for its own subnets on");
}

TEST_F(ExplainTest, WithoutAPeeringPrivateAddressesOfAnotherVpcAreNotMeant) {
    peer("10.1.0.0/16");
    auto one = launch(a, "10.0.1.5");
    auto three = launch(c, "10.1.0.5");
    give_address(one, "198.19.64.9");
    expect_stop(ask(one, three, 22), "10.1.0.5 is a private address of " + other_vpc.id.str() +
                                         ", which the outside does not lead to");
    peer("10.0.0.0/16");
    auto twin = launch(c, "10.0.0.5");
    expect_stop(ask(one, twin, 22), "no subnet has 10.0.0.5");
}

TEST_F(ExplainTest, OverlappingVpcsMeanTheirOwn) {
    peer("10.0.1.0/24");
    auto one = launch(a, "10.0.1.5");
    launch(a, "10.0.1.6");
    auto twin = launch(c, "10.0.1.6");
    expect_stop(ask(one, twin, 22), "10.0.1.6 is another's in " + vpc.id.str());
}

TEST_F(ExplainTest, TheCloudsOwnServicesAreAlwaysThere) {
    auto one = launch(a, "10.0.1.5");
    write([&](db::Session& session) { db::security_groups::erase_rules(session, group.id); });
    expect_pass(ask(one, "169.254.169.254", 80), {"instance metadata is open to every instance"});
    expect_pass(ask(one, "169.254.169.253", 53, "udp"), {"the VPC's resolver is open to every instance"});
    expect_pass(ask(one, "10.0.0.2", 53), {"the VPC's resolver is open to every instance"});
    expect_pass(ask(one, "255.255.255.255", 67, "udp"), {"DHCP is open to every instance"});
    expect_pass(ask(one, "10.0.1.1", 67, "udp"), {"DHCP is open"});
    expect_stop(ask(one, "169.254.169.254", 443), "no egress rule for tcp/443");
}

TEST_F(ExplainTest, BroadcastsStayInTheirSubnet) {
    auto one = launch(a, "10.0.1.5");
    for (const auto* address : {"255.255.255.255", "10.0.1.255", "224.0.0.5"})
        expect_pass(ask(one, address, 9, "udp"), {"every interface in " + a.id.str()});
}

TEST_F(ExplainTest, TheRouterAnswersPingsAlone) {
    auto one = launch(a, "10.0.1.5");
    expect_pass(ask(one, "10.0.1.1"),
                {"10.0.1.1 is the router of " + vpc.id.str() + ", which answers pings"});
    expect_pass(ask(one, "10.0.2.1"), {"10.0.2.1 is the router"});
    expect_stop(ask(one, "10.0.2.1", 22), "it takes no connections");
    give_acl(a);
    entry(a, true, 100, true, "0.0.0.0/0", -1, -1, "-1");
    expect_stop(ask(one, "10.0.1.1"), "ingress has no rule for icmp from 10.0.1.1");
    expect_stop(ask(one, "169.254.169.254", 443), "does not serve tcp/443");
}

TEST_F(ExplainTest, BothEndsMustRun) {
    auto one = launch(a, "10.0.1.5");
    auto stopped = launch(a, "10.0.1.6", Observed::gone);
    expect_stop(ask(one, stopped, 22), "(" + stopped + ") is stopped");
    expect_stop(ask(stopped, one, 22), "(" + stopped + ") is stopped");
    write([&](db::Session& session) {
        auto interface = *db::network_interfaces::find_any(session, stopped);
        interface.attachment_id = interface.instance_id = "";
        db::network_interfaces::update(session, interface);
    });
    expect_stop(ask(one, stopped, 22), stopped + " is not attached to an instance");
}

TEST_F(ExplainTest, Ipv6InsideTheVpc) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(b, "10.0.2.5");
    expect_stop(ask(one, "fd00::1", 22), one + " has no IPv6 address");
    give_ipv6(one, two);
    auto to = vpc.id.str() + "/fd00:0:0:102::5";
    expect_stop(ask(one, to, 22), "no egress rule for tcp/22 to fd00:0:0:102::5");
    let_out("::/0");
    expect_stop(ask(one, to), "egress has no rule for icmpv6 to fd00:0:0:102::5");
    open_acl_to_ipv6();
    expect_pass(ask(one, to), {"fd00:0:0:100::/56 → local"});
    EXPECT_THAT(last.microflow->text,
                HasSubstr("ip6.dst == fd00:0:0:102::5 && ip.ttl == 64 && icmp6.type == 128"));
    expect_stop(ask(one, "fd00:0:0:1ff::1", 22), "no subnet has fd00:0:0:1ff::1: discarded");
}

TEST_F(ExplainTest, Ipv6ToTheOutsideAndBack) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(b, "10.0.2.5");
    give_ipv6(one, two);
    let_out("::/0");
    open_acl_to_ipv6();
    expect_stop(ask(one, "2001:db8::1", 22), "no route to 2001:db8::1");
    expect_stop(ask("2001:db8::1", one, 22), "nothing outside finds fd00:0:0:101::5");
    route(main_table, "::/0", RouteTarget::internet_gateway, gateway.id.str());
    expect_pass(ask(one, "2001:db8::1", 22),
                {"::/0 → " + gateway.id.str(), "fd00:0:0:101::5 of " + one + " leaves as it is"});
    expect_stop(ask("2001:db8::1", one, 22), "no ingress rule for tcp/22 from 2001:db8::1");
    allow(group, "tcp", 22, 22, "::/0");
    expect_pass(ask("2001:db8::1", one, 22), {"fd00:0:0:100::/56 → local"});
    EXPECT_EQ(last.microflow->datapath, "lodge-public");
    EXPECT_THAT(last.microflow->text, HasSubstr("eth.dst == " + mac_of(one + "/fd00:0:0:101::5")));
    expect_pass(ask("internet", "fd00:0:0:101::5", 22), {"fd00:0:0:100::/56 → local"});
    expect_stop(ask("2001:db8::1", two, 22), "nothing outside finds fd00:0:0:102::5");
    expect_stop(ask(one, "fd00::fff:0:0:1", 22), "no interface has fd00::fff:0:0:1");
    expect_pass(ask(one, "fd00::1", 22), {"leaves as it is"});
    entry(a, false, 90, false, "2001:db8::/32", 22, 22);
    expect_stop(ask("2001:db8::1", one, 22), "ingress rule 90 denies");
    expect_stop(ask("2001:db8::1", launch(a, "10.0.1.6"), 22), "has no IPv6 address: nothing outside");
}

TEST_F(ExplainTest, AnEgressOnlyGatewayLetsAnswersInAlone) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(b, "10.0.2.5");
    give_ipv6(one, two);
    let_out("::/0");
    open_acl_to_ipv6();
    allow(group, "-1", -1, -1, "::/0");
    EgressOnlyInternetGateway door{EgressOnlyInternetGatewayId::make(random), account, "us-east-1", vpc.id,
                                   0};
    write([&](db::Session& session) { db::egress_only_internet_gateways::insert(session, door); });
    route(b_table, "::/0", RouteTarget::egress_only_gateway, door.id.str());
    expect_pass(ask(two, "2001:db8::1", 443), {"::/0 → " + door.id.str(), "leaves as it is"});
    expect_stop(ask("2001:db8::1", two, 22),
                door.id.str() + " of " + b_table.str() + " lets nothing in from 2001:db8::1 but answers");
    expect_pass(ask(one, vpc.id.str() + "/fd00:0:0:102::5", 22), {"→ local"});
    route(b_table, "2001:db8::/32", RouteTarget::internet_gateway, gateway.id.str());
    expect_pass(ask("2001:db8::1", two, 22), {"→ local"});
    route(b_table, "2001:db8:1::/48", RouteTarget::egress_only_gateway, door.id.str());
    expect_stop(ask("2001:db8:1::1", two, 22), "lets nothing in from 2001:db8:1::1 but answers");
    expect_stop(ask("2001:db9::1", two, 22), "lets nothing in from 2001:db9::1 but answers");
    write([&](db::Session& session) { db::egress_only_internet_gateways::erase(session, door.id); });
    expect_stop(ask(two, "2001:db9::1", 443), "blackhole: it is not attached");
}

TEST_F(ExplainTest, GivesTheFirstPacketForOvn) {
    auto one = launch(a, "10.0.1.5");
    auto two = launch(a, "10.0.1.6");
    auto asked = *look(one, two);
    const auto& interfaces = asked.world.vpcs.at(vpc.id).interfaces;
    auto at = [&](const std::string& id) {
        for (const auto& each : interfaces)
            if (each.interface.id.str() == id) return each.interface;
        return NetworkInterface();
    };
    ask(one, two, 22);
    EXPECT_EQ(last.microflow->datapath, a.id.str());
    EXPECT_EQ(last.microflow->text, "inport == \"" + at(one).port_uuid + "\" && eth.src == " + at(one).mac +
                                        " && eth.dst == " + at(two).mac +
                                        " && ip4.src == 10.0.1.5 && ip4.dst == 10.0.1.6 && ip.ttl == 64 && "
                                        "tcp.src == 40000 && tcp.dst == 22");
    EXPECT_THAT(last.microflow->tracking, Each("new"));
    ask(one, "10.0.2.1");
    EXPECT_EQ(last.microflow->tracking.front(), "new");
    EXPECT_EQ(last.microflow->tracking.back(), "est,rpl");
    ask(one, "255.255.255.255", 67, "udp");
    EXPECT_THAT(last.microflow->text, HasSubstr("eth.dst == ff:ff:ff:ff:ff:ff"));
    EXPECT_THAT(last.microflow->text, HasSubstr("udp.src == 68 && udp.dst == 67"));
    give_address(one, "198.19.64.9");
    ask("internet", one);
    EXPECT_EQ(last.microflow->datapath, "lodge-public");
    EXPECT_THAT(
        last.microflow->text,
        HasSubstr("ip4.src == 203.0.113.1 && ip4.dst == 198.19.64.9 && ip.ttl == 64 && icmp4.type == 8"));
    ask(one, "internet", -1, "47");
    EXPECT_THAT(last.microflow->text, HasSubstr("ip.proto == 47"));
}

TEST_F(ExplainTest, WhatIsNoPlaceIsSaidSo) {
    auto one = launch(a, "10.0.1.5");
    auto error = [&](const std::string& source, const std::string& destination) {
        auto asked = look(source, destination);
        return asked ? "" : std::string(wire_code(asked.error().code)) + ": " + asked.error().message;
    };
    EXPECT_THAT(error("i-00000000000000001", one),
                HasSubstr("NotFound: there is no instance i-00000000000000001"));
    EXPECT_THAT(error(one, "eni-00000000000000001"), HasSubstr("NotFound: there is no network interface"));
    EXPECT_THAT(error(one, "vpc-00000000000000001/10.0.0.5"), HasSubstr("NotFound: there is no VPC"));
    EXPECT_THAT(error(one, vpc.id.str() + "/ten"), HasSubstr("InvalidInput"));
    EXPECT_THAT(error(one, "example.org"), HasSubstr("InvalidInput: 'example.org' is no instance"));
    EXPECT_THAT(error("10.0.1.5", "10.0.1.6"), HasSubstr("neither 10.0.1.5 nor 10.0.1.6"));
    EXPECT_THAT(error(one, vpc.id.str() + "/10.0.1.5"), HasSubstr("are the same interface"));
}

TEST(ExplainProtocols, AreNamesAndNumbers) {
    EXPECT_EQ(read_protocol("TCP"), "tcp");
    EXPECT_EQ(read_protocol("17"), "udp");
    EXPECT_EQ(read_protocol("icmpv6"), "icmp");
    EXPECT_EQ(read_protocol("47"), "47");
    EXPECT_EQ(read_protocol("047"), "47");
    for (auto text : {"", "256", "-1", "tcpx", "4 "}) EXPECT_FALSE(read_protocol(text)) << text;
}

}  // namespace
}  // namespace lodge::network

// From the store through the renderer to a Northbound database in memory.
#include "scheduler/network/reconciler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <thread>
#include <tuple>
#include <utility>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/addresses.h"
#include "db/store/egress_only_internet_gateways.h"
#include "db/store/hosts.h"
#include "db/store/internet_gateways.h"
#include "db/store/network_acls.h"
#include "db/store/network_interfaces.h"
#include "db/store/route_tables.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "db/store/vpcs.h"
#include "scheduler/network/make.h"
#include "scheduler/network/memory_northbound.h"
#include "scheduler/network/nat_gateways.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::network {
namespace {

const AccountId account = "123456789012";

// All rows of the VPC and the cloud, as text.
std::string text_of(const Rows& rows) {
    std::string out;
    for (const auto& row : rows) {
        out += row.table + " " + row.key +
               (row.parent.empty() ? "" : " in " + row.parent + "." + row.parent_column) + "\n";
        for (const auto& [name, value] : row.columns) out += "    " + name + " = " + value.dump() + "\n";
    }
    return out;
}

class ReconcilerTest : public ::testing::Test {
  protected:
    ReconcilerTest() {
        EXPECT_TRUE(db::migrate(*database));
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "one", 0});
            make_default_networks(session, account, {{"us-east-1a", "us-east-1", "use1-az1"}}, 0, random);
            vpc = *db::vpcs::find_default(session, account, "us-east-1");
            subnet = *db::subnets::find_default(session, account, "us-east-1a");
            group = *db::security_groups::find_by_name(session, vpc.id, "default");
        });
    }

    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }

    // An attached interface of the default subnet and group, with these addresses.
    NetworkInterface interface(const std::string& digits, const std::string& address,
                               const std::string& public_ip) {
        NetworkInterface made;
        made.id = NetworkInterfaceId::trusted("eni-" + digits);
        made.account_id = account;
        made.region = "us-east-1";
        made.zone = "us-east-1a";
        made.vpc_id = vpc.id;
        made.subnet_id = subnet.id;
        made.port_uuid = "00000000-0000-4000-8000-0000" + digits.substr(9);
        made.mac = "02:00:00:00:00:01";
        made.public_ip = public_ip;
        made.attachment_id = "eni-attach-" + digits;
        made.attachment_state = AttachmentState::attached;
        made.instance_id = "i-" + digits;
        write([&](db::Session& session) {
            db::network_interfaces::insert(session, made);
            db::network_interfaces::insert_address(session, {subnet.id, address, made.id, false, 0});
            db::network_interfaces::set_groups(session, made.id, {group.id});
        });
        return made;
    }

    void give_router(const std::string& address) {
        write([&](db::Session& session) {
            std::string gateway;
            session.query("SELECT id FROM internet_gateways WHERE vpc_id = ?", {vpc.id.str()},
                          [&](const db::Row& row) { gateway = row.text(0); });
            db::addresses::take(session, address, gateway);
        });
    }

    // With a route table of its own.
    Subnet make_private_subnet(const std::string& cidr) {
        Subnet made;
        write([&](db::Session& session) {
            made = make_subnet(session, {account, "us-east-1", 0, random}, vpc.id, "us-east-1a",
                               *Cidr::parse(cidr), false);
            auto table = RouteTableId::make(random);
            db::route_tables::insert(session, {table, account, "us-east-1", vpc.id, 0});
            db::route_tables::insert_association(
                session, {RouteTableAssociationId::make(random), table, vpc.id, made.id.str()});
        });
        return made;
    }

    // The subnet's block of that number, and its fifth address to the interface; to the VPC its own, once.
    void give_ipv6(db::Session& session, const Subnet& to, int number, const NetworkInterface& of) {
        auto start = "fd6c:6f64:6700:10" + std::to_string(number);
        if (db::vpcs::ipv6_cidrs(session).empty())
            db::vpcs::insert_cidr(
                session, {VpcCidrId::make(random), vpc.id, "fd6c:6f64:6700:100::/56", true, false, 0});
        db::subnets::insert_ipv6_cidr(session, {SubnetCidrId::make(random), to.id, start + "::/64"});
        db::network_interfaces::insert_address(session, {to.id, start + "::5", of.id, true, 0});
    }

    std::size_t count(const std::string& table) {
        std::size_t rows = 0;
        northbound.read([&](const Replica& replica) { rows = replica.rows(table).size(); });
        return rows;
    }
    bool has(const std::string& key) {
        bool found = false;
        northbound.read([&](const Replica& replica) { found = replica.find(key).has_value(); });
        return found;
    }
    std::int64_t transactions() {
        std::int64_t count = 0;
        northbound.read([&](const Replica& replica) {
            count = replica.rows("NB_Global").begin()->second.at("nb_cfg").get<std::int64_t>();
        });
        return count;
    }

    Rows rendered() {
        auto snapshot = database->read([&](db::Session& session) -> Result<std::optional<Snapshot>> {
            return load_snapshot(session, vpc.id);
        });
        EXPECT_TRUE(snapshot && *snapshot);
        return snapshot && *snapshot ? render(**snapshot, cloud) : Rows{};
    }

    // What stands for the VPC and the cloud.
    void expect_golden(const std::string& name) {
        auto text = text_of(render_cloud(cloud)) + text_of(rendered());
        std::filesystem::path golden =
            std::string(LODGE_SOURCE_DIR) + "/tests/golden/network/" + name + ".golden";
        if (std::getenv("LODGE_UPDATE_GOLDENS")) std::ofstream(golden) << text;
        std::ifstream file(golden);
        EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {}))
            << "LODGE_UPDATE_GOLDENS=1 rewrites it";
    }

    TemporaryFolder folder;
    SeededRandom random{7};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    MemoryNorthbound northbound{random};
    Cloud cloud{
        *Cidr::parse("198.19.64.0/22"), {"h-00000000000000001"}, 1442, Cidr::parse("fd6c:6f64:6700::/40")};
    ManualClock clock{1'000'000};
    Reconciler reconciler{*database, northbound, clock, cloud};
    Vpc vpc;
    Subnet subnet;
    SecurityGroup group;
};

TEST_F(ReconcilerTest, RendersAsInTheGolden) {
    interface("00000000000000001", "172.31.0.5", "198.19.64.9");
    give_router("198.19.64.8");
    write([&](db::Session& session) {
        NetworkAclEntry deny;
        deny.network_acl_id = db::network_acls::association_of(session, subnet.id)->network_acl_id;
        deny.rule_number = 90;
        deny.protocol = "6";
        deny.cidr = "192.0.2.0/24";
        deny.from_port = deny.to_port = 22;
        db::network_acls::insert_entry(session, deny);
    });
    expect_golden("default_vpc");
}

TEST_F(ReconcilerTest, RendersIpv6AsInTheGolden) {
    auto inside = make_private_subnet("172.31.16.0/20");
    auto open = interface("00000000000000001", "172.31.0.5", "");
    auto closed = interface("00000000000000002", "172.31.0.6", "");
    write([&](db::Session& session) {
        give_ipv6(session, subnet, 1, open);
        closed.subnet_id = inside.id;
        db::network_interfaces::update(session, closed);
        give_ipv6(session, inside, 2, closed);
        auto gateway = db::internet_gateways::of_vpc(session, vpc.id.str())->id.str();
        auto main = db::route_tables::association_of(session, vpc.id, "")->route_table_id;
        db::route_tables::insert_route(session, {main, "::/0", RouteTarget::internet_gateway, gateway, ""});
        EgressOnlyInternetGateway door{EgressOnlyInternetGatewayId::make(random), account, "us-east-1",
                                       vpc.id, 0};
        db::egress_only_internet_gateways::insert(session, door);
        auto own = db::route_tables::association_of(session, vpc.id, inside.id.str())->route_table_id;
        for (auto [destination, target, id] :
             {std::tuple("::/0", RouteTarget::egress_only_gateway, door.id.str()),
              std::tuple("2001:db8::/32", RouteTarget::internet_gateway, gateway),
              std::tuple("2001:db8:1::/48", RouteTarget::egress_only_gateway, door.id.str())})
            db::route_tables::insert_route(session, {own, destination, target, id, ""});
    });
    expect_golden("ipv6");
}

TEST_F(ReconcilerTest, RendersTheListOfANatGatewaysSubnetAsInTheGolden) {
    give_router("198.19.64.8");
    auto inside = make_private_subnet("172.31.16.0/20");
    write([&](db::Session& session) {
        Address address{AllocationId::make(random), account, "us-east-1", "198.19.64.20", "", "", "", 0};
        db::addresses::insert(session, address);
        db::addresses::take(session, address.public_ip, address.id.str());
        auto nat =
            make_nat_gateway(session, {account, "us-east-1", 0, random}, subnet, {address, std::nullopt});
        auto own = db::route_tables::association_of(session, vpc.id, inside.id.str())->route_table_id;
        db::route_tables::insert_route(session,
                                       {own, "0.0.0.0/0", RouteTarget::nat_gateway, nat.id.str(), ""});
        NetworkAcl acl{NetworkAclId::make(random), account, "us-east-1", vpc.id, false, 0};
        db::network_acls::insert(session, acl);
        db::network_acls::erase_association_of(session, subnet.id);
        db::network_acls::insert_association(session,
                                             {NetworkAclAssociationId::make(random), acl.id, subnet.id});
        for (bool is_egress : {false, true}) {
            NetworkAclEntry entry;
            entry.network_acl_id = acl.id;
            entry.is_egress = is_egress;
            entry.rule_number = 100;
            entry.protocol = "6";
            entry.allow = true;
            entry.cidr = is_egress ? "0.0.0.0/0" : "172.31.16.0/20";
            entry.from_port = entry.to_port = 443;
            db::network_acls::insert_entry(session, entry);
        }
    });
    expect_golden("nat_gateway");
}

TEST_F(ReconcilerTest, ARouterWithoutIpv4OutsideIsThereByItsLinkLocalAddress) {
    interface("00000000000000001", "172.31.0.5", "");
    write([&](db::Session& session) {
        EgressOnlyInternetGateway door{EgressOnlyInternetGatewayId::make(random), account, "us-east-1",
                                       vpc.id, 0};
        db::egress_only_internet_gateways::insert(session, door);
        auto main = db::route_tables::association_of(session, vpc.id, "")->route_table_id;
        db::route_tables::insert_route(session,
                                       {main, "::/0", RouteTarget::egress_only_gateway, door.id.str(), ""});
    });
    auto rows = rendered();
    auto port = std::find_if(rows.begin(), rows.end(),
                             [&](const Row& row) { return row.key == vpc.id.str() + "/public"; });
    ASSERT_NE(port, rows.end());
    auto network = port->columns.at("networks").get<std::string>();
    EXPECT_TRUE(network.starts_with("fe80::") && network.ends_with("/64")) << network;
    EXPECT_NE(network.find(":fe"), std::string::npos) << network;
    cloud.ipv6_pool.reset();
    for (const auto& row : rendered()) {
        EXPECT_NE(row.key, vpc.id.str() + "/public") << "there is no IPv6 outside";
        if (row.key.ends_with("/::/0")) {
            EXPECT_EQ(row.columns.at("nexthop"), "discard");
        }
    }
}

TEST_F(ReconcilerTest, TheSecondRoundHasNothingToDo) {
    interface("00000000000000001", "172.31.0.5", "");
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_TRUE(has(vpc.id.str()));
    EXPECT_TRUE(has("eni-00000000000000001"));
    auto after_first = transactions();
    EXPECT_EQ(after_first, 2) << "one for the cloud, one for the VPC";
    reconciler.changed_all();
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_EQ(transactions(), after_first);
}

TEST_F(ReconcilerTest, AChangeIsOneTransactionAndReportedAsApplied) {
    ASSERT_TRUE(reconciler.run_once());
    auto before = transactions();
    std::int64_t revision = 0;
    auto acls = count("ACL");
    write([&](db::Session& session) {
        SecurityGroupRule rule;
        rule.id = SecurityGroupRuleId::make(random);
        rule.account_id = account;
        rule.region = "us-east-1";
        rule.group_id = group.id;
        rule.protocol = "tcp";
        rule.from_port = rule.to_port = 22;
        rule.cidr = "0.0.0.0/0";
        db::security_groups::insert_rule(session, rule);
        revision = db::vpcs::touch(session, vpc.id);
    });
    EXPECT_FALSE(reconciler.is_applied(vpc.id, revision));
    reconciler.changed(vpc.id.str());
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_TRUE(reconciler.is_applied(vpc.id, revision));
    EXPECT_EQ(transactions(), before + 1);
    EXPECT_EQ(count("ACL"), acls + 1);
}

TEST_F(ReconcilerTest, AVpcThatChangesAllTheTimeIsToldOfOnceASecond) {
    std::atomic<int> told = 0;
    Surroundings surroundings;
    surroundings.written = [&](const VpcId&) { ++told; };
    Reconciler busy(*database, northbound, clock, cloud, surroundings);
    busy.start();
    auto change = [&] {
        std::int64_t revision = 0;
        write([&](db::Session& session) { revision = db::vpcs::touch(session, vpc.id); });
        while (!busy.is_applied(vpc.id, revision)) std::this_thread::yield();
    };
    for (int i = 0; i < 20; ++i) change();
    EXPECT_EQ(told, 1);
    clock.advance_ms(1'000);
    change();
    for (int i = 0; i < 1'000 && told < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(told, 2) << "the last change is told of, too";
}

TEST_F(ReconcilerTest, WhatGoesInTheStoreGoesThere) {
    auto made = interface("00000000000000001", "172.31.0.5", "198.19.64.9");
    give_router("198.19.64.8");
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_EQ(count("NAT"), 1U);
    write([&](db::Session& session) {
        db::network_interfaces::set_groups(session, made.id, {});
        db::network_interfaces::erase_addresses(session, made.id);
        db::network_interfaces::erase(session, made.id);
    });
    reconciler.changed(vpc.id.str());
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_FALSE(has("eni-00000000000000001"));
    EXPECT_EQ(count("NAT"), 0U);
    EXPECT_TRUE(has(subnet.id.str()));
}

TEST_F(ReconcilerTest, ForeignRowsStayAndDriftIsMended) {
    ASSERT_TRUE(reconciler.run_once());
    std::string our_switch;
    northbound.read([&](const Replica& replica) { our_switch = *replica.find(subnet.id.str())->uuid; });
    Json where = Json::array({Json::array({"_uuid", "==", Json::array({"uuid", our_switch})})});
    // Somebody else's port in our switch, and our switch renamed by hand.
    ASSERT_TRUE(northbound.transact(Json::array(
        {{{"op", "insert"},
          {"table", "Logical_Switch_Port"},
          {"uuid-name", "theirs"},
          {"row", {{"name", "theirs"}}}},
         {{"op", "mutate"},
          {"table", "Logical_Switch"},
          {"where", where},
          {"mutations",
           Json::array({Json::array({"ports", "insert", Json::array({"named-uuid", "theirs"})})})}},
         {{"op", "update"},
          {"table", "Logical_Switch"},
          {"where", where},
          {"row", {{"name", "renamed"}}}}})));
    auto ports = count("Logical_Switch_Port");
    reconciler.changed_all();
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_EQ(count("Logical_Switch_Port"), ports);
    northbound.read([&](const Replica& replica) {
        auto found = replica.find(subnet.id.str());
        EXPECT_EQ(found->columns->at("name"), subnet.id.str());
        EXPECT_EQ(found->columns->at("ports")[1].size(), 3U) << "router, metadata, and theirs";
    });
}

TEST_F(ReconcilerTest, CopiesOfOurRowsGoAndOursStay) {
    ASSERT_TRUE(reconciler.run_once());
    auto switches = count("Logical_Switch");
    for (const std::string& scope :
         {vpc.id.str(), std::string("cloud"), std::string("vpc-0000000000000dead")})
        for (int copy = 0; copy < 4; ++copy) {
            auto ids = map_of({{std::string(key_entry), subnet.id.str()}, {std::string(scope_entry), scope}});
            ASSERT_TRUE(northbound.transact(
                Json::array({{{"op", "insert"},
                              {"table", "Logical_Switch"},
                              {"uuid-name", "copy"},
                              {"row", {{"name", subnet.id.str()}, {"external_ids", ids}}}}})));
        }
    for (int round = 0; round < 3; ++round) {
        reconciler.changed_all();
        ASSERT_TRUE(reconciler.run_once());
    }
    EXPECT_EQ(count("Logical_Switch"), switches);
    northbound.read([&](const Replica& replica) {
        auto found = replica.find(subnet.id.str());
        ASSERT_TRUE(found);
        EXPECT_EQ(found->columns->at("ports")[1].size(), 2U) << "router and metadata";
    });
}

TEST_F(ReconcilerTest, AHostThatJoinsMayCarryGatewaysUntilItIsTakenOut) {
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_EQ(count("HA_Chassis"), 0U);
    Host host;
    host.id = HostId::trusted("h-00000000000000002");
    host.zone = "us-east-1a";
    host.certificate_sha256 = "c0ffee";
    write([&](db::Session& session) { db::hosts::insert(session, host); });
    reconciler.changed(host.id.str());
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_TRUE(has("lodge-gateways/h-00000000000000002"));
    write([&](db::Session& session) { db::hosts::set_certificate(session, host.id, ""); });
    reconciler.changed(host.id.str());
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_EQ(count("HA_Chassis"), 0U);
}

TEST_F(ReconcilerTest, StartedItFollowsWhatStoresAnnounce) {
    std::promise<VpcId> told;
    Surroundings surroundings;
    surroundings.written = [&, once = false](const VpcId& id) mutable {
        if (std::exchange(once, true)) return;
        told.set_value(id);
    };
    Reconciler own(*database, northbound, clock, cloud, surroundings);
    own.start();
    EXPECT_EQ(told.get_future().get(), vpc.id);
    std::int64_t revision = 0;
    write([&](db::Session& session) { revision = db::vpcs::touch(session, vpc.id); });
    while (!own.is_applied(vpc.id, revision)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST_F(ReconcilerTest, EachRouteTableKeepsUnusedAddressesFromLeaking) {
    ASSERT_TRUE(reconciler.run_once());
    std::size_t discards = 0;
    northbound.read([&](const Replica& replica) {
        for (const auto& [uuid, columns] : replica.rows("Logical_Router_Static_Route"))
            if (columns.at("nexthop") == "discard" && columns.at("ip_prefix") == "172.31.0.0/16") ++discards;
    });
    EXPECT_EQ(discards, 2U) << "the nameless table's, and the main one's";
}

TEST_F(ReconcilerTest, AListThatOnlyLetsOutLetsNothingIn) {
    write([&](db::Session& session) {
        auto acl = db::network_acls::association_of(session, subnet.id)->network_acl_id;
        db::network_acls::erase_entry(session, acl, false, 100);
        NetworkAclEntry again;
        again.network_acl_id = acl;
        again.is_egress = true;
        again.rule_number = 110;
        again.protocol = "-1";
        again.allow = true;
        again.cidr = "0.0.0.0/0";
        db::network_acls::insert_entry(session, again);
    });
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_TRUE(has(vpc.id.str() + "/acl/" + subnet.id.str() + "/in/rest"));
}

// OVN's own networks win over routes of the same length.
TEST_F(ReconcilerTest, ARouteForAWholeSubnetGoesByItsHalves) {
    auto snapshot = *database->read([&](db::Session& session) -> Result<std::optional<Snapshot>> {
        return load_snapshot(session, vpc.id);
    });
    auto table = snapshot->subnets.front().route_table_id;
    snapshot->routes.push_back({table, subnet.cidr, RouteTarget::network_interface, "eni-0123456789abcdef0",
                                true, "172.31.99.4", "subnet-0123456789abcdef0"});
    std::vector<std::string> prefixes;
    for (const auto& row : render(*snapshot, cloud))
        if (row.key.starts_with(table + "/local/")) {
            prefixes.push_back(row.columns.at("ip_prefix"));
            EXPECT_EQ(row.columns.at("nexthop"), "172.31.99.4");
            EXPECT_EQ(row.columns.at("output_port"), "subnet-0123456789abcdef0/gateway");
        }
    auto whole = *Cidr::parse(subnet.cidr);
    ASSERT_EQ(prefixes.size(), 2U);
    for (const auto& each : prefixes) {
        EXPECT_TRUE(whole.contains(*Cidr::parse(each)));
        EXPECT_EQ(Cidr::parse(each)->prefix(), whole.prefix() + 1);
    }
    EXPECT_NE(prefixes[0], prefixes[1]);
}

TEST_F(ReconcilerTest, EachNatGatewayTranslatesWhatIsRoutedToIt) {
    auto snapshot = *database->read([&](db::Session& session) -> Result<std::optional<Snapshot>> {
        return load_snapshot(session, vpc.id);
    });
    snapshot->router_ip = "198.19.64.8";
    auto table = snapshot->subnets.front().route_table_id;
    for (std::string digit : {"1", "2"}) {
        NatGateway gateway;
        gateway.id = NatGatewayId::trusted("nat-0000000000000000" + digit);
        gateway.subnet_id = subnet.id;
        gateway.public_ip = "198.19.64.1" + digit;
        snapshot->nat_gateways.push_back(gateway);
        snapshot->routes.push_back(
            {table, "10." + digit + ".0.0/16", RouteTarget::nat_gateway, gateway.id.str(), true, "", ""});
    }
    snapshot->routes.push_back(
        {table, "10.1.2.0/24", RouteTarget::internet_gateway, snapshot->gateway->id.str(), true, "", ""});
    std::map<std::string, std::string> matches;  // of NAT by address, of policies by key
    for (const auto& row : render(*snapshot, cloud)) {
        if (row.table == "NAT") matches[row.columns.at("external_ip")] = row.columns.at("match");
        if (row.table == "Logical_Router_Policy") matches[row.key] = row.columns.at("match");
        if (row.table == "Address_Set") {
            EXPECT_EQ(canonical(row.columns.at("addresses")), canonical(set_of({})));
        }
    }
    EXPECT_EQ(matches["198.19.64.11"], "ip4.dst == 10.1.0.0/16 && ip4.dst != 10.1.2.0/24");
    EXPECT_EQ(matches["198.19.64.12"], "ip4.dst == 10.2.0.0/16");
    auto exit = vpc.id.str() + "/acl/exit/" + subnet.id.str() + "/";
    auto own = "ip4.src == " + subnet.cidr + " && ";
    EXPECT_EQ(matches[exit + "10.1.0.0/16"], own + matches["198.19.64.11"]);
    EXPECT_EQ(matches[exit + "10.2.0.0/16"], own + matches["198.19.64.12"]);
}

TEST_F(ReconcilerTest, WithoutOvnNothingIsLost) {
    northbound.set_problem("down");
    EXPECT_FALSE(reconciler.run_once());
    EXPECT_EQ(reconciler.problem(), "down");
    EXPECT_FALSE(reconciler.is_applied(vpc.id, 1));
    northbound.set_problem("");
    EXPECT_TRUE(reconciler.run_once());
    EXPECT_TRUE(has(vpc.id.str()));
    EXPECT_EQ(reconciler.problem(), "");
}

TEST_F(ReconcilerTest, AVpcThatIsGoneLeavesNothing) {
    ASSERT_TRUE(reconciler.run_once());
    auto foreign = count("Logical_Switch");
    ASSERT_GE(foreign, 2U);
    write([&](db::Session& session) {
        for (auto table : {"network_acl_associations", "subnets", "routes", "route_table_associations",
                           "route_tables", "internet_gateways", "network_acl_entries", "network_acls",
                           "security_group_rules", "security_groups", "vpc_cidrs", "vpcs"})
            session.execute("DELETE FROM " + std::string(table));
    });
    reconciler.changed_all();
    ASSERT_TRUE(reconciler.run_once());
    EXPECT_EQ(count("Logical_Switch"), 1U) << "the public one";
    for (auto table : {"Logical_Router", "Logical_Router_Port", "Port_Group", "ACL", "DHCP_Options", "DNS"})
        EXPECT_EQ(count(table), 0U) << table;
}

}  // namespace
}  // namespace lodge::network

// Addresses of interfaces come, move and go; elastic ones follow or stay behind.
#include "scheduler/network/interface_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/addresses.h"
#include "db/store/network_interfaces.h"
#include "db/store/subnets.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/make.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::network {
namespace {

using ::testing::ElementsAre;

const AccountId account = "123456789012";

class InterfaceAddresses : public ::testing::Test {
  protected:
    InterfaceAddresses() {
        EXPECT_TRUE(db::migrate(*database));
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "one", 0});
            auto vpc = make_vpc(session, owner(), *Cidr::parse("10.0.0.0/16"), false);
            subnet = make_subnet(session, owner(), vpc.id, "us-east-1a", *Cidr::parse("10.0.1.0/28"), false);
            db::subnets::insert_ipv6_cidr(session, {SubnetCidrId::make(random), subnet.id, "fd00::/64"});
            first = make("10.0.1.4", session);
            second = make("10.0.1.5", session);
        });
    }

    Owner owner() { return {account, "us-east-1", 0, random}; }

    NetworkInterface make(const std::string& address, db::Session& session) {
        InterfaceWish wish;
        wish.address = IpAddress::parse(address);
        return *make_interface(session, owner(), subnet, wish);
    }

    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }

    void add(const NetworkInterface& interface, const std::string& address) {
        write([&](db::Session& session) { add_address(session, interface, *IpAddress::parse(address)); });
    }
    // By position, "address@position".
    std::vector<std::string> has(const NetworkInterface& interface) {
        std::vector<std::string> all;
        write([&](db::Session& session) {
            for (const auto& each : db::network_interfaces::addresses_of(session, interface.id))
                all.push_back(each.address + "@" + std::to_string(each.position));
        });
        return all;
    }

    // An elastic address that leads to this one.
    void map(const NetworkInterface& interface, const std::string& address) {
        elastic.id = AllocationId::make(random);
        elastic.account_id = account;
        elastic.region = "us-east-1";
        elastic.public_ip = "198.51.100.7";
        write([&](db::Session& session) {
            db::addresses::insert(session, elastic);
            auto target = interface;
            map_address(session, elastic, target, address, random);
        });
    }
    Address mapping() {
        return *database->read([&](db::Session& session) -> Result<Address> {
            return *db::addresses::find_any(session, elastic.id.str());
        });
    }

    TemporaryFolder folder;
    SeededRandom random{5};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    Subnet subnet;
    NetworkInterface first;
    NetworkInterface second;
    Address elastic;
};

TEST_F(InterfaceAddresses, EachFamilyCountsForItself) {
    add(first, "fd00::9");
    add(first, "10.0.1.9");
    add(first, "fd00::8");
    EXPECT_THAT(has(first), ElementsAre("10.0.1.4@0", "10.0.1.9@1", "fd00::9@0", "fd00::8@1"));
}

TEST_F(InterfaceAddresses, FreeOnesUntilTheSubnetIsFull) {
    write([&](db::Session& session) {
        auto added = add_free_addresses(session, first, subnet, 9, random);  // of 11, 2 are taken
        ASSERT_TRUE(added);
        EXPECT_EQ(9U, added->size());
        EXPECT_FALSE(add_free_addresses(session, first, subnet, 1, random));
    });
    EXPECT_EQ(10U, has(first).size());
}

TEST_F(InterfaceAddresses, FreeIpv6OnesAreInTheSubnetsBlock) {
    write([&](db::Session& session) {
        auto added = add_free_ipv6_addresses(session, first, subnet, 3, random);
        ASSERT_TRUE(added);
        for (const auto& address : *added) EXPECT_TRUE(Cidr::parse("fd00::/64")->contains(address));
    });
    EXPECT_EQ(4U, has(first).size());
}

TEST_F(InterfaceAddresses, WithoutABlockThereIsNoIpv6) {
    write([&](db::Session& session) {
        db::subnets::erase_ipv6_cidrs(session, subnet.id);
        EXPECT_FALSE(add_free_ipv6_addresses(session, first, subnet, 1, random));
        EXPECT_TRUE(add_free_ipv6_addresses(session, first, subnet, 0, random));
    });
}

TEST_F(InterfaceAddresses, AMovedOneTakesItsElasticAddressAlong) {
    for (const auto* address : {"10.0.1.9", "10.0.1.10"}) add(first, address);
    map(first, "10.0.1.9");
    auto before = mapping();
    write([&](db::Session& session) {
        move_address(session, *db::network_interfaces::find_address(session, subnet.id, "10.0.1.9"), second);
    });
    EXPECT_THAT(has(first), ElementsAre("10.0.1.4@0", "10.0.1.10@1"));
    EXPECT_THAT(has(second), ElementsAre("10.0.1.5@0", "10.0.1.9@1"));
    auto after = mapping();
    EXPECT_EQ(second.id.str(), after.network_interface_id);
    EXPECT_EQ(before.association_id, after.association_id);
    EXPECT_EQ("10.0.1.9", after.private_ip);
}

TEST_F(InterfaceAddresses, ARemovedOneLosesItsElasticAddress) {
    add(first, "10.0.1.9");
    map(first, "10.0.1.9");
    write([&](db::Session& session) {
        remove_address(session, *db::network_interfaces::find_address(session, subnet.id, "10.0.1.9"));
    });
    EXPECT_THAT(has(first), ElementsAre("10.0.1.4@0"));
    EXPECT_EQ("", mapping().association_id);
    EXPECT_EQ("", mapping().network_interface_id);
}

TEST_F(InterfaceAddresses, TheNextIpv6OneBecomesTheFirst) {
    for (const auto* address : {"fd00::9", "fd00::8"}) add(first, address);
    write([&](db::Session& session) {
        remove_address(session, *db::network_interfaces::find_address(session, subnet.id, "fd00::9"));
    });
    EXPECT_THAT(has(first), ElementsAre("10.0.1.4@0", "fd00::8@0"));
}

}  // namespace
}  // namespace lodge::network

// What outlives a process of the control plane (its database, OVN's Northbound database, time), such a
// process that may die or be refused at any transaction, and all that there is to compare of both.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/capacity_reservations.h"
#include "db/store/hosts.h"
#include "db/store/subnets.h"
#include "db/store/vpcs.h"
#include "db/store/zones.h"
#include "scheduler/network/make.h"
#include "scheduler/network/memory_northbound.h"
#include "scheduler/network/reconciler.h"
#include "tests/unit/fate.h"
#include "tests/unit/scheduler/process.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::scheduler {

// Transactions that pass through a fate. `before` and `refused`: all of it is done, and rolled back.
class MortalDatabase final : public db::Database {
  public:
    MortalDatabase(db::Database& inner, Fate& fate) : inner_(inner), fate_(fate) {}

    void on_announcement(std::function<void(const std::string&)> listener) override {
        inner_.on_announcement(std::move(listener));
    }
    std::int64_t version() const override { return inner_.version(); }
    Status backup(const std::filesystem::path& to) override { return inner_.backup(to); }

  protected:
    bool run_write(const std::function<bool(db::Session&)>& change, Error& failure) override {
        const Fate::End end = fate_.next("write");
        const bool commits = end != Fate::End::before && end != Fate::End::refused;
        const Status done = inner_.write([&](db::Session& session) -> Status {
            if (change(session) && commits) return {};
            return fail(ErrorCode::internal_error);
        });
        if (end == Fate::End::before || end == Fate::End::after) throw Died();
        if (!done) failure = done.error();
        return done.has_value();
    }
    bool run_read(const std::function<void(db::Session&)>& look) override {
        return inner_
            .read([&](db::Session& session) -> Status {
                look(session);
                return {};
            })
            .has_value();
    }

  private:
    db::Database& inner_;
    Fate& fate_;
};

class MortalNorthbound final : public network::Northbound {
  public:
    MortalNorthbound(network::Northbound& inner, Fate& fate) : inner_(inner), fate_(fate) {}

    bool read(const std::function<void(const network::Replica&)>& look) override { return inner_.read(look); }
    Status transact(const network::Json& operations) override {
        return fate_.pass("transact", [&] { return inner_.transact(operations); });
    }
    std::optional<std::int64_t> followed(const Counts& counts) override { return inner_.followed(counts); }
    void on_change(std::function<void()> call) override { inner_.on_change(std::move(call)); }
    std::string problem() const override { return inner_.problem(); }

  private:
    network::Northbound& inner_;
    Fate& fate_;
};

// An account's default VPC, and two machines.
class World {
  public:
    World() {
        EXPECT_TRUE(db::migrate(*database));
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "test", 0});
            db::zones::put(session, zone);
            for (Host& host : hosts) {
                host = {HostId::make(random),
                        "node",
                        zone.name,
                        "x86_64",
                        HostState::active,
                        1,
                        "aa",
                        8,
                        16'384,
                        100'000,
                        0,
                        ""};
                db::hosts::insert(session, host);
            }
            network::make_default_networks(session, account, {zone}, 1, random);
            vpc = *db::vpcs::find_default(session, account, zone.region);
            subnet = *db::subnets::find_default(session, account, zone.name);
        });
    }

    template <class F>
    void write(F change) {
        EXPECT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }
    template <class F>
    auto read(F look) {
        using T = std::invoke_result_t<F, db::Session&>;
        return *database->read([&](db::Session& session) -> Result<T> { return look(session); });
    }
    // Of a table's rows, or of "hosts WHERE …".
    std::int64_t count(const std::string& table) {
        return read([&](db::Session& session) {
            std::int64_t rows = 0;
            session.query("SELECT count(*) FROM " + table, {},
                          [&](const db::Row& row) { rows = row.integer(0); });
            return rows;
        });
    }

    const AccountId account = "000000000001";
    const Zone zone{"us-east-1a", "us-east-1", "use1-az1"};
    TemporaryFolder folder;
    ManualClock clock{1'000'000'000'000};
    Timing timing;
    SeededRandom random{1};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    SeededRandom northbound_random{2};
    network::MemoryNorthbound northbound{northbound_random};
    std::array<Host, 2> hosts;
    Vpc vpc;
    Subnet subnet;

    // What a step is about, and what agents say each time it is run.
    InstanceId instance;
    NetworkInterfaceId interface;
    std::string resource;
    link::ReportRequest report;
    link::LeftoversRequest left;
};

// One process of lodged.
class Life {
  public:
    explicit Life(World& world)
        : database(*world.database, fate),
          process(database, world.clock, world.timing),
          northbound(world.northbound, fate),
          reconciler(database, northbound, world.clock, {*Cidr::parse("198.19.64.0/22"), {}}) {}

    Fate fate;
    MortalDatabase database;
    Process process;
    MortalNorthbound northbound;
    network::Reconciler reconciler;
};

// --- What there is to compare

// Every row. `left_out` names tables ("events") and columns ("hosts.epoch"). Without times, of a moment only
// that there was one counts.
inline std::string dump_rows(World& world, const std::set<std::string>& left_out, bool with_times) {
    return world.read([&](db::Session& session) {
        const auto names = [&](std::string_view query, std::initializer_list<db::Value> values) {
            std::vector<std::string> found;
            session.query(query, values, [&](const db::Row& row) { found.emplace_back(row.text(0)); });
            return found;
        };
        std::string text;
        for (const auto& table :
             names("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", {})) {
            if (left_out.contains(table)) continue;
            const auto columns = names("SELECT name FROM pragma_table_info(?)", {table});
            std::vector<std::string> rows;
            session.query("SELECT * FROM " + table, {}, [&](const db::Row& row) {
                std::string line = table + ":";
                for (std::size_t i = 0; i < columns.size(); ++i) {
                    if (left_out.contains(table + "." + columns[i])) continue;
                    std::string value(row.text(static_cast<int>(i)));
                    if (!with_times && columns[i].ends_with("_ms") && value != "0") value = "then";
                    line += " " + columns[i] + "=" + value;
                }
                rows.push_back(line);
            });
            std::sort(rows.begin(), rows.end());
            for (const auto& row : rows) text += row + "\n";
        }
        return text;
    });
}

// Every row in OVN, by our keys: what UUIDs they have is theirs.
inline std::string dump_northbound(World& world) {
    static constexpr std::array<std::string_view, 15> tables = {"NB_Global",
                                                                "Logical_Switch",
                                                                "Logical_Switch_Port",
                                                                "Logical_Router",
                                                                "Logical_Router_Port",
                                                                "Logical_Router_Policy",
                                                                "Logical_Router_Static_Route",
                                                                "NAT",
                                                                "ACL",
                                                                "Port_Group",
                                                                "Address_Set",
                                                                "DHCP_Options",
                                                                "DNS",
                                                                "HA_Chassis_Group",
                                                                "HA_Chassis"};
    std::vector<std::string> rows;
    world.northbound.read([&](const network::Replica& replica) {
        std::map<std::string, std::string> key_of;
        for (const auto table : tables)
            for (const auto& [uuid, columns] : replica.rows(std::string(table)))
                if (const auto ids = columns.find("external_ids"); ids != columns.end())
                    key_of[uuid] = network::map_entry(ids->second, network::key_entry);
        for (const auto table : tables)
            for (const auto& [uuid, columns] : replica.rows(std::string(table))) {
                std::string line = std::string(table) + " " + key_of[uuid];
                for (const auto& [name, value] : columns) {
                    std::vector<std::string> items;
                    const bool is_set = value.is_array() && value.size() == 2 && value[0] == "set";
                    for (const auto& item : is_set ? value[1] : network::Json::array({value})) {
                        const bool refers = item.is_array() && item.size() == 2 && item[0] == "uuid";
                        items.push_back(refers ? key_of[item[1].get<std::string>()] : item.dump());
                    }
                    std::sort(items.begin(), items.end());
                    line += " " + name + "=";
                    for (const auto& item : items) line += item + ",";
                }
                rows.push_back(line);
            }
    });
    std::sort(rows.begin(), rows.end());
    std::string text;
    for (const auto& row : rows) text += row + "\n";
    return text;
}

// What is free on which host, by the index and by the reservations.
inline std::string dump_claims(World& world, const Claims& claims) {
    std::string text;
    for (const Host& each : world.hosts) {
        const HostCapacity& host = *claims.index().find(each.id);
        text += host.id.str() + " in pool \"" + host.pool + "\": " + std::to_string(host.free_vcpus) +
                " of " + std::to_string(host.total_vcpus) + " vCPUs, " +
                std::to_string(host.free_memory_mib) + " of " + std::to_string(host.total_memory_mib) +
                " MiB\n";
    }
    for (const auto& reservation :
         world.read([](db::Session& session) { return db::capacity_reservations::all_active(session); }))
        for (const auto& room : claims.unused(reservation.id))
            text += reservation.id.str() + " has " + std::to_string(room.instances) + " unused on " +
                    room.host.str() + "\n";
    return text;
}

// All that the process remembers, but for when it heard of whom.
inline std::string dump_memory(World& world, Life& life) {
    const Claims& claims = life.process.claims;
    const HostHub& hub = life.process.hub;
    std::string text = dump_claims(world, claims);
    for (const Host& host : world.hosts)
        text += host.id.str() + ": condition " +
                std::to_string(static_cast<int>(claims.index().find(host.id)->condition)) + ", version " +
                hub.version(host.id) + (hub.known(host.id) ? ", known\n" : "\n");
    for (const auto& unknown : life.process.agents.leftovers().unknown())
        text += "unknown " + unknown.id + "\n";
    return text;
}

// What a process that started now would make of the rows.
inline void expect_claims_follow_rows(World& world, Life& life) {
    Claims fresh{Overcommit{}};
    world.write([&](db::Session& session) { fresh.load(session); });
    EXPECT_EQ(dump_claims(world, life.process.claims), dump_claims(world, fresh));
}

}  // namespace lodge::scheduler

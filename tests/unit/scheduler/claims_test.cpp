// Claims with capacity reservations and tenancy over a real database: what memory holds is what the rows say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/capacity_reservations.h"
#include "db/store/dedicated_hosts.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "db/store/reservations.h"
#include "scheduler/apply/reservations.h"
#include "scheduler/apply/tenancy.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::scheduler {
namespace {

using ::testing::ElementsAre;

const auto none_settles = [](const HostId&) { return false; };

class ClaimsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        database = std::move(*db::open_sqlite(folder.path() / "test.db"));
        ASSERT_TRUE(db::migrate(*database));
        change([&](db::Session& session) { db::accounts::insert(session, {account, "test", 0}); });
        for (int i = 0; i < 4; ++i) add_host();
    }

    template <class F>
    void change(F action) {
        EXPECT_TRUE(database->write([&](db::Session& session) -> Status {
            action(session);
            return {};
        }));
    }
    // As a request that fails in the end.
    template <class F>
    void attempt(F action) {
        EXPECT_FALSE(database->write([&](db::Session& session) -> Status {
            action(session);
            return fail(ErrorCode::internal_error);
        }));
    }

    void add_host() {
        Host host;
        host.id = HostId::make(random);
        host.zone = "z1";
        host.architecture = "x86_64";
        host.vcpus = 2;
        host.memory_mib = 8192 + 512;
        hosts.push_back(host.id);
        change([&](db::Session& session) {
            db::hosts::insert(session, host);
            claims.put_host(session, host, HostCondition::ok);
        });
    }

    CapacityReservation make_reservation(db::Session& session, const std::string& criteria = "open") {
        CapacityReservation made;
        made.id = CapacityReservationId::make(random);
        made.account_id = account;
        made.zone = "z1";
        made.instance_type = "small";
        made.architecture = "x86_64";
        made.vcpus = 2;
        made.memory_mib = 2048;
        made.match_criteria = criteria;
        db::capacity_reservations::insert(session, made);
        return made;
    }

    // Grown by so many, with its row; false when there was no room.
    bool grow_by(db::Session& session, CapacityReservation& reservation, std::int64_t count) {
        if (!grow(session, claims, reservation, count, {})) return false;
        reservation.instance_count += count;
        db::capacity_reservations::update(session, reservation);
        return true;
    }

    Instance new_instance(const std::string& tenancy = "default") {
        Instance instance;
        instance.id = InstanceId::make(random);
        instance.account_id = account;
        instance.zone = "z1";
        instance.instance_type = "small";
        instance.architecture = "x86_64";
        instance.tenancy = tenancy;
        instance.vcpus = 2;
        instance.memory_mib = 2048;
        return instance;
    }

    // Where placement puts it; nothing when there is no room.
    std::optional<Guest> launch(db::Session& session, const std::string& tenancy = "default") {
        auto instance = new_instance(tenancy);
        Request request;
        request.vcpus = instance.vcpus;
        request.memory_mib = instance.memory_mib;
        request.architecture = instance.architecture;
        request.zones = {"z1"};
        request.reserved = open_room(session, claims, instance, {"z1"});
        const auto plan = tenancy == "dedicated" ? place_alone(session, claims, account, request)
                                                 : place(claims.index(), request);
        if (!plan) return std::nullopt;
        Guest guest;
        guest.id = GuestId::make(random);
        guest.instance_id = instance.id;
        guest.host_id = plan->hosts.front();
        guest.vcpus = instance.vcpus;
        guest.memory_mib = instance.memory_mib;
        if (!plan->reservations.empty()) guest.capacity_reservation_id = plan->reservations.front().str();
        instance.guest_id = guest.id;
        instance.host_id = guest.host_id;
        instance.reservation_id = ReservationId::make(random);
        db::reservations::insert(session, {instance.reservation_id, account, "", 0});
        EXPECT_TRUE(claims.claim(session, guest));
        db::instances::insert(session, instance);
        db::guests::insert(session, guest);
        return guest;
    }

    void end_guest(db::Session& session, const GuestId& id) {
        auto guest = *db::guests::find(session, id);
        guest.observed = Observed::gone;
        db::guests::update(session, guest);
        claims.release(session, guest);
    }

    std::string seen(const Claims& of) {
        std::string text;
        for (const auto& id : hosts) {
            const auto& host = *of.index().find(id);
            text += host.pool + " " + std::to_string(host.free_vcpus) + "," +
                    std::to_string(host.free_memory_mib) + "; ";
        }
        change([&](db::Session& session) {
            for (const auto& each : db::capacity_reservations::all_active(session))
                for (const auto& room : of.unused(each.id))
                    text +=
                        each.id.str() + "@" + room.host.str() + "=" + std::to_string(room.instances) + " ";
        });
        return text;
    }
    // What a restart would make of the rows.
    std::string after_restart() {
        Claims fresh{Overcommit{}};
        change([&](db::Session& session) { fresh.load(session); });
        return seen(fresh);
    }
    std::int64_t unused(const CapacityReservationId& id) const {
        std::int64_t sum = 0;
        for (const auto& room : claims.unused(id)) sum += room.instances;
        return sum;
    }

    TemporaryFolder folder;
    std::unique_ptr<db::Database> database;
    SeededRandom random{5};
    AccountId account = "123456789012";
    std::vector<HostId> hosts;
    Claims claims{Overcommit{}};
};

TEST_F(ClaimsTest, ReservedRoomIsTakenAndGivenBack) {
    const auto before = seen(claims);
    CapacityReservation reservation;
    std::optional<Guest> guest;
    change([&](db::Session& session) {
        reservation = make_reservation(session);
        EXPECT_TRUE(grow_by(session, reservation, 3));
    });
    const auto reserved = seen(claims);
    EXPECT_EQ(unused(reservation.id), 3);
    change([&](db::Session& session) { guest = launch(session); });
    EXPECT_EQ(guest->capacity_reservation_id, reservation.id.str());
    EXPECT_EQ(unused(reservation.id), 2);
    EXPECT_EQ(seen(claims), after_restart());
    change([&](db::Session& session) { end_guest(session, guest->id); });
    EXPECT_EQ(seen(claims), reserved);
    change([&](db::Session& session) {
        end(session, claims, reservation, CapacityReservationState::cancelled, 1);
    });
    EXPECT_EQ(seen(claims), before);
    EXPECT_EQ(before, after_restart());
}

TEST_F(ClaimsTest, AGuestOutlivesItsReservation) {
    CapacityReservation reservation;
    std::optional<Guest> guest;
    change([&](db::Session& session) {
        reservation = make_reservation(session);
        EXPECT_TRUE(grow_by(session, reservation, 1));
        guest = launch(session);
    });
    const auto before = claims.index().find(guest->host_id)->free_vcpus;
    change([&](db::Session& session) {
        end(session, claims, reservation, CapacityReservationState::expired, 1);
    });
    EXPECT_EQ(claims.index().find(guest->host_id)->free_vcpus, before);
    EXPECT_EQ(seen(claims), after_restart());
    change([&](db::Session& session) {
        EXPECT_EQ(db::guests::find(session, guest->id)->capacity_reservation_id, "");
        end_guest(session, guest->id);
    });
    EXPECT_EQ(claims.index().find(guest->host_id)->free_vcpus, 16);
}

TEST_F(ClaimsTest, AnOpenOneTakesRunningInstancesIn) {
    CapacityReservation open;
    CapacityReservation targeted;
    change([&](db::Session& session) { launch(session); });
    const auto before = seen(claims);
    change([&](db::Session& session) {
        targeted = make_reservation(session, "targeted");
        open = make_reservation(session);
        EXPECT_TRUE(grow_by(session, open, 1));
    });
    EXPECT_EQ(unused(open.id), 0);
    EXPECT_EQ(seen(claims), before);
    change([&](db::Session& session) {
        EXPECT_TRUE(grow_by(session, targeted, 1));
        EXPECT_EQ(db::capacity_reservations::used(session, open.id), 1);
    });
    EXPECT_EQ(unused(targeted.id), 1);
}

TEST_F(ClaimsTest, UnusedRoomLeavesHostsThatTakeNone) {
    CapacityReservation reservation;
    change([&](db::Session& session) {
        reservation = make_reservation(session);
        EXPECT_TRUE(grow_by(session, reservation, 2));
    });
    const auto from = claims.unused(reservation.id).front().host;
    change([&](db::Session& session) {
        claims.set_condition(session, from, HostCondition::unreachable);
        rehome(session, claims, reservation, [](const HostId&) { return true; });
    });
    EXPECT_EQ(claims.unused(reservation.id).front().host, from);  // nothing is known of it yet
    change([&](db::Session& session) { rehome(session, claims, reservation, none_settles); });
    for (const auto& room : claims.unused(reservation.id)) EXPECT_NE(room.host, from);
    EXPECT_EQ(unused(reservation.id), 2);
    EXPECT_EQ(claims.index().find(from)->free_vcpus, 16);
}

TEST_F(ClaimsTest, DedicatedInstancesHaveTheirMachinesAlone) {
    std::optional<Guest> shared;
    std::optional<Guest> alone;
    change([&](db::Session& session) {
        shared = launch(session);
        alone = launch(session, "dedicated");
    });
    EXPECT_NE(shared->host_id, alone->host_id);
    EXPECT_EQ(claims.index().find(alone->host_id)->pool, tenants_pool(account));
    EXPECT_EQ(seen(claims), after_restart());
    std::optional<Guest> another;
    change([&](db::Session& session) { another = launch(session, "dedicated"); });
    EXPECT_EQ(another->host_id, alone->host_id);
    change([&](db::Session& session) { end_guest(session, alone->id); });
    EXPECT_EQ(claims.index().find(alone->host_id)->pool, tenants_pool(account));
    change([&](db::Session& session) { end_guest(session, another->id); });
    EXPECT_EQ(claims.index().find(alone->host_id)->pool, "");
}

TEST_F(ClaimsTest, MachinesThatWereNotNeededAreGivenBack) {
    const auto before = seen(claims);
    Request request;
    request.vcpus = 16;
    request.memory_mib = 1024;
    request.architecture = "x86_64";
    request.zones = {"z1", "z2"};
    request.min_count = request.max_count = 5;  // there are four
    attempt([&](db::Session& session) { EXPECT_FALSE(place_alone(session, claims, account, request)); });
    EXPECT_EQ(seen(claims), before);
    request.min_count = 1;
    change([&](db::Session& session) {
        const auto plan = place_alone(session, claims, account, request);
        ASSERT_TRUE(plan);
        EXPECT_EQ(std::ssize(plan->hosts), 4);
        for (const auto& id : hosts) claims.give_back_if_empty(session, id);
    });
    EXPECT_EQ(seen(claims), before);
}

TEST_F(ClaimsTest, ADedicatedHostIsInNobodysReach) {
    change([&](db::Session& session) {
        DedicatedHost host;
        host.id = DedicatedHostId::make(random);
        host.account_id = account;
        host.zone = "z1";
        host.host_id = hosts[0];
        host.instance_family = "m5";
        db::dedicated_hosts::insert(session, host);
        claims.set_pool(session, hosts[0], std::string(dedicated_hosts_pool));
    });
    EXPECT_EQ(seen(claims), after_restart());
    Request request;
    request.vcpus = 16;
    request.memory_mib = 1024;
    request.architecture = "x86_64";
    request.zones = {"z1"};
    request.max_count = 9;
    EXPECT_EQ(std::ssize(place(claims.index(), request)->hosts), 3);
    EXPECT_THAT(place_among(claims, {hosts[0]}, request)->hosts, ElementsAre(hosts[0]));
    EXPECT_FALSE(place_among(claims, {}, request));
}

// Whatever is done, and given up half-way: a restart finds what memory holds, and no host is overdrawn.
TEST_F(ClaimsTest, MemoryIsWhatTheRowsSay) {
    std::vector<CapacityReservation> reservations;
    std::vector<GuestId> guests;
    const auto pick = [&](const auto& all) {
        return static_cast<std::size_t>(random.next_u64() % all.size());
    };
    const auto step = [&](db::Session& session, bool keeps) {
        const auto dice = random.next_u64() % 9;
        if (dice == 0) {
            auto made = make_reservation(session, random.next_u64() % 2 == 0 ? "open" : "targeted");
            if (grow_by(session, made, 1 + static_cast<std::int64_t>(random.next_u64() % 4))) {
                if (keeps) reservations.push_back(made);
            } else {
                end(session, claims, made, CapacityReservationState::cancelled, 1);
            }
        } else if (dice <= 3) {
            auto guest = launch(session, dice == 3 ? "dedicated" : "default");
            if (guest && keeps) guests.push_back(guest->id);
        } else if (dice <= 5 && !guests.empty()) {
            const auto at = pick(guests);
            end_guest(session, guests[at]);
            if (keeps) guests.erase(guests.begin() + static_cast<std::ptrdiff_t>(at));
        } else if (dice == 6 && !reservations.empty()) {
            const auto at = pick(reservations);
            end(session, claims, reservations[at], CapacityReservationState::cancelled, 1);
            if (keeps) reservations.erase(reservations.begin() + static_cast<std::ptrdiff_t>(at));
        } else if (dice == 7 && !reservations.empty()) {
            auto changed = reservations[pick(reservations)];
            const auto less = std::min<std::int64_t>(unused(changed.id), changed.instance_count - 1);
            if (less <= 0) return;
            shrink(session, claims, changed, less);
            changed.instance_count -= less;
            db::capacity_reservations::update(session, changed);
            for (auto& each : reservations)
                if (keeps && each.id == changed.id) each = changed;
        } else if (dice == 8) {
            const auto& id = hosts[pick(hosts)];
            const bool ok = claims.index().find(id)->condition == HostCondition::ok;
            claims.set_condition(session, id, ok ? HostCondition::draining : HostCondition::ok);
            for (const auto& each : reservations) rehome(session, claims, each, none_settles);
        }
    };
    for (int i = 0; i < 400; ++i) {
        SCOPED_TRACE(i);
        if (random.next_u64() % 4 == 0) {
            const auto before = seen(claims);
            attempt([&](db::Session& session) { step(session, false); });
            ASSERT_EQ(seen(claims), before);
        } else {
            change([&](db::Session& session) { step(session, true); });
        }
        ASSERT_EQ(seen(claims), after_restart());
        for (const auto& id : hosts) ASSERT_GE(claims.index().find(id)->free_vcpus, 0);
        for (const auto& each : reservations) {
            change([&](db::Session& session) {
                ASSERT_EQ(each.instance_count,
                          unused(each.id) + db::capacity_reservations::used(session, each.id));
            });
        }
    }
}

}  // namespace
}  // namespace lodge::scheduler

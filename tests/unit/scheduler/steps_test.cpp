// The registry of what lodged does in transactions: each of these steps is run twice, and dies or fails at
// every transaction that it makes, and whatever happens the same comes of it in the end.
//
// To add a step: an entry in registry(). A part of Upkeep that has none fails the test.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "db/store/addresses.h"
#include "db/store/client_tokens.h"
#include "db/store/consoles.h"
#include "db/store/dedicated_hosts.h"
#include "db/store/events.h"
#include "db/store/fleets.h"
#include "db/store/guests.h"
#include "db/store/instances.h"
#include "db/store/nat_gateways.h"
#include "db/store/network_interfaces.h"
#include "db/store/reservations.h"
#include "db/store/security_groups.h"
#include "db/store/tags.h"
#include "db/store/vpc_peerings.h"
#include "scheduler/apply/reservations.h"
#include "scheduler/network/attachments.h"
#include "scheduler/network/nat_gateways.h"
#include "scheduler/network/peerings.h"
#include "scheduler/reconcile/fencing.h"
#include "tests/unit/scheduler/steps_world.h"

namespace lodge::scheduler {
namespace {

using Act = std::function<void(World&, Life&)>;

// --- What each new process hears, before it runs the step

void note_conditions(World& world, Life& life) {
    world.write([&](db::Session& session) {
        for (const Host& host : db::hosts::list(session))
            life.process.claims.set_condition(session, host.id,
                                              life.process.hub.condition(host.id, host.state));
    });
}

void greet(World& world, Life& life) {
    for (const Host& host : world.hosts) life.process.hub.said_hello(host.id, "kvm");
}

void hear_all(World& world, Life& life) {
    greet(world, life);
    note_conditions(world, life);
}

void hear_all_for_long(World& world, Life& life) {
    hear_all(world, life);
    for (int i = 0; i < 140; ++i) {
        world.clock.advance_ms(5'000);
        for (const Host& host : world.hosts) life.process.hub.heard(host.id, nullptr);
        life.process.hub.tick();
    }
}

void hear_nobody(World& world, Life& life) {
    // A lodged that has just started says nothing before.
    world.clock.advance_ms(2 * world.timing.lease_ms + 1);
    note_conditions(world, life);
}

// --- The registry's terms

struct StepCase {
    std::string name;
    std::string part;  // of Upkeep; empty: `run` is the step
    Act prepare;       // in an earlier process
    Act expect;        // of the end
    Act run = nullptr;
    Act hear = hear_all;
    // What every run changes, since each is another word of the operator's.
    std::set<std::string> left_out = {};
    // What a new process writes again, since it does not know how its predecessor found the hosts, or since
    // it takes its time.
    std::set<std::string> told_anew = {};
};

void PrintTo(const StepCase& entry, std::ostream* out) {
    *out << entry.name;
}

void run(const StepCase& entry, World& world, Life& life) {
    if (entry.run)
        entry.run(world, life);
    else
        static_cast<void>(life.process.upkeep.run(entry.part));
}

// --- What there may be in a world

struct Launch {
    Observed observed = Observed::running;
    Desired desired = Desired::running;
    std::string capacity_reservation_id = {};
    HostId host_id = {};  // none: the first
};

Instance launch(World& world, Life& life, const Launch& how = {}) {
    Instance instance;
    instance.id = InstanceId::make(world.random);
    instance.account_id = world.account;
    instance.region = world.zone.region;
    instance.zone = world.zone.name;
    instance.reservation_id = ReservationId::make(world.random);
    instance.instance_type = "small";
    instance.architecture = "x86_64";
    instance.vcpus = 2;
    instance.memory_mib = 2048;
    instance.root_volume_id = VolumeId::make(world.random);
    instance.desired = how.desired;
    instance.desired_ms = world.clock.now_ms();
    Guest guest;
    guest.id = instance.guest_id = GuestId::make(world.random);
    guest.instance_id = instance.id;
    guest.host_id = instance.host_id = how.host_id.empty() ? world.hosts.front().id : how.host_id;
    guest.capacity_reservation_id = how.capacity_reservation_id;
    guest.vcpus = instance.vcpus;
    guest.memory_mib = instance.memory_mib;
    guest.observed = how.observed;
    world.write([&](db::Session& session) {
        db::reservations::insert(session, {instance.reservation_id, world.account, world.zone.region, 0});
        if (holds_claim(guest.observed)) {
            EXPECT_TRUE(life.process.claims.claim(session, guest));
        }
        db::instances::insert(session, instance);
        db::guests::insert(session, guest);
    });
    world.instance = instance.id;
    return instance;
}

NetworkInterfaceId plug(World& world, const Instance& instance, std::int64_t index, bool live) {
    NetworkInterfaceId id;
    world.write([&](db::Session& session) {
        auto made = *network::make_interface(session, {world.account, world.zone.region, 5, world.random},
                                             world.subnet, {});
        const auto group = db::security_groups::find_by_name(session, world.vpc.id, "default");
        db::network_interfaces::set_groups(session, made.id, {group->id});
        network::begin_attach(session, made, instance, index, true, live, 5, world.random);
        id = world.interface = made.id;
    });
    return id;
}

db::instances::WithGuest row_of(World& world, const InstanceId& id) {
    return world.read([&](db::Session& session) { return *db::instances::find_any(session, id); });
}

InstanceState state_of(World& world) {
    const auto row = row_of(world, world.instance);
    return visible_state(row.instance.desired, row.guest.observed);
}

template <class Find>
auto found(World& world, Find find) {
    return world.read([&](db::Session& session) { return find(session, world.resource); });
}

void put_tag(World& world, db::Session& session, const std::string& id, const std::string& type) {
    db::tags::put(session, world.account, world.zone.region, {id, type, "Name", "old"});
}

// --- Hosts' leases, and deadlines

void expect_condition(World& world, Life& life, HostCondition condition) {
    for (const Host& host : world.hosts)
        EXPECT_EQ(life.process.claims.index().find(host.id)->condition, condition);
    EXPECT_GE(world.count("events"), 2) << "one a host";
}

void hear_that_they_fell_silent(World& world, Life& life) {
    hear_all(world, life);
    world.clock.advance_ms(world.timing.lease_ms + 1);
}

// Stopped since before its deadline, by a guest that does not.
void prepare_late_stop(World& world, Life& life) {
    launch(world, life, {Observed::running, Desired::stopped});
    world.clock.advance_ms(world.timing.deadlines.stopping_ms + 1);
}

void expect_told(World& world, Life&) {
    EXPECT_EQ(state_of(world), InstanceState::stopping);
    EXPECT_TRUE(row_of(world, world.instance).instance.overdue);
    EXPECT_EQ(world.count("events"), 1);
}

void expect_given_up(World& world, Life&) {
    EXPECT_EQ(state_of(world), InstanceState::shutting_down);
    EXPECT_EQ(row_of(world, world.instance).instance.generation, 2);
    EXPECT_GE(world.count("events"), 2) << "the deadline, and the transition";
}

// --- Capacity reservations

CapacityReservation reserve(World& world, Life& life, std::int64_t instances, UnixMs end_ms) {
    CapacityReservation made;
    made.id = CapacityReservationId::make(world.random);
    made.account_id = world.account;
    made.region = world.zone.region;
    made.zone = world.zone.name;
    made.instance_type = "small";
    made.architecture = "x86_64";
    made.vcpus = 2;
    made.memory_mib = 2048;
    made.instance_count = instances;
    made.end_ms = end_ms;
    world.write([&](db::Session& session) {
        db::capacity_reservations::insert(session, made);
        EXPECT_TRUE(grow(session, life.process.claims, made, instances, {}));
    });
    world.resource = made.id.str();
    return made;
}

HostId home_of(World& world) {
    const auto rooms =
        world.read([](db::Session& session) { return db::capacity_reservations::all_rooms(session); });
    EXPECT_EQ(rooms.size(), 1U);
    return rooms.front().host_id;
}

// With an instance in it, which goes on without.
void prepare_expiry(World& world, Life& life) {
    const auto made = reserve(world, life, 3, world.clock.now_ms() + 1);
    launch(world, life, {.capacity_reservation_id = made.id.str(), .host_id = home_of(world)});
    world.clock.advance_ms(1);
}

void expect_expired(World& world, Life&) {
    EXPECT_EQ(found(world, db::capacity_reservations::find_any)->state, CapacityReservationState::expired);
    EXPECT_EQ(world.count("capacity_reservation_rooms"), 0);
    EXPECT_EQ(row_of(world, world.instance).guest.capacity_reservation_id, "");
    EXPECT_EQ(world.count("events"), 1);
}

void prepare_rehoming(World& world, Life& life) {
    reserve(world, life, 2, 0);
    const HostId home = home_of(world);
    world.write([&](db::Session& session) { db::hosts::set_state(session, home, HostState::draining); });
}

void expect_rehomed(World& world, Life&) {
    const HostId home = home_of(world);
    for (const Host& host : world.read([](db::Session& session) { return db::hosts::list(session); }))
        EXPECT_EQ(host.state, host.id == home ? HostState::active : HostState::draining);
}

// --- Networks

VpcPeering add_peering(World& world, PeeringStatus status, UnixMs expires_ms, UnixMs ended_ms) {
    VpcPeering made;
    made.id = VpcPeeringId::make(world.random);
    made.requester = made.accepter = {world.account, world.zone.region, world.vpc.id, "", false};
    made.status = status;
    made.created_ms = 1;
    made.expires_ms = expires_ms;
    made.ended_ms = ended_ms;
    world.write([&](db::Session& session) {
        db::vpc_peerings::insert(session, made);
        put_tag(world, session, made.id.str(), "vpc-peering-connection");
    });
    world.resource = made.id.str();
    return made;
}

void expect_peering_expired(World& world, Life&) {
    EXPECT_EQ(found(world, db::vpc_peerings::find_any)->status, PeeringStatus::expired);
}

NatGateway add_nat_gateway(World& world) {
    NatGateway made;
    world.write([&](db::Session& session) {
        Address address;
        address.id = AllocationId::make(world.random);
        address.account_id = world.account;
        address.region = world.zone.region;
        address.public_ip = "198.19.64.9";
        db::addresses::insert(session, address);
        made = network::make_nat_gateway(session, {world.account, world.zone.region, 5, world.random},
                                         world.subnet, {address, {}});
        put_tag(world, session, made.id.str(), "natgateway");
    });
    EXPECT_EQ(made.state, NatGatewayState::pending) << made.failure_message;
    world.resource = made.id.str();
    return made;
}

void prepare_nat_deletion(World& world, Life&) {
    auto gateway = add_nat_gateway(world);
    gateway.state = NatGatewayState::available;
    world.write(
        [&](db::Session& session) { network::begin_deletion(session, gateway, world.clock.now_ms()); });
}

void expect_nat_deleted(World& world, Life&) {
    EXPECT_EQ(found(world, db::nat_gateways::find_any)->state, NatGatewayState::deleted);
    EXPECT_EQ(world.count("network_interfaces"), 0);
    EXPECT_EQ(world.count("addresses WHERE association_id = ''"), 1) << "the address stays its owner's";
}

void prepare_nat_forgetting(World& world, Life& life) {
    prepare_nat_deletion(world, life);
    EXPECT_TRUE(life.process.upkeep.run("networks"));
    world.clock.advance_ms(2 * network::hour_ms);
}

template <std::size_t N>
void expect_none_of(World& world, const char* const (&tables)[N]) {
    for (const char* table : tables) EXPECT_EQ(world.count(table), 0) << table;
}

// --- What is forgotten

void prepare_ended(World& world, Life& life) {
    auto instance = launch(world, life, {Observed::removed, Desired::terminated});
    instance.ended_ms = world.clock.now_ms();
    world.write([&](db::Session& session) {
        db::instances::update(session, instance);
        db::consoles::put(session, instance.id, {"last words", 1});
        put_tag(world, session, instance.id.str(), "instance");
    });
    world.clock.advance_ms(world.timing.keep_terminated_ms + 1);
}

void prepare_old_records(World& world, Life&) {
    const AccountId& account = world.account;
    const std::string& region = world.zone.region;
    const auto fleet = FleetId::make(world.random);
    world.write([&](db::Session& session) {
        db::client_tokens::insert(session, {account, region, "RunInstances", "once", "", "r-1", 1});
        db::fleets::insert(session, {fleet, account, region, "", "", 1, 2});
        db::fleets::insert_launch(session, {fleet, 0, 0, 0, "small", "", ""});
        CapacityReservation reservation;
        reservation.id = CapacityReservationId::make(world.random);
        reservation.account_id = account;
        reservation.region = region;
        reservation.state = CapacityReservationState::cancelled;
        reservation.ended_ms = 2;
        db::capacity_reservations::insert(session, reservation);
        put_tag(world, session, reservation.id.str(), "capacity-reservation");
        DedicatedHost host;
        host.id = DedicatedHostId::make(world.random);
        host.account_id = account;
        host.region = region;
        host.host_id = world.hosts.front().id;
        host.released_ms = 2;
        db::dedicated_hosts::insert(session, host);
        db::events::insert(session, {0, 1, account, "i-1", "state", "long ago"});
    });
}

// --- What agents say

link::HelloRequest bigger_machine() {
    return {{"node", "x86_64", 16, 32'768, 200'000, "kvm", "test"}, 1};
}

void say_hello(World& world, Life& life) {
    static_cast<void>(life.process.agents.hello(world.hosts.front().id, bigger_machine()));
}

void expect_greeted(World& world, Life& life) {
    const HostId& id = world.hosts.front().id;
    EXPECT_EQ(world.read([&](db::Session& session) { return db::hosts::find(session, id)->vcpus; }), 16);
    EXPECT_TRUE(life.process.hub.known(id));
    EXPECT_EQ(life.process.claims.index().find(id)->condition, HostCondition::ok);
    EXPECT_GE(world.count("events"), 1);
}

void note_report(World& world, Observed observed, const std::vector<NetworkInterfaceId>& plugged = {}) {
    const auto row = row_of(world, world.instance);
    world.report.guests = {{row.guest.id, row.instance.generation, observed, 0, 0, "", "", plugged}};
}

void report(World& world, Life& life) {
    static_cast<void>(life.process.agents.report(world.hosts.front().id, world.report));
}

// The instance becomes `state`; it was launched so, and its agent says `observed`.
StepCase reported(const std::string& name, const Launch& how, Observed observed, InstanceState state,
                  const std::string& reason_code = "") {
    return {name, "",
            [=](World& world, Life& life) {
                plug(world, launch(world, life, how), 0, false);
                note_report(world, observed);
                world.report.guests.front().reason_code = reason_code;
            },
            [=](World& world, Life&) {
                EXPECT_EQ(state_of(world), state);
                EXPECT_EQ(world.count("events"), 1) << "the transition is told once";
                const bool ends = observed == Observed::failed || observed == Observed::removed;
                EXPECT_EQ(world.count("network_interfaces"), ends ? 0 : 1);
            },
            report};
}

void prepare_plugged(World& world, Life& life) {
    const auto instance = launch(world, life);
    note_report(world, Observed::running, {plug(world, instance, 0, false), plug(world, instance, 1, true)});
}

void expect_plugged(World& world, Life&) {
    const auto interface = world.read([&](db::Session& session) {
        return *db::network_interfaces::find_any(session, world.interface.str());
    });
    EXPECT_EQ(interface.attachment_state, AttachmentState::attached);
}

void prepare_unplugged(World& world, Life& life) {
    const auto instance = launch(world, life);
    note_report(world, Observed::running, {plug(world, instance, 0, false)});
    plug(world, instance, 1, false);
    world.write([&](db::Session& session) {
        auto interface = *db::network_interfaces::find_any(session, world.interface.str());
        network::begin_detach(session, interface, true);
    });
}

void expect_unplugged(World& world, Life&) {
    const auto interface = world.read([&](db::Session& session) {
        return *db::network_interfaces::find_any(session, world.interface.str());
    });
    EXPECT_EQ(interface.attachment_state, AttachmentState::none);
}

void prepare_reboot(World& world, Life& life) {
    auto instance = launch(world, life);
    want_reboot(instance);
    world.write([&](db::Session& session) { db::instances::update(session, instance); });
    note_report(world, Observed::running);
    world.report.guests.front().reboots_done = 1;
}

void prepare_console(World& world, Life& life) {
    launch(world, life);
    world.report.consoles = {{world.instance, "login:"}};
}

void expect_console(World& world, Life&) {
    const auto console =
        world.read([&](db::Session& session) { return db::consoles::get(session, world.instance); });
    ASSERT_TRUE(console);
    EXPECT_EQ(console->bytes, "login:");
}

// A guest that is over, and a disk that nobody knows.
void prepare_leftovers(World& world, Life& life) {
    launch(world, life, {Observed::gone, Desired::stopped});
    const auto row = row_of(world, world.instance);
    world.left = {{{row.guest.id, world.instance, true}}, {VolumeId::make(world.random)}};
}

void tell_leftovers(World& world, Life& life) {
    const auto over = life.process.agents.leftovers(world.hosts.front().id, world.left);
    ASSERT_TRUE(over);
    EXPECT_EQ(over->end_guests.size(), 1U);
    EXPECT_TRUE(over->remove_volumes.empty());
}

void expect_leftovers(World&, Life& life) {
    EXPECT_EQ(life.process.agents.leftovers().unknown().size(), 1U);
}

// --- What the operator says

void prepare_fencing(World& world, Life& life) {
    plug(world, launch(world, life), 0, false);
    launch(world, life, {.observed = Observed::placed});
}

void fence_first(World& world, Life& life) {
    static_cast<void>(life.database.write([&](db::Session& session) -> Result<Fenced> {
        return fence(session, life.process.claims, life.process.hub,
                     *db::hosts::find(session, world.hosts.front().id), world.clock.now_ms());
    }));
}

void expect_fenced(World& world, Life&) {
    EXPECT_GT(world.read([&](db::Session& session) {
        return db::hosts::find(session, world.hosts.front().id)->epoch;
    }),
              1);
    EXPECT_EQ(world.count("guests WHERE observed = 'gone'"), 1);
    EXPECT_EQ(world.count("guests WHERE observed = 'failed'"), 1) << "it never ran";
    EXPECT_EQ(world.count("events WHERE kind = 'state'"), 2);
}

// --- OVN

void follow(World&, Life& life) {
    life.reconciler.changed_all();
    life.reconciler.run_once();
}

bool has_port(World& world) {
    bool has = false;
    world.northbound.read(
        [&](const network::Replica& replica) { has = replica.find(world.interface.str()).has_value(); });
    return has;
}

void prepare_new_port(World& world, Life& life) {
    follow(world, life);
    plug(world, launch(world, life), 0, false);
}

void prepare_gone_port(World& world, Life& life) {
    plug(world, launch(world, life), 0, false);
    follow(world, life);
    world.write([&](db::Session& session) {
        network::erase_interface(session, *db::network_interfaces::find_any(session, world.interface.str()));
        db::vpcs::touch(session, world.vpc.id);
    });
}

// Its rows have outlived it.
void prepare_gone_vpc(World& world, Life& life) {
    follow(world, life);
    world.resource = "vpc-0000000000000dead";
    const auto ids = network::map_of({{std::string(network::key_entry), world.resource},
                                      {std::string(network::scope_entry), world.resource}});
    EXPECT_TRUE(world.northbound.transact(
        network::Json::array({{{"op", "insert"},
                               {"table", "Logical_Router"},
                               {"uuid-name", "old"},
                               {"row", {{"name", world.resource}, {"external_ids", ids}}}}})));
}

void expect_gone_vpc(World& world, Life&) {
    world.northbound.read([&](const network::Replica& replica) {
        EXPECT_FALSE(replica.find(world.resource));
        EXPECT_TRUE(replica.find(world.vpc.id.str()));
    });
}

// --- The registry

std::vector<StepCase> upkeep_steps() {
    const auto launch_placed = [](World& world, Life& life) { launch(world, life, {Observed::placed}); };
    return {
        {"lease_runs_out",
         "leases",
         [](World&, Life&) {},
         [](World& world, Life& life) { expect_condition(world, life, HostCondition::unreachable); },
         nullptr,
         hear_that_they_fell_silent,
         {},
         {"events"}},
        {"host_is_back",
         "leases",
         [](World&, Life&) {},
         [](World& world, Life& life) { expect_condition(world, life, HostCondition::ok); },
         nullptr,
         greet,
         {},
         {"events"}},
        {"deadline_is_told", "deadlines", prepare_late_stop, expect_told},
        {"pending_instance_is_given_up",
         "deadlines",
         launch_placed,
         expect_given_up,
         nullptr,
         hear_all_for_long,
         {},
         {"events", "instances.overdue"}},
        {"reservation_expires", "capacity reservations", prepare_expiry, expect_expired},
        {"reservation_moves", "capacity reservations' hosts", prepare_rehoming, expect_rehomed},
        {"peering_request_expires", "networks",
         [](World& world, Life&) {
             add_peering(world, PeeringStatus::pending_acceptance, world.clock.now_ms(), 0);
         },
         expect_peering_expired},
        {"ended_peering_is_forgotten", "networks",
         [](World& world, Life&) { add_peering(world, PeeringStatus::deleted, 1, 2); },
         [](World& world, Life&) {
             expect_none_of(world, {"vpc_peerings", "tags"});
         }},
        {"nat_gateway_is_available", "networks", [](World& world, Life&) { add_nat_gateway(world); },
         [](World& world, Life&) {
             EXPECT_EQ(found(world, db::nat_gateways::find_any)->state, NatGatewayState::available);
         }},
        {"nat_gateway_goes", "networks", prepare_nat_deletion, expect_nat_deleted},
        {"ended_nat_gateway_is_forgotten", "networks", prepare_nat_forgetting,
         [](World& world, Life&) {
             expect_none_of(world, {"nat_gateways", "tags"});
         }},
        {"ended_instance_is_forgotten", "ended instances", prepare_ended,
         [](World& world, Life&) {
             expect_none_of(world, {"instances", "guests", "reservations", "console_outputs", "tags"});
         }},
        {"old_records_are_forgotten", "old records", prepare_old_records,
         [](World& world, Life&) {
             expect_none_of(world, {"client_tokens", "fleets", "fleet_launches", "capacity_reservations",
                                    "dedicated_hosts", "events", "tags"});
         }},
    };
}

std::vector<StepCase> heard_steps() {
    const Launch placed{.observed = Observed::placed};
    const Launch running{};
    const Launch stopping{Observed::running, Desired::stopped};
    const Launch ending{Observed::running, Desired::terminated};
    const auto hear_one_host = [](World& world, Life& life) {
        life.process.hub.said_hello(world.hosts.back().id, "kvm");
        note_conditions(world, life);
    };
    return {
        {"hello", "", [](World&, Life&) {}, expect_greeted, say_hello, hear_one_host, {}, {"events"}},
        reported("guest_runs", placed, Observed::running, InstanceState::running),
        reported("guest_cannot_start", placed, Observed::failed, InstanceState::shutting_down),
        reported("guest_ends_itself", running, Observed::stopped, InstanceState::stopping,
                 "Client.InstanceInitiatedShutdown"),
        reported("guest_is_gone", stopping, Observed::gone, InstanceState::stopped),
        reported("guest_is_removed", ending, Observed::removed, InstanceState::terminated),
        {"interface_is_plugged", "", prepare_plugged, expect_plugged, report},
        {"interface_is_unplugged", "", prepare_unplugged, expect_unplugged, report},
        {"guest_has_rebooted", "", prepare_reboot,
         [](World& world, Life&) { EXPECT_EQ(row_of(world, world.instance).guest.reboots_done, 1); }, report},
        {"console_arrives", "", prepare_console, expect_console, report},
        {"leftovers", "", prepare_leftovers, expect_leftovers, tell_leftovers},
        {"fencing", "", prepare_fencing, expect_fenced, fence_first, hear_nobody, {"hosts.epoch", "events"}},
    };
}

std::vector<StepCase> network_steps() {
    const auto has = [](World& world, Life&) { EXPECT_TRUE(has_port(world)); };
    const auto has_not = [](World& world, Life&) { EXPECT_FALSE(has_port(world)); };
    return {
        {"ovn_is_filled", "", [](World& world, Life& life) { plug(world, launch(world, life), 0, false); },
         has, follow},
        {"ovn_follows_a_new_interface", "", prepare_new_port, has, follow},
        {"ovn_follows_one_that_goes", "", prepare_gone_port, has_not, follow},
        {"ovn_forgets_a_vpc", "", prepare_gone_vpc, expect_gone_vpc, follow},
    };
}

std::vector<StepCase> registry() {
    auto all = upkeep_steps();
    for (auto& entry : heard_steps()) all.push_back(std::move(entry));
    for (auto& entry : network_steps()) all.push_back(std::move(entry));
    return all;
}

// --- What is tested of each

// A world in which the step is due, and a process that is about to run it.
struct Stage {
    explicit Stage(const StepCase& of) : entry(of) {
        {
            Life earlier(world);
            hear_all(world, earlier);
            entry.prepare(world, earlier);
        }
        restart();
    }

    void restart() {
        life.reset();  // what it goes by in memory is built anew
        life = std::make_unique<Life>(world);
        entry.hear(world, *life);
    }
    // Whether it has lived through it.
    bool run_with(const Fate& fate) {
        life->fate = fate;
        try {
            run(entry, world, *life);
            return true;
        } catch (const Died&) {
            return false;
        }
    }
    void run_undisturbed() { ASSERT_TRUE(run_with(Fate())); }
    // Of one process's doing, times and all; or of whichever process's.
    std::string dump() { return dump_rows(world, entry.left_out, true) + dump_northbound(world); }
    std::string dump_end() {
        auto left_out = entry.left_out;
        left_out.insert(entry.told_anew.begin(), entry.told_anew.end());
        return dump_rows(world, left_out, false) + dump_northbound(world);
    }
    std::string memory() { return dump_memory(world, *life); }
    void expect_end() {
        entry.expect(world, *life);
        expect_claims_follow_rows(world, *life);
    }

    const StepCase& entry;
    World world;
    std::unique_ptr<Life> life;
};

class LodgedSteps : public ::testing::TestWithParam<StepCase> {};

TEST_P(LodgedSteps, RunTwiceIsAsRunOnce) {
    Stage stage(GetParam());
    const auto before = stage.dump() + stage.memory();
    stage.run_undisturbed();
    const auto once = stage.dump();
    const auto remembered = dump_claims(stage.world, stage.life->process.claims);
    EXPECT_NE(stage.dump() + stage.memory(), before) << "the step was not due";
    stage.expect_end();
    stage.run_undisturbed();
    EXPECT_EQ(stage.dump(), once);
    EXPECT_EQ(dump_claims(stage.world, stage.life->process.claims), remembered);
    stage.expect_end();
}

TEST_P(LodgedSteps, DyingOrFailingAtAnyTransactionLeadsToTheSameEnd) {
    Stage undisturbed(GetParam());
    undisturbed.run_undisturbed();
    const auto end_of_it = undisturbed.dump_end();
    const auto claims = dump_claims(undisturbed.world, undisturbed.life->process.claims);
    for (const Fate::End end : {Fate::End::before, Fate::End::after, Fate::End::refused, Fate::End::unheard})
        for (int call = 1;; ++call) {
            SCOPED_TRACE(std::string(name_of(end)) + " transaction " + std::to_string(call));
            Stage stage(GetParam());
            const auto before = stage.dump();
            const auto remembered = stage.memory();
            const bool lives = stage.run_with(Fate(end, call));
            if (!stage.life->fate.fulfilled()) break;  // there are no more
            if (stage.life->fate.calls() == 1 && (end == Fate::End::before || end == Fate::End::refused)) {
                EXPECT_EQ(stage.dump(), before) << "nothing was kept";
                EXPECT_EQ(stage.memory(), remembered) << "nor remembered";
            }
            if (!lives) stage.restart();
            stage.run_undisturbed();
            EXPECT_EQ(stage.dump_end(), end_of_it);
            EXPECT_EQ(dump_claims(stage.world, stage.life->process.claims), claims);
            stage.expect_end();
            if (HasFailure()) return;
        }
}

INSTANTIATE_TEST_SUITE_P(Of, LodgedSteps, ::testing::ValuesIn(registry()),
                         [](const auto& each) { return each.param.name; });

TEST(LodgedStepsRegistry, HoldsEveryPartOfUpkeep) {
    World world;
    Life life(world);
    const auto entries = registry();
    for (const auto part : life.process.upkeep.part_names()) {
        const auto is_it = [&](const StepCase& entry) { return entry.part == part; };
        EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), is_it))
            << "upkeep's part \"" << part << "\" is not tested twice and dying";
    }
}

}  // namespace
}  // namespace lodge::scheduler

// Claims on hosts' capacity: the placement index kept in step with the database.
// Only the writer thread (inside Database::write) touches it, so that a plan, its re-check and its claim are
// one step; what a rolled-back request changed is as before.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/capacity_reservation.h"
#include "proto/model/guest.h"
#include "proto/model/host.h"
#include "scheduler/placement/capacity_index.h"
#include "scheduler/placement/place.h"

namespace lodge::scheduler {

// How much of a host guests may have.
struct Overcommit {
    double vcpus = 8.0;                      // guests' vCPUs per host CPU
    double memory = 1.0;                     // guests' memory per host memory left after the reserve
    double disk = 10.0;                      // volumes' sizes per host disk: they take what is written
    std::int64_t reserved_memory_mib = 512;  // the host's own
    std::int64_t reserved_disk_mib = 2048;   // with less free, a host takes no new guests
};

class Claims {
  public:
    explicit Claims(const Overcommit& overcommit) : overcommit_(overcommit) {}

    // Builds the index anew out of the rows. Hosts begin `unreachable` until their agents speak.
    void load(db::Session& session);

    // Adds the host or changes its totals, keeping what is claimed on it.
    void put_host(db::Session& session, const Host& host, HostCondition condition);
    void set_condition(db::Session& session, const HostId& id, HostCondition condition);

    // Takes the guest's capacity: its reservation's room, if it names one, else what is free. False, and
    // nothing changed, when the host has not got it any more.
    bool claim(db::Session& session, const Guest& guest);
    // Gives it back once the guest no longer holds it: to its reservation, if that is still there.
    void release(db::Session& session, const Guest& guest);

    // Takes room for one more instance of the reservation, as its rows do.
    bool reserve(db::Session& session, const CapacityReservation& reservation, const HostId& host_id);
    // Gives room of one instance back that no guest is in; false when there is none on that host.
    bool unreserve(db::Session& session, const CapacityReservation& reservation, const HostId& host_id);
    // Makes the room that the guest has taken by itself that of the reservation, with the guest in it. False
    // when the host cannot hold the difference to what the reservation holds for an instance.
    bool adopt(db::Session& session, const CapacityReservation& reservation, const Guest& guest);
    // Gives all of its room back, but for what the guests in it need, who hold it by themselves from now on.
    void end_reservation(db::Session& session, const CapacityReservationId& id,
                         const std::vector<Guest>& guests);
    // What it holds on one host, used or not, in instances.
    std::int64_t reserved(const CapacityReservationId& id, const HostId& host_id) const;
    // The room in it that no guest is in, by host.
    std::vector<Reserved> unused(const CapacityReservationId& id) const;

    // Moves the host to another pool of the index; see tenancy.h.
    void set_pool(db::Session& session, const HostId& id, const std::string& pool);
    // Makes a machine that was an account's for its instances of the tenancy "dedicated", and holds nothing
    // any more, everybody's again.
    void give_back_if_empty(db::Session& session, const HostId& id);
    // All of the host, as if nothing were claimed on it. Any thread.
    HostCapacity whole(const Host& host) const { return capacity_of(host, HostCondition::ok); }

    const Overcommit& overcommit() const { return overcommit_; }
    const CapacityIndex& index() const { return index_; }

  private:
    struct Amount {
        std::int64_t vcpus = 0;
        std::int64_t memory_mib = 0;

        void add(std::int64_t more_vcpus, std::int64_t more_memory_mib) {
            vcpus += more_vcpus;
            memory_mib += more_memory_mib;
        }
        Amount times(std::int64_t count) const { return {vcpus * count, memory_mib * count}; }
    };
    // What a reservation holds on one host, in instances.
    struct Room {
        std::int64_t instances = 0;
        std::int64_t used = 0;
    };
    struct Held {
        Amount each;
        std::map<HostId, Room> hosts;
    };

    HostCapacity capacity_of(const Host& host, HostCondition condition) const;
    void load_reservations(db::Session& session, std::unordered_map<HostId, Amount>& taken);
    bool claim_reserved(db::Session& session, const Guest& guest);
    const Room* find_room(const CapacityReservationId& id, const HostId& host_id) const;
    // That the guest is in; null for one that holds its claim by itself.
    const Room* room_of(const Guest& guest) const;
    void add_room(const CapacityReservationId& id, const HostId& host_id, const Room& change);
    // Takes capacity that may not be there.
    void subtract(const HostId& id, const Amount& amount);
    // These undo themselves if the transaction is given up.
    void change_room(db::Session& session, const CapacityReservationId& id, const HostId& host_id,
                     const Room& change);
    bool take_free(db::Session& session, const HostId& id, const Amount& amount);  // false: it is not there
    void take(db::Session& session, const HostId& id, const Amount& amount);
    void give(db::Session& session, const HostId& id, const Amount& amount);

    Overcommit overcommit_;
    CapacityIndex index_;
    std::unordered_map<CapacityReservationId, Held> reservations_;  // active ones
};

}  // namespace lodge::scheduler

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "db/store/instance_span.h"
#include "proto/model/capacity_reservation.h"
#include "proto/model/guest.h"
#include "proto/model/instance.h"

namespace lodge::db::instances {

// An instance with what its current guest was last seen as: the two that make its visible state.
struct WithGuest {
    Instance instance;
    Guest guest;
};

void insert(Session& session, const Instance& instance);
// Writes back every column that changes in an instance's life.
void update(Session& session, const Instance& instance);

// Writes back what ModifyInstanceAttribute and its like change.
void update_attributes(Session& session, const Instance& instance);

// Writes back which volume its root disk is.
void update_root(Session& session, const Instance& instance);

// Raw bytes, beside the row that everything reads; empty when none were put.
void put_user_data(Session& session, const InstanceId& id, std::string_view bytes);
std::string user_data(Session& session, const InstanceId& id);

std::optional<WithGuest> find(Session& session, const AccountId& account_id, std::string_view region,
                              std::string_view id);
// Of any account: for the lifecycle and the operator.
std::optional<WithGuest> find_any(Session& session, const InstanceId& id);

// An account's instances in a region in the order (reservation, ID), after that pair; at most `limit`.
std::vector<WithGuest> list(Session& session, const AccountId& account_id, std::string_view region,
                            const Position& after, std::int64_t limit);
std::vector<WithGuest> of_reservation(Session& session, const AccountId& account_id,
                                      std::string_view reservation_id);

// Instances whose current guest is on the host and has not been removed.
std::vector<WithGuest> on_host(Session& session, const HostId& host_id);
// What of a placement group holds capacity now, by instance.
struct GroupMember {
    InstanceId instance_id;
    HostId host_id;
    std::int64_t partition_number = 0;
};
std::vector<GroupMember> holding_in_group(Session& session, std::string_view placement_group_id);
// Those in the group that have not terminated.
std::int64_t count_in_group(Session& session, std::string_view placement_group_id);
// The account's instances that a capacity reservation of that type and tenancy could take in: those that are
// open for one, hold capacity and are in none. Oldest first.
std::vector<WithGuest> open_to_reservation(Session& session, const CapacityReservation& reservation);
// Of instances with an interface in the VPC.
std::vector<HostId> hosts_in_vpc(Session& session, const VpcId& vpc_id);
std::int64_t count_on_host(Session& session, const HostId& host_id);
// The instance-store disks of those that have not ended.
std::int64_t store_bytes_on(Session& session, const HostId& host_id);
// Instances in transition since before `since_ms`: pending ones, and those stopping or shutting down whose
// deadline was not told yet.
std::vector<WithGuest> in_transition(Session& session, UnixMs since_ms);
// Instances that ended before `before_ms`.
std::vector<InstanceId> ended_before(Session& session, UnixMs before_ms, std::int64_t limit);
// Takes the instance, its guests, its and its root disk's tags, user data, console output, and its
// reservation when that is empty.
void erase(Session& session, const InstanceId& id);

// Of all accounts, the newest first; at most `limit`: the operator's view.
std::vector<WithGuest> list_all(Session& session, std::int64_t limit);
// Of all accounts, those with that reason for their state, the newest first.
std::vector<WithGuest> with_reason(Session& session, std::string_view reason_code);
std::int64_t count(Session& session);

// What an account's instances in a region hold of the hosts: those with a guest that has not ended.
struct Usage {
    std::int64_t instances = 0;
    std::int64_t vcpus = 0;
};
Usage usage(Session& session, const AccountId& account_id, std::string_view region);

}  // namespace lodge::db::instances

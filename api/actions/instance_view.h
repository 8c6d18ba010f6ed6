// Instances as clients see them.
#pragma once

#include <optional>
#include <vector>

#include "api/pipeline/context.h"
#include "db/store/attached_interfaces.h"
#include "db/store/instances.h"
#include "proto/ec2/instances.h"
#include "proto/model/tag.h"
#include "proto/model/volume.h"

namespace lodge::api {

struct InstanceRecord {
    Instance instance;
    Guest guest;
    std::vector<Tag> tags;
    // By device index. A terminated instance has none, and so neither address nor VPC.
    std::vector<db::attached_interfaces::AttachedInterface> interfaces;
    // By device; without a root disk that ends with the instance.
    std::vector<Volume> volumes = {};

    InstanceState state() const;
    std::optional<ec2::StateReason> state_reason() const;
    std::string capacity_reservation() const;  // that it runs in; empty: none
    std::string monitoring_state() const;      // "disabled", "pending", "enabled"
    // Root disk and volumes, as the instance shows them; none of a terminated one.
    std::vector<ec2::InstanceBlockDeviceMapping> block_devices() const;
    // The one of index 0; null when there is none.
    const db::attached_interfaces::AttachedInterface* primary() const;
    std::string private_ip() const;  // empty: none
    std::string public_ip() const;
    std::string private_dns_name() const;
};

// What leads to an address of the interface from outside: an elastic address, or for the primary one that of
// its launch; empty when nothing does.
std::string public_ip_of(const db::attached_interfaces::AttachedInterface& attached,
                         std::string_view private_ip);

// With their tags, interfaces and volumes. All at once are neighbours in the store's order (reservation, ID)
// and cost a few queries together.
std::vector<InstanceRecord> load_all(db::Session& session, std::vector<db::instances::WithGuest> rows);
// Without interfaces and volumes, for who does not show them.
std::vector<InstanceRecord> load_tags(db::Session& session, std::vector<db::instances::WithGuest> rows);
InstanceRecord load_one(db::Session& session, db::instances::WithGuest row);

InstanceState state_of(const db::instances::WithGuest& row);

// Where an instance stands in the store's order, as the key of a page, and back; an empty key is the
// beginning.
std::string page_key(const InstanceRecord& record);
db::instances::Position position(const std::string& page_key);

ec2::InstanceState to_ec2(InstanceState state);
ec2::Instance to_ec2(const InstanceRecord& record);
// Neighbours of one reservation, grouped.
std::vector<ec2::Reservation> group_by_reservation(const std::vector<InstanceRecord>& records);

// One that has not terminated: find_instances()'s errors, IncorrectInstanceState.
Result<db::instances::WithGuest> find_living_instance(db::Session& session, const RequestContext& context,
                                                      const std::string& id);

// IncorrectInstanceState unless it is stopped.
Status require_stopped(const db::instances::WithGuest& row);

// IncorrectInstanceState unless it runs or is stopped.
Status require_settled(const db::instances::WithGuest& row);

// Has the guest asked for something else from now on: what its agent said before does not tell of it.
void ask_guest(db::Session& session, const RequestContext& context, db::instances::WithGuest& row);
// Wakes the host's agent once this is committed: what it is to know of its guests has changed.
void wake_host(db::Session& session, const RequestContext& context, const HostId& id);
// The same for every host with a guest in the VPC.
void wake_hosts_in(db::Session& session, const RequestContext& context, const VpcId& vpc_id);

// The instances of those IDs in their order, or the error for the first bad one (InvalidInstanceID.Malformed,
// .NotFound). Each once.
Result<std::vector<db::instances::WithGuest>> find_instances(db::Session& session,
                                                             const RequestContext& context,
                                                             const std::vector<std::string>& ids);

}  // namespace lodge::api

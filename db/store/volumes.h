#pragma once

#include <map>
#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "db/store/instances.h"
#include "proto/model/volume.h"

namespace lodge::db::volumes {

void insert(Session& session, const Volume& record);
void update(Session& session, const Volume& record);
std::optional<Volume> find_any(Session& session, const VolumeId& id);
// The root disk first, the others by device.
std::vector<Volume> of_instance(Session& session, const InstanceId& id);
// Of all instances of the span, by instance and device: what does not go without saying, which is all but
// root disks that end with their instance.
std::vector<Volume> worth_telling_of(Session& session, const instances::Span& span);
// Those with a file there, or about to have one.
std::vector<Volume> of_host(Session& session, const HostId& id);
// Their sizes together.
std::int64_t bytes_on(Session& session, const HostId& id);
std::map<HostId, std::vector<VolumeId>> by_host(Session& session);
std::optional<Volume> find(Session& session, const AccountId& account_id, std::string_view region,
                           std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<Volume> list(Session& session, const AccountId& account_id, std::string_view region,
                         std::string_view after, std::int64_t limit);
// Of all accounts.
std::vector<Volume> list_all(Session& session);
// With its tags and its modification.
void erase(Session& session, const VolumeId& id);

// In place of the volume's earlier one.
void put_modification(Session& session, const VolumeModification& record);
void end_modification(Session& session, const VolumeId& id, UnixMs now_ms);
std::optional<VolumeModification> find_modification(Session& session, const AccountId& account_id,
                                                    std::string_view region, std::string_view id);
// By the volume's ID, from behind `after`; at most `limit`.
std::vector<VolumeModification> list_modifications(Session& session, const AccountId& account_id,
                                                   std::string_view region, std::string_view after,
                                                   std::int64_t limit);

}  // namespace lodge::db::volumes

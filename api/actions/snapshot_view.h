// Snapshots as clients see them, and what more than one action does with them.
#pragma once

#include <string>
#include <vector>

#include "api/pipeline/context.h"
#include "proto/ec2/snapshots.h"
#include "proto/model/snapshot.h"
#include "proto/model/tag.h"
#include "proto/model/volume.h"

namespace lodge::api {

// A copy has no volume; EC2 shows one that is nobody's.
std::string shown_volume_id(const Snapshot& snapshot);
// "45%".
std::string shown_progress(const Snapshot& snapshot);
ec2::Snapshot to_ec2(const Snapshot& snapshot, const std::vector<Tag>& tags);

// One that the account may make volumes of: InvalidSnapshotID.Malformed, InvalidSnapshot.NotFound.
Result<Snapshot> find_snapshot(db::Session& session, const RequestContext& context, const std::string& id);
// The same in any region.
Result<Snapshot> find_snapshot_in(db::Session& session, const RequestContext& context,
                                  const std::string& region, const std::string& id);
// The same, to change it: AuthFailure if it is another account's.
Result<Snapshot> find_own_snapshot(db::Session& session, const RequestContext& context,
                                   const std::string& id);
// The same, to make something of it: IncorrectState unless it is completed.
Result<Snapshot> find_completed_snapshot(db::Session& session, const RequestContext& context,
                                         const std::string& id);
Status check_completed(const Snapshot& snapshot);

// A new one of what the volume holds now, written; its host is woken if it has something to send for it.
Result<Snapshot> take_snapshot(db::Session& session, const RequestContext& context, Volume& volume,
                               const std::string& description);

// The account's own copy, in the request's region, of one that is completed; written. There is one store of
// layers for all regions, so it is completed, too.
Snapshot make_copy(db::Session& session, const RequestContext& context, const Snapshot& source,
                   const std::string& description);

}  // namespace lodge::api

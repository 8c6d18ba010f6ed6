// The control plane's side of the agents' link, whatever carries it: TLS (api/link) or a call (a simulation).
// The caller has made sure who the host is.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "db/driver/database.h"
#include "proto/agent/messages.h"
#include "proto/base/clock.h"
#include "proto/model/snapshot.h"
#include "scheduler/apply/claims.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/reconcile/host_hub.h"
#include "scheduler/reconcile/leftovers.h"
#include "scheduler/volumes/key_ring.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::scheduler {

// All in milliseconds.
struct Timing {
    std::int64_t heartbeat_ms = 3'000;
    std::int64_t lease_ms = 12'000;
    Deadlines deadlines;
    std::int64_t keep_terminated_ms = 3'600'000;      // terminated instances stay visible that long
    std::int64_t keep_client_tokens_ms = 86'400'000;  // retries with a ClientToken are recognised that long
    std::int64_t keep_events_ms = 30LL * 86'400'000;
};

// Thread-safe; methods block on the database, except that poll() may answer later, on the hub's executor.
class Agents {
  public:
    // `chassis`: what hosts are told to be in OVN. `keys` opens those of encrypted disks.
    // `flatten`: when volumes on many layers are to be.
    Agents(db::Database& database, Claims& claims, HostHub& hub, const Clock& clock, const Timing& timing,
           link::ChassisSettings chassis = {}, volumes::KeyRing keys = {}, volumes::FlattenFrom flatten = {});

    // Takes in the host's facts and makes it schedulable.
    Result<link::HelloReply> hello(const HostId& host_id, const link::HelloRequest& request);
    // Renews the lease; memory only.
    link::HeartbeatReply heartbeat(const HostId& host_id, const link::Heartbeat& heartbeat);
    void poll(const HostId& host_id, const link::PollRequest& request,
              std::function<void(Result<link::PollReply>)> reply);
    // All guests of the report in one transaction.
    Result<link::ReportReply> report(const HostId& host_id, const link::ReportRequest& request);
    // The snapshot, if it is one whose layer that host has to send.
    Result<Snapshot> awaited_layer(const HostId& host_id, const SnapshotId& id);
    // So much of it has come; for those who look, and written only now and then.
    void note_progress(const HostId& host_id, const SnapshotId& id, std::int64_t per_cent);
    // The layer is in the image folder.
    Result<link::LayerReply> layer(const HostId& host_id, const link::LayerRequest& request);
    // What of that may end. Writes nothing.
    Result<link::LeftoversReply> leftovers(const HostId& host_id, const link::LeftoversRequest& request);
    Leftovers& leftovers() { return leftovers_; }

  private:
    void apply(db::Session& session, const HostId& host_id, const link::ObservedGuest& seen);
    Result<link::PollReply> look(const HostId& host_id, const std::string& known_version);

    db::Database& database_;
    Claims& claims_;
    HostHub& hub_;
    const Clock& clock_;
    const Timing timing_;
    const link::ChassisSettings chassis_;
    const volumes::KeyRing keys_;
    const volumes::FlattenFrom flatten_;
    Leftovers leftovers_;
};

}  // namespace lodge::scheduler

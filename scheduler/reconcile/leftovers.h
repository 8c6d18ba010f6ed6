// What hosts have of Lodge that the control plane does not want there: what of it may end, and what only the
// operator can tell.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/agent/leftovers.h"

namespace lodge::scheduler {

// over: it ended, for good; so it did in every newer state of the database, too. wanted: its host is about to
// hear of it. unknown: made up by somebody, forgotten, or newer than the backup that the database comes from.
enum class Standing { over, wanted, unknown };

Standing standing_of(db::Session& session, const HostId& host_id, const link::LeftGuest& guest);
Standing standing_of(db::Session& session, const HostId& host_id, const VolumeId& volume_id);

// What is unknown, as the hosts told last. Memory only: they tell again after a restart. Thread-safe.
class Leftovers {
  public:
    struct Unknown {
        HostId host_id;
        std::string id;          // of a guest, or of a volume
        InstanceId instance_id;  // of a guest
        bool is_guest = false;
        bool on = false;  // a guest that has a machine
    };

    // Takes the host's request in; what may end of it.
    link::LeftoversReply judge(db::Session& session, const HostId& host_id,
                               const link::LeftoversRequest& request);
    std::vector<Unknown> unknown() const;
    // Volumes whose data hosts are to have and do not.
    std::map<HostId, std::vector<VolumeId>> missing() const;
    // The operator's word: it ends when the host asks next. False when the host has no such unknown thing.
    bool give_up(const HostId& host_id, const std::string& id);

    // The host has known a higher epoch than the database has: that comes from a backup.
    void note_restored(const HostId& host_id);
    std::set<HostId> restored() const;

  private:
    bool given_up(const HostId& host_id, const std::string& id) const;
    void judge_files(db::Session& session, const HostId& host_id, const link::LeftoversRequest& request,
                     link::LeftoversReply& reply);

    mutable std::mutex mutex_;
    std::map<HostId, std::vector<Unknown>> unknown_;
    std::map<HostId, std::vector<VolumeId>> missing_;
    std::set<std::pair<HostId, std::string>> given_up_;
    std::set<HostId> restored_;
};

}  // namespace lodge::scheduler

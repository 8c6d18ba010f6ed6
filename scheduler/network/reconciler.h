// Keeps OVN's Northbound database what the store says. Level-triggered: a kick names a VPC to look at, a full
// look comes at the start, by period and after every reconnection. One transaction for what a VPC needs.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "db/driver/database.h"
#include "proto/base/clock.h"
#include "scheduler/network/diff.h"
#include "scheduler/network/northbound.h"
#include "scheduler/network/render.h"

namespace lodge::network {

// What the reconciler is told of the rest of the control plane.
struct Surroundings {
    // Whether that host is heard, so that a change has to wait for it; null: all of them.
    Northbound::Counts is_heard;
    // Called on the reconciler's thread once a VPC's rows have been looked at and are in OVN; for one VPC
    // that changes all the time, once a second at most.
    std::function<void(const VpcId&)> written;
};

// Any thread. The database and Northbound must outlive it. Stores announce changed VPCs to it from start() on
// (Database::on_announcement, of which it is the one listener).
class Reconciler {
  public:
    // `cloud` without its gateway hosts: those are the store's. `clock` outlives it too.
    Reconciler(db::Database& database, Northbound& northbound, const Clock& clock, Cloud cloud,
               Surroundings surroundings = {});
    ~Reconciler();
    Reconciler(const Reconciler&) = delete;
    Reconciler& operator=(const Reconciler&) = delete;

    // Begins to work, on a thread of its own.
    void start();

    // The VPC, or what else that is announced, has changed, or went. Call after the commit.
    void changed(const std::string& id);
    // Look at everything again.
    void changed_all();

    // Whether OVN says that the hosts, those that are heard, have what the VPC was at that revision.
    bool is_applied(const VpcId& vpc_id, std::int64_t revision) const;

    // What went wrong last; empty when all is well. For the operator.
    std::string problem() const;

    // One round of what start() does over and over: for tests. False if anything failed and is to be tried
    // again.
    bool run_once();

  private:
    struct Written {
        std::int64_t revision = 0;
        std::int64_t configuration = 0;  // nb_cfg of the transaction
    };

    void loop();
    // Says what was written; returns when the next is to be said, by the steady clock.
    std::int64_t tell();
    bool reconcile(const std::string& scope);
    bool reconcile_all();
    bool reconcile_cloud();
    bool write(const Scope& scope, const Rows& rows);

    db::Database& database_;
    Northbound& northbound_;
    const Clock& clock_;
    Cloud cloud_;
    const Surroundings surroundings_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::set<std::string> dirty_;
    bool all_dirty_ = true;
    bool stopping_ = false;
    std::map<std::string, Written> written_;
    std::string problem_;
    std::set<VpcId> untold_;                 // the thread's own, as is the next
    std::map<VpcId, std::int64_t> told_us_;  // not long ago
    std::thread thread_;
};

}  // namespace lodge::network

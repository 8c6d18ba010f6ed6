// The seam to OVN over OVSDB's protocol: the Northbound database, and of the Southbound one how far each
// chassis has followed. Source: ovn-nb(5), ovn-sb(5): NB_Global.nb_cfg, Chassis_Private.nb_cfg.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "proto/ovsdb/client.h"
#include "scheduler/network/northbound.h"

namespace lodge::network {

// "unix:…", "tcp:…" or "ssl:…", as OVN's own tools write them.
struct OvnRemotes {
    std::string northbound;
    std::string southbound;
    ovsdb::TlsFiles tls;  // for "ssl:"
};

// Connects by itself, again and again. Any thread.
// The database is of one cloud: the first that writes to it leaves its ID in NB_Global.external_ids, and for
// another it counts as out of reach from then on, since each would take the other's rows for leftovers.
class OvsdbNorthbound final : public Northbound {
  public:
    OvsdbNorthbound(const OvnRemotes& remotes, std::string cloud_id);
    ~OvsdbNorthbound() override;

    bool read(const std::function<void(const Replica&)>& look) override;
    Status transact(const Json& operations) override;
    std::optional<std::int64_t> followed(const Counts& counts) override;
    void on_change(std::function<void()> call) override;
    std::string problem() const override;

  private:
    ovsdb::Events northbound_events();
    ovsdb::Events southbound_events();
    void tell();
    void note_owner(const Json& updates);
    bool is_known() const { return northbound_known_ && (owner_.empty() || owner_ == cloud_id_); }

    const std::string cloud_id_;
    mutable std::mutex mutex_;
    Replica replica_;
    Replica chassis_;
    std::string owner_;  // the cloud whose database it is; empty: nobody's yet
    bool northbound_known_ = false;
    bool southbound_known_ = false;
    int own_transactions_ = 0;  // under way
    std::mutex listener_mutex_;
    std::function<void()> listener_;
    // Last, so that their threads end before what they use.
    std::unique_ptr<ovsdb::Client> northbound_;
    std::unique_ptr<ovsdb::Client> southbound_;
};

}  // namespace lodge::network

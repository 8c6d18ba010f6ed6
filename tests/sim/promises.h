// What must hold after every step, whatever happened.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "db/store/instances.h"
#include "proto/model/instance.h"
#include "tests/sim/client.h"
#include "tests/sim/control_plane.h"
#include "tests/sim/host.h"

namespace lodge::sim {

// Looks at rows and machines from outside; empty answers: all is well.
class Watch {
  public:
    using Hosts = std::vector<std::unique_ptr<SimHost>>;
    using ByAccount = std::map<std::string, Promises>;

    std::string after_step(ControlPlane& lodged, const Hosts& hosts, const ByAccount& promises);
    // After many steps at once: an instance may have passed several states.
    std::string after_steps(ControlPlane& lodged, const Hosts& hosts, const ByAccount& promises);
    // The same for machines alone, while there is no control plane.
    std::string machines(const Hosts& hosts);
    // Once all has come to rest: what is said to run runs, and nothing else is left.
    std::string at_rest(ControlPlane& lodged, const Hosts& hosts, const ByAccount& promises);
    // Whether the instance was seen as terminated: such a one may be forgotten.
    bool has_ended(const std::string& id) const;
    // Whether any instance is on its way.
    static bool moving(ControlPlane& lodged);

  private:
    std::string transitions(const std::vector<db::instances::WithGuest>& rows);
    std::string kept(const std::vector<db::instances::WithGuest>& rows, const ByAccount& promises) const;
    static std::string claims(ControlPlane& lodged, const Hosts& hosts);
    static std::string volumes(ControlPlane& lodged, const std::vector<db::instances::WithGuest>& rows,
                               const ByAccount& promises);
    static std::string disks(ControlPlane& lodged, const Hosts& hosts);
    static std::string stores(const std::vector<db::instances::WithGuest>& rows, const Hosts& hosts);
    static std::string snapshots(ControlPlane& lodged, const ByAccount& promises);
    static std::string cuts(ControlPlane& lodged, const Hosts& hosts);
    static std::string chains(ControlPlane& lodged, const Hosts& hosts);

    std::map<InstanceId, InstanceState> states_;  // as they were
    std::map<GuestId, bool> ended_;               // of guests that ran: whether they have ended
};

}  // namespace lodge::sim

#include "db/store/root_disks.h"

namespace lodge::db::root_disks {

std::optional<InstanceId> instance_of(Session& session, const VolumeId& id) {
    std::optional<InstanceId> found;
    session.query("SELECT id FROM instances WHERE root_volume_id = ?", {id.str()},
                  [&](const Row& row) { found = InstanceId::parse(row.text(0)); });
    return found;
}

}  // namespace lodge::db::root_disks

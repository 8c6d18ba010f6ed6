#include "db/store/root_disks.h"

namespace lodge::db::root_disks {

std::optional<InstanceId> instance_of(Session& session, const VolumeId& id) {
    std::optional<InstanceId> found;
    session.query("SELECT id FROM instances WHERE root_volume_id = ?", {id.str()},
                  [&](const Row& row) { found = InstanceId::parse(row.text(0)); });
    return found;
}

std::map<HostId, std::vector<VolumeId>> by_host(Session& session) {
    std::map<HostId, std::vector<VolumeId>> found;
    session.query("SELECT host_id, root_volume_id FROM instances WHERE desired <> 'terminated'", {},
                  [&](const Row& row) {
                      found[HostId::trusted(std::string(row.text(0)))].push_back(
                          VolumeId::trusted(std::string(row.text(1))));
                  });
    return found;
}

}  // namespace lodge::db::root_disks

#include "scheduler/reconcile/desired.h"

#include <unordered_map>

#include "db/store/images.h"
#include "db/store/instances.h"

namespace lodge::scheduler {
namespace {

// Looks each image up once.
class Images {
  public:
    explicit Images(db::Session& session) : session_(session) {}

    const Image& get(const std::string& id) {
        auto [found, fresh] = known_.try_emplace(id);
        if (fresh && !id.empty()) found->second = db::images::find_any(session_, id).value_or(Image{});
        return found->second;
    }

  private:
    db::Session& session_;
    std::unordered_map<std::string, Image> known_;
};

link::Content content(const Image& image) {
    return {image.blob.sha256, image.blob.format, image.blob.size_bytes};
}

link::DesiredGuest desired(const db::instances::WithGuest& row, Images& images) {
    const auto& [instance, guest] = row;
    link::DesiredGuest out;
    out.guest_id = guest.id;
    out.instance_id = instance.id;
    out.generation = instance.generation;
    out.desired = instance.desired;
    out.skip_os_shutdown = instance.skip_os_shutdown;
    out.observed = guest.observed;
    out.reboots_wanted = instance.reboots_wanted;
    out.reboots_done = guest.reboots_done;
    out.instance_type = instance.instance_type;
    out.architecture = instance.architecture;
    out.vcpus = instance.vcpus;
    out.core_count = instance.core_count;
    out.threads_per_core = instance.threads_per_core;
    out.memory_mib = instance.memory_mib;
    out.root_volume_id = instance.root_volume_id;
    out.root_size_bytes = instance.root_size_bytes;
    const auto& image = images.get(instance.image_id.str());
    out.image = content(image);
    out.kernel = content(images.get(instance.kernel_id));
    out.ramdisk = content(images.get(instance.ramdisk_id));
    out.kernel_cmdline = image.kernel_cmdline;
    out.keep_root = guest.keeps_root;
    return out;
}

}  // namespace

std::vector<link::DesiredGuest> desired_guests(db::Session& session, const HostId& host_id) {
    Images images(session);
    std::vector<link::DesiredGuest> all;
    for (const auto& row : db::instances::on_host(session, host_id)) all.push_back(desired(row, images));
    return all;
}

}  // namespace lodge::scheduler

// AttachVolume, DetachVolume.
#include "scheduler/volumes/attachments.h"

#include <algorithm>

#include "api/actions/instance_view.h"
#include "api/actions/volume_view.h"
#include "db/store/volumes.h"
#include "scheduler/volumes/devices.h"
#include "scheduler/volumes/pools.h"

namespace lodge::api {
namespace {

using Row = db::instances::WithGuest;

Status check_state(const Row& row, const Volume& volume) {
    const auto state = state_of(row);
    if (state != InstanceState::running && state != InstanceState::stopped)
        return fail(ErrorCode::incorrect_state, "Instance '" + row.instance.id.str() + "' is not 'running'.");
    if (volume.attachment_state != AttachmentState::none)
        return fail(ErrorCode::volume_in_use, volume.id.str() + " is already attached to an instance");
    if (volume.deleting)
        return fail(ErrorCode::incorrect_state, "Volume '" + volume.id.str() + "' is not 'available'.");
    return {};
}

Status check_place(db::Session& session, const RequestContext& context, const Instance& instance,
                   const Volume& volume) {
    if (volume.zone != instance.zone)
        return fail(ErrorCode::invalid_volume_zone_mismatch,
                    "The volume '" + volume.id.str() +
                        "' is not in the same availability zone as instance '" + instance.id.str() + "'");
    if (volume.host_id.empty() || volume.host_id == instance.host_id) return {};
    if (volumes::share_storage(session, volume.host_id, instance.host_id)) {
        if (!is_held(session, context, volume)) return {};
        return fail(ErrorCode::incorrect_state,
                    "Volume '" + volume.id.str() +
                        "' goes to another host once its pending snapshots are completed; try again then.");
    }
    return fail(ErrorCode::unsupported_operation,
                "The volume '" + volume.id.str() + "' is on the disks of another host than the instance '" +
                    instance.id.str() + "', and the two share no storage.");
}

Status check_device(const RequestContext& context, const Instance& instance,
                    const std::vector<Volume>& others, const std::string& device) {
    const auto target = volumes::disk_target(device);
    if (!target)
        return fail(ErrorCode::invalid_parameter_value, "Value (" + device +
                                                            ") for parameter device is invalid. " + device +
                                                            " is not a valid EBS device name.");
    // The root disk's name, and the place that it has in the guest whatever it is called.
    const bool is_root = device == instance.root_device_name;
    const bool taken =
        is_root ? !instance.root_volume_id.empty()
                : *target == "vda" || std::any_of(others.begin(), others.end(), [&](const auto& other) {
                      return !other.is_root && volumes::disk_target(other.device) == target;
                  });
    if (taken)
        return fail(ErrorCode::invalid_parameter_value, "Invalid value '" + device +
                                                            "' for unixDevice. Attachment point " + device +
                                                            " is already in use");
    if (is_root) return {};
    const auto* type = context.services.catalogue.find(instance.instance_type);
    const auto most = type ? type->attachable_volumes() - 1 : most_data_volumes(instance.vcpus);
    const auto count = std::count_if(others.begin(), others.end(), [](const auto& v) { return !v.is_root; });
    return check_volume_count(instance.instance_type, most, count + 1);
}

// The attachment that the request speaks of.
Status check_attachment(const Volume& volume, const ec2::DetachVolumeRequest& request) {
    if (volume.attachment_state == AttachmentState::none)
        return fail(ErrorCode::incorrect_state,
                    "Volume '" + volume.id.str() + "' is in the '" + state_of(volume) + "' state.");
    if (request.instance_id.value_or(volume.instance_id.str()) != volume.instance_id.str() ||
        request.device.value_or(volume.device) != volume.device)
        return fail(ErrorCode::invalid_attachment_not_found,
                    "Volume '" + volume.id.str() + "' is not attached to '" +
                        request.instance_id.value_or(volume.instance_id.str()) + "' as device '" +
                        request.device.value_or(volume.device) + "'.");
    return {};
}

// A root disk is taken off, and another one put in its place, while the instance is stopped.
Status check_root(const std::optional<Row>& row, const Volume& volume) {
    if (!volume.is_root || (row && state_of(*row) == InstanceState::stopped)) return {};
    return fail(ErrorCode::operation_not_permitted, "Unable to detach root volume '" + volume.device +
                                                        "' from instance '" + volume.instance_id.str() +
                                                        "': the instance is not stopped.");
}

void put_root(db::Session& session, const RequestContext& context, Instance& instance, const Volume* volume) {
    instance.root_volume_id = volume ? volume->id : VolumeId();
    instance.root_size_bytes = volume ? volume->size_bytes : 0;
    instance.root_attached_ms = volume ? context.now_ms() : 0;
    db::instances::update_root(session, instance);
}

}  // namespace

Result<ec2::VolumeAttachment> attach_volume(RequestContext& context,
                                            const ec2::AttachVolumeRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::VolumeAttachment> {
        LODGE_TRY(auto volume, find_volume(session, context, request.volume_id));
        LODGE_TRY(auto rows, find_instances(session, context, {request.instance_id}));
        auto& row = rows.front();
        LODGE_CHECK(check_state(row, volume));
        LODGE_CHECK(check_place(session, context, row.instance, volume));
        if (volume.host_id.empty())
            LODGE_CHECK(check_space(session, context, row.instance.host_id, volume.size_bytes));
        const auto others = db::volumes::of_instance(session, row.instance.id);
        LODGE_CHECK(check_device(context, row.instance, others, request.device));
        const bool live = state_of(row) == InstanceState::running;
        const auto former_host = volume.host_id;
        volumes::begin_attach(session, volume, row.instance, request.device, live, context.now_ms());
        if (volume.is_root) put_root(session, context, row.instance, &volume);
        if (live)
            ask_guest(session, context, row);
        else
            wake_host(session, context, volume.host_id);
        if (!former_host.empty() && former_host != volume.host_id) wake_host(session, context, former_host);
        return attachment_of(volume);
    });
}

// With Force the volume is free at once, whatever the guest still does with it: its host goes on asking the
// guest to let go, and until then QEMU's lock keeps all others from the file.
Result<ec2::VolumeAttachment> detach_volume(RequestContext& context,
                                            const ec2::DetachVolumeRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::VolumeAttachment> {
        LODGE_TRY(auto volume, find_volume(session, context, request.volume_id));
        LODGE_CHECK(check_attachment(volume, request));
        auto row = db::instances::find_any(session, volume.instance_id);
        LODGE_CHECK(check_root(row, volume));
        const bool has_guest = row && holds_claim(row->guest.observed);
        if (volume.is_root) put_root(session, context, row->instance, nullptr);
        auto shown = attachment_of(volume);
        shown.state = "detaching";
        volumes::begin_detach(session, volume, has_guest && !request.force.value_or(false), context.now_ms());
        if (has_guest)
            ask_guest(session, context, *row);
        else
            wake_host(session, context, volume.host_id);
        return shown;
    });
}

}  // namespace lodge::api

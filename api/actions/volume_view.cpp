#include "api/actions/volume_view.h"

#include "api/actions/encryption.h"
#include "api/actions/image_view.h"
#include "api/actions/tagging.h"
#include "db/store/hosts.h"
#include "db/store/volumes.h"
#include "scheduler/volumes/pools.h"
#include "scheduler/volumes/room.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::api {

std::string state_of(const Volume& volume) {
    if (volume.deleting) return "deleting";
    return volume.attachment_state == AttachmentState::none ? "available" : "in-use";
}

ec2::VolumeAttachment attachment_of(const Volume& volume) {
    return {volume.id.str(),    volume.instance_id.str(),
            volume.device,      std::string(to_text(volume.attachment_state)),
            volume.attached_ms, volume.delete_on_termination};
}

ec2::Volume to_ec2(const VolumeRecord& record) {
    const auto& volume = record.value;
    ec2::Volume out;
    out.volume_id = volume.id.str();
    out.size = gib_of(volume.size_bytes);
    out.snapshot_id = volume.snapshot_id.str();
    out.availability_zone = volume.zone;
    out.state = state_of(volume);
    out.create_time = volume.created_ms;
    if (volume.attachment_state != AttachmentState::none) out.attachments.push_back(attachment_of(volume));
    out.tags = to_ec2(record.tags);
    out.volume_type = volume.type;
    out.iops = unless_zero(volume.iops);
    out.throughput = unless_zero(volume.throughput);
    out.encrypted = !volume.key_id.empty();
    out.kms_key_id = shown_kms_key(volume.key_id, volume.account_id, volume.region);
    out.multi_attach_enabled = false;
    return out;
}

Result<Volume> find_volume(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<VolumeId>(session, context, id, db::volumes::find, ErrorCode::invalid_volume_id,
                                  ErrorCode::invalid_volume_not_found);
}

std::vector<Volume> attached_volumes(db::Session& session, const InstanceId& id) {
    auto volumes = db::volumes::of_instance(session, id);
    std::erase_if(volumes, [](const Volume& volume) {
        return volume.attachment_state != AttachmentState::attached &&
               volume.attachment_state != AttachmentState::attaching;
    });
    return volumes;
}

Volume new_volume(const RequestContext& context, const std::string& zone, const VolumeShape& shape,
                  UnixMs now_ms) {
    Volume made;
    made.id = VolumeId::make(context.services.random);
    made.account_id = context.account_id;
    made.region = context.region;
    made.zone = zone;
    made.created_ms = now_ms;
    volumes::put_shape(made, shape);
    return made;
}

Status check_volume_count(const std::string& type, std::int64_t most, std::int64_t count) {
    if (count <= most) return {};
    return fail(ErrorCode::attachment_limit_exceeded, "An instance of type " + type + " has at most " +
                                                          std::to_string(most) +
                                                          " volumes besides its root disk.");
}

bool is_held(db::Session& session, const RequestContext& context, const Volume& volume) {
    return volumes::is_being_sent(session, volume) && context.services.hub.hears(volume.host_id);
}

Status check_space(db::Session& session, const RequestContext& context, const HostId& host_id,
                   std::int64_t bytes) {
    const auto condition = context.services.hub.condition(host_id, HostState::active);
    const auto host = db::hosts::find(session, host_id);
    const double overcommit = context.services.claims.overcommit().disk;
    const bool fits = !host || volumes::room_on(session, *host, overcommit) >= bytes;
    if (fits && condition != scheduler::HostCondition::low_disk) return {};
    return fail(ErrorCode::insufficient_volume_capacity,
                "The disks of the host have too little space left for more volumes, or larger ones.");
}

}  // namespace lodge::api

// ModifyVolume, DescribeVolumesModifications. Source: EBS user guide, "Modify an Amazon EBS volume".
#include "api/actions/image_view.h"
#include "api/actions/instance_view.h"
#include "api/actions/volume_view.h"
#include "db/store/volumes.h"
#include "proto/base/encoding.h"
#include "scheduler/volumes/attachments.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::api {
namespace {

struct ModificationRecord {
    VolumeModification value;
    std::vector<Tag> tags;  // the volume's are not the modification's
};

ModificationRecord load(db::Session&, VolumeModification value) {
    return {std::move(value), {}};
}

// Nothing is left to be optimised once the guest has it.
std::string state_of(const VolumeModification& value) {
    return value.ended_ms == 0 ? "modifying" : "completed";
}

ec2::VolumeModification to_ec2(const VolumeModification& value) {
    ec2::VolumeModification out;
    out.volume_id = value.id.str();
    out.modification_state = state_of(value);
    out.target_size = gib_of(value.target.size_bytes);
    out.target_iops = value.target.iops;
    out.target_volume_type = value.target.type;
    out.target_throughput = value.target.throughput;
    out.target_multi_attach_enabled = false;
    out.original_size = gib_of(value.original.size_bytes);
    out.original_iops = value.original.iops;
    out.original_volume_type = value.original.type;
    out.original_throughput = value.original.throughput;
    out.original_multi_attach_enabled = false;
    out.progress = value.ended_ms == 0 ? 0 : 100;
    out.start_time = value.started_ms;
    if (value.ended_ms > 0) out.end_time = value.ended_ms;
    return out;
}

template <class F>
describe::FilterField<ModificationRecord> text(std::string_view name, F value) {
    return filter<ModificationRecord>(name, [value](const auto& r) { return value(r.value); });
}

const describe::FilterTable<ModificationRecord>& modification_filters() {
    using M = VolumeModification;
    static const describe::FilterTable<ModificationRecord> table = {
        text("modification-state", [](const M& m) { return state_of(m); }),
        text("original-iops", [](const M& m) { return std::to_string(m.original.iops); }),
        text("original-size", [](const M& m) { return std::to_string(gib_of(m.original.size_bytes)); }),
        text("original-volume-type", [](const M& m) { return m.original.type; }),
        text("originalMultiAttachEnabled", [](const M&) { return "false"; }),
        text("start-time", [](const M& m) { return format_time(m.started_ms); }),
        text("target-iops", [](const M& m) { return std::to_string(m.target.iops); }),
        text("target-size", [](const M& m) { return std::to_string(gib_of(m.target.size_bytes)); }),
        text("target-volume-type", [](const M& m) { return m.target.type; }),
        text("targetMultiAttachEnabled", [](const M&) { return "false"; }),
        text("volume-id", [](const M& m) { return m.id.str(); }),
    };
    return table;
}

// What is not named stays, as far as the type has it; of another type it is that type's own.
volumes::Wish wish_of(const ec2::ModifyVolumeRequest& request, const Volume& volume) {
    volumes::Wish wish{request.volume_type.value_or(volume.type),
                       request.size.value_or(gib_of(volume.size_bytes)), request.iops, request.throughput};
    if (wish.type != volume.type) return wish;
    if (!wish.iops && volumes::may_choose_iops(wish.type)) wish.iops = volume.iops;
    if (!wish.throughput && volume.throughput > 0) wish.throughput = volume.throughput;
    return wish;
}

Result<VolumeShape> target_of(const ec2::ModifyVolumeRequest& request, const Volume& volume) {
    const auto wish = wish_of(request, volume);
    if (wish.size_gib < gib_of(volume.size_bytes))
        return fail(ErrorCode::invalid_parameter_value, "New size cannot be smaller than existing size");
    return volumes::shape_of(wish);
}

}  // namespace

Result<ec2::ModifyVolumeResponse> modify_volume(RequestContext& context,
                                                const ec2::ModifyVolumeRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ModifyVolumeResponse> {
        LODGE_TRY(auto volume, find_volume(session, context, request.volume_id));
        if (!request.size && !request.volume_type && !request.iops && !request.throughput)
            return fail(ErrorCode::missing_parameter, "size, volumeType, iops or throughput");
        if (volume.deleting)
            return fail(ErrorCode::incorrect_state, "Volume '" + volume.id.str() + "' is being deleted.");
        if (volume.modifying)
            return fail(ErrorCode::incorrect_modification_state,
                        "The volume '" + volume.id.str() + "' has a modification that has not ended.");
        LODGE_TRY(const auto target, target_of(request, volume));
        if (target.size_bytes > volume.size_bytes && !volume.host_id.empty())
            LODGE_CHECK(check_space(session, context, volume.host_id, target.size_bytes - volume.size_bytes));
        auto row = db::instances::find_any(session, volume.instance_id);
        const bool live = row && holds_claim(row->guest.observed);
        auto shown = to_ec2(volumes::begin_modification(session, volume, target, live, context.now_ms()));
        if (live) wake_host(session, context, volume.host_id);
        shown.modification_state = "modifying";
        return ec2::ModifyVolumeResponse{std::move(shown)};
    });
}

Result<ec2::DescribeVolumesModificationsResponse> describe_volumes_modifications(
    RequestContext& context, const ec2::DescribeVolumesModificationsRequest& request) {
    auto resource = resource_of<VolumeId, VolumeModification, ModificationRecord>(
        context, ErrorCode::invalid_volume_id, ErrorCode::invalid_volume_modification_not_found,
        modification_filters(), db::volumes::find_modification, db::volumes::list_modifications, load);
    LODGE_TRY(
        auto page,
        describe::describe<ModificationRecord>(
            context, {request.volume_id, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeVolumesModificationsResponse response;
    for (const auto& record : page.records) response.volumes_modifications.push_back(to_ec2(record.value));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

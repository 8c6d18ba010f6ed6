// CreateVolume, DeleteVolume, DescribeVolumes, DescribeVolumeStatus, EnableVolumeIO, and the volumes'
// attributes.
#include "db/store/volumes.h"
#include "api/actions/block_devices.h"
#include "api/actions/encryption.h"
#include "api/actions/image_view.h"
#include "api/actions/instance_view.h"
#include "api/actions/snapshot_view.h"
#include "api/actions/tagging.h"
#include "api/actions/volume_view.h"
#include "proto/base/encoding.h"
#include "scheduler/volumes/attachments.h"
#include "scheduler/volumes/snapshots.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::api {
namespace {

// A value of the attachment, if there is one.
template <class F>
describe::FilterField<VolumeRecord> attachment(std::string_view name, F value) {
    return {name, [value](const VolumeRecord& record, describe::Values& out) {
                if (record.value.attachment_state != AttachmentState::none)
                    out.emplace_back(value(record.value));
            }};
}

describe::FilterField<VolumeRecord> constant(std::string_view name, std::string_view value) {
    return filter<VolumeRecord>(name, [value](const auto&) { return value; });
}

const describe::FilterTable<VolumeRecord>& volume_filters() {
    static const describe::FilterTable<VolumeRecord> table = {
        attachment("attachment.attach-time", [](const Volume& v) { return format_time(v.attached_ms); }),
        attachment("attachment.delete-on-termination",
                   [](const Volume& v) { return word(v.delete_on_termination); }),
        attachment("attachment.device", [](const Volume& v) { return v.device; }),
        attachment("attachment.instance-id", [](const Volume& v) { return v.instance_id.str(); }),
        attachment("attachment.status", [](const Volume& v) { return to_text(v.attachment_state); }),
        filter<VolumeRecord>("availability-zone", [](const auto& r) { return r.value.zone; }),
        filter<VolumeRecord>("create-time", [](const auto& r) { return format_time(r.value.created_ms); }),
        filter<VolumeRecord>("encrypted", [](const auto& r) { return word(!r.value.key_id.empty()); }),
        constant("fast-restored", "false"),
        constant("multi-attach-enabled", "false"),
        none<VolumeRecord>("operator.managed"),
        none<VolumeRecord>("operator.principal"),
        filter<VolumeRecord>("size",
                             [](const auto& r) { return std::to_string(gib_of(r.value.size_bytes)); }),
        {"snapshot-id",
         [](const VolumeRecord& record, describe::Values& out) {
             if (!record.value.snapshot_id.empty()) out.emplace_back(record.value.snapshot_id.str());
         }},
        filter<VolumeRecord>("status", [](const auto& r) { return state_of(r.value); }),
        filter<VolumeRecord>("volume-id", [](const auto& r) { return r.value.id.str(); }),
        filter<VolumeRecord>("volume-type", [](const auto& r) { return r.value.type; }),
    };
    return table;
}

// A volume is as well as what its host's agent says of its hypervisor; one without a host has nothing to ail.
std::string status_of(const RequestContext& context, const VolumeRecord& record) {
    const auto& host = record.value.host_id;
    return host.empty() || context.services.hub.serves(host) ? "ok" : "insufficient-data";
}

describe::FilterTable<VolumeRecord> status_filters(const RequestContext& context) {
    return {
        none<VolumeRecord>("action.code"),
        none<VolumeRecord>("action.description"),
        none<VolumeRecord>("action.event-id"),
        filter<VolumeRecord>("availability-zone", [](const auto& r) { return r.value.zone; }),
        none<VolumeRecord>("event.description"),
        none<VolumeRecord>("event.event-id"),
        none<VolumeRecord>("event.event-type"),
        none<VolumeRecord>("event.not-after"),
        none<VolumeRecord>("event.not-before"),
        {"volume-status.details-name",
         [](const VolumeRecord&, describe::Values& out) {
             out.emplace_back("io-enabled");
             out.emplace_back("io-performance");
         }},
        {"volume-status.details-status",
         [&context](const VolumeRecord& record, describe::Values& out) {
             out.emplace_back(status_of(context, record) == "ok" ? "passed" : "insufficient-data");
             out.emplace_back("not-applicable");
         }},
        filter<VolumeRecord>("volume-status.status",
                             [&context](const auto& r) { return status_of(context, r); }),
    };
}

// EC2 tells io-performance of provisioned types alone.
ec2::VolumeStatusItem status_shown(const RequestContext& context, const VolumeRecord& record) {
    const auto status = status_of(context, record);
    ec2::VolumeStatusItem out;
    out.volume_id = record.value.id.str();
    out.availability_zone = record.value.zone;
    out.volume_status = ec2::VolumeStatusInfo{
        status, {{"io-enabled", status == "ok" ? "passed" : status}, {"io-performance", "not-applicable"}}};
    return out;
}

template <class Request>
Result<describe::Page<VolumeRecord>> page_of(RequestContext& context, const Request& request,
                                             const describe::FilterTable<VolumeRecord>& filters) {
    auto resource = resource_of<VolumeId, Volume, VolumeRecord>(
        context, ErrorCode::invalid_volume_id, ErrorCode::invalid_volume_not_found, filters,
        db::volumes::find, db::volumes::list, with_tags<Volume>);
    return describe::describe<VolumeRecord>(
        context, {request.volume_id, request.filter, request.max_results, request.next_token}, resource);
}

std::string type_of(const ec2::CreateVolumeRequest& request) {
    return request.volume_type.value_or("gp2");  // as CreateVolume has it, unlike a launch
}

Status check_multi_attach(const ec2::CreateVolumeRequest& request) {
    if (!request.multi_attach_enabled.value_or(false)) return {};
    const auto type = type_of(request);
    if (type != "io1" && type != "io2")
        return fail(ErrorCode::invalid_parameter_combination,
                    "Multi-Attach is not supported for " + type + " volumes: it needs io1 or io2.");
    return fail(ErrorCode::unsupported_operation, "A volume is attached to one instance at a time here.");
}

// As far as it can be told without the snapshot.
Status check_wish(const ec2::CreateVolumeRequest& request) {
    if (!request.size && !request.snapshot_id)
        return fail(ErrorCode::missing_parameter, "size or snapshotId");
    if (request.size)
        LODGE_CHECK(volumes::shape_of({type_of(request), *request.size, request.iops, request.throughput})
                        .map([](auto&&) {}));
    return check_multi_attach(request);
}

// As the request wishes it, in no store yet, and with its snapshot's key if that has one.
Result<Volume> wished_volume(db::Session& session, const RequestContext& context, const std::string& zone,
                             const ec2::CreateVolumeRequest& request) {
    const ShapeChange change{request.volume_type, request.size, request.iops, request.throughput};
    if (!request.snapshot_id) {
        LODGE_TRY(const auto shape, changed_shape({0, type_of(request), 0, 0}, change));
        return new_volume(context, zone, shape, context.now_ms());
    }
    LODGE_TRY(const auto snapshot, find_completed_snapshot(session, context, *request.snapshot_id));
    LODGE_TRY(const auto shape,
              shape_on(snapshot, type_of(request), change, ErrorCode::invalid_parameter_value));
    auto made = new_volume(context, zone, shape, context.now_ms());
    volumes::put_snapshot(made, snapshot);
    return made;
}

}  // namespace

// Its file is made where an instance first has it; until then there is nothing to wait for. EC2 answers
// "creating" all the same, and clients wait for "available".
Result<ec2::Volume> create_volume(RequestContext& context, const ec2::CreateVolumeRequest& request) {
    if (!request.availability_zone && !request.availability_zone_id)
        return fail(ErrorCode::missing_parameter, "AvailabilityZone");
    LODGE_TRY(const auto zone, find_zone(context, request.availability_zone, request.availability_zone_id));
    LODGE_CHECK(check_wish(request));
    LODGE_CHECK(check_encryption(context, encryption_wish(request)));
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, "volume", {"volume"}));
    return context.write([&](db::Session& session) -> Result<ec2::Volume> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) {
            LODGE_TRY(auto volume, find_volume(session, context, *earlier));
            return to_ec2(with_tags(session, std::move(volume)));
        }
        LODGE_TRY(auto made, wished_volume(session, context, zone.name, request));
        LODGE_TRY(const bool encrypted,
                  is_to_be_encrypted(session, context, !made.key_id.empty(), encryption_wish(request),
                                     ErrorCode::invalid_parameter_value));
        if (encrypted) LODGE_CHECK(give_key(session, context, made));
        db::volumes::insert(session, made);
        put_tags(session, context, made.id.str(), "volume", tags);
        remember(session, context, request.client_token, made.id.str());
        auto out = to_ec2(with_tags(session, std::move(made)));
        out.state = "creating";
        return out;
    });
}

Result<ec2::DeleteVolumeResponse> delete_volume(RequestContext& context,
                                                const ec2::DeleteVolumeRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteVolumeResponse> {
        LODGE_TRY(auto volume, find_volume(session, context, request.volume_id));
        if (volume.attachment_state != AttachmentState::none)
            return fail(ErrorCode::volume_in_use, "Volume " + volume.id.str() + " is currently attached to " +
                                                      volume.instance_id.str());
        const auto host_id = volume.host_id;
        volumes::begin_delete(session, volume);
        if (!host_id.empty()) wake_host(session, context, host_id);
        return ec2::DeleteVolumeResponse{};
    });
}

Result<ec2::DescribeVolumesResponse> describe_volumes(RequestContext& context,
                                                      const ec2::DescribeVolumesRequest& request) {
    LODGE_TRY(auto page, page_of(context, request, volume_filters()));
    ec2::DescribeVolumesResponse response;
    for (const auto& record : page.records) response.volumes.push_back(to_ec2(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribeVolumeStatusResponse> describe_volume_status(
    RequestContext& context, const ec2::DescribeVolumeStatusRequest& request) {
    const auto filters = status_filters(context);
    LODGE_TRY(auto page, page_of(context, request, filters));
    ec2::DescribeVolumeStatusResponse response;
    for (const auto& record : page.records) response.volume_statuses.push_back(status_shown(context, record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribeVolumeAttributeResponse> describe_volume_attribute(
    RequestContext& context, const ec2::DescribeVolumeAttributeRequest& request) {
    return context.read([&](db::Session& session) -> Result<ec2::DescribeVolumeAttributeResponse> {
        LODGE_TRY(const auto volume, find_volume(session, context, request.volume_id));
        ec2::DescribeVolumeAttributeResponse response;
        response.volume_id = volume.id.str();
        if (request.attribute == "autoEnableIO")
            response.auto_enable_io = ec2::VolumeAttributeFlag{volume.auto_enable_io};
        return response;
    });
}

Result<ec2::ModifyVolumeAttributeResponse> modify_volume_attribute(
    RequestContext& context, const ec2::ModifyVolumeAttributeRequest& request) {
    if (!request.auto_enable_io || !request.auto_enable_io->value)
        return fail(ErrorCode::missing_parameter, "AutoEnableIO");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyVolumeAttributeResponse> {
        LODGE_TRY(auto volume, find_volume(session, context, request.volume_id));
        volume.auto_enable_io = *request.auto_enable_io->value;
        db::volumes::update(session, volume);
        return ec2::ModifyVolumeAttributeResponse{};
    });
}

// A volume's I/O is never disabled: its data has no checks that could fail.
Result<ec2::EnableVolumeIOResponse> enable_volume_io(RequestContext& context,
                                                     const ec2::EnableVolumeIORequest& request) {
    return context.read([&](db::Session& session) -> Result<ec2::EnableVolumeIOResponse> {
        LODGE_CHECK(find_volume(session, context, request.volume_id).map([](auto&&) {}));
        return ec2::EnableVolumeIOResponse{};
    });
}

}  // namespace lodge::api

// DescribeVolumes, DescribeVolumeStatus.
#include "proto/ec2/volumes.h"

#include "api/actions/image_view.h"
#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/volumes.h"
#include "proto/base/encoding.h"

namespace lodge::api {
namespace {

using VolumeRecord = Tagged<Volume>;
using FilterField = describe::FilterField<VolumeRecord>;

// What no volume has: a filter on it finds none.
FilterField none(std::string_view name) {
    return {name, [](const VolumeRecord&, describe::Values&) {}};
}

FilterField text(std::string_view name, std::string_view value) {
    return filter<VolumeRecord>(name, [value](const auto&) { return value; });
}

const describe::FilterTable<VolumeRecord>& volume_filters() {
    static const describe::FilterTable<VolumeRecord> table = {
        filter<VolumeRecord>("attachment.attach-time",
                             [](const auto& r) { return format_time(r.value.attached_ms); }),
        text("attachment.delete-on-termination", "true"),
        filter<VolumeRecord>("attachment.device", [](const auto& r) { return r.value.device; }),
        filter<VolumeRecord>("attachment.instance-id",
                             [](const auto& r) { return r.value.instance_id.str(); }),
        text("attachment.status", "attached"),
        filter<VolumeRecord>("availability-zone", [](const auto& r) { return r.value.zone; }),
        filter<VolumeRecord>("create-time", [](const auto& r) { return format_time(r.value.created_ms); }),
        text("encrypted", "false"),
        text("fast-restored", "false"),
        text("multi-attach-enabled", "false"),
        none("operator.managed"),
        none("operator.principal"),
        filter<VolumeRecord>("size",
                             [](const auto& r) { return std::to_string(gib_of(r.value.size_bytes)); }),
        none("snapshot-id"),
        text("status", "in-use"),
        filter<VolumeRecord>("volume-id", [](const auto& r) { return r.value.id.str(); }),
        filter<VolumeRecord>("volume-type", [](const auto& r) { return r.value.type; }),
    };
    return table;
}

ec2::Volume shown(const VolumeRecord& record) {
    const auto& volume = record.value;
    ec2::Volume out;
    out.volume_id = volume.id.str();
    out.size = gib_of(volume.size_bytes);
    out.snapshot_id = "";
    out.availability_zone = volume.zone;
    out.state = "in-use";
    out.create_time = volume.created_ms;
    out.attachments.push_back(
        {volume.id.str(), volume.instance_id.str(), volume.device, "attached", volume.attached_ms, true});
    out.tags = to_ec2(record.tags);
    out.volume_type = volume.type;
    out.encrypted = false;
    out.multi_attach_enabled = false;
    return out;
}

// A volume is as well as what its host's agent says of its hypervisor.
std::string status_of(const RequestContext& context, const VolumeRecord& record) {
    const auto condition = context.services.hub.condition(record.value.host_id, HostState::active);
    return scheduler::serves(condition) ? "ok" : "insufficient-data";
}

describe::FilterTable<VolumeRecord> status_filters(const RequestContext& context) {
    return {
        none("action.code"),
        none("action.description"),
        none("action.event-id"),
        filter<VolumeRecord>("availability-zone", [](const auto& r) { return r.value.zone; }),
        none("event.description"),
        none("event.event-id"),
        none("event.event-type"),
        none("event.not-after"),
        none("event.not-before"),
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

// EC2 tells a malformed volume ID so, unlike those of other things.
Status check_ids(const std::vector<std::string>& ids) {
    for (const auto& id : ids) {
        if (VolumeId::parse(id)) continue;
        return fail(ErrorCode::invalid_parameter_value,
                    "Value (" + id + ") for parameter volumes is invalid. Expected: 'vol-...'.");
    }
    return {};
}

template <class Request>
Result<describe::Page<VolumeRecord>> page_of(RequestContext& context, const Request& request,
                                             const describe::FilterTable<VolumeRecord>& filters) {
    LODGE_CHECK(check_ids(request.volume_id));
    auto resource = resource_of<VolumeId, Volume, VolumeRecord>(
        context, ErrorCode::invalid_parameter_value, ErrorCode::invalid_volume_not_found, filters,
        db::volumes::find, db::volumes::list, with_tags<Volume>);
    return describe::describe<VolumeRecord>(
        context, {request.volume_id, request.filter, request.max_results, request.next_token}, resource);
}

}  // namespace

Result<ec2::DescribeVolumesResponse> describe_volumes(RequestContext& context,
                                                      const ec2::DescribeVolumesRequest& request) {
    LODGE_TRY(auto page, page_of(context, request, volume_filters()));
    ec2::DescribeVolumesResponse response;
    for (const auto& record : page.records) response.volumes.push_back(shown(record));
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

}  // namespace lodge::api

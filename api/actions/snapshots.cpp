// CreateSnapshot, CreateSnapshots, DeleteSnapshot, DescribeSnapshots, CopySnapshot.
#include "db/store/snapshots.h"

#include <algorithm>

#include "api/actions/encryption.h"
#include "api/actions/image_view.h"
#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/sharing.h"
#include "api/actions/snapshot_view.h"
#include "api/actions/tagging.h"
#include "api/actions/volume_view.h"
#include "proto/base/encoding.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::api {
namespace {

struct SnapshotRecord {
    Snapshot value;
    std::vector<Tag> tags;
    std::vector<AccountId> permitted = {};  // accounts with a permission, if the request asks for that
};

// --- Describing

// A value of the snapshot, if it has one.
template <class F>
describe::FilterField<SnapshotRecord> text(std::string_view name, F value) {
    return {name, [value](const SnapshotRecord& record, describe::Values& out) {
                std::string found(value(record.value));
                if (!found.empty()) out.push_back(std::move(found));
            }};
}

const describe::FilterTable<SnapshotRecord>& snapshot_filters() {
    using S = Snapshot;
    static const describe::FilterTable<SnapshotRecord> table = {
        text("description", [](const S& s) { return s.description; }),
        text("encrypted", [](const S& s) { return word(!s.key_id.empty()); }),
        text("owner-alias", [](const S& s) { return by_operator(s.account_id) ? "amazon" : ""; }),
        text("owner-id", [](const S& s) { return s.account_id; }),
        text("progress", [](const S& s) { return shown_progress(s); }),
        text("snapshot-id", [](const S& s) { return s.id.str(); }),
        text("start-time", [](const S& s) { return format_time(s.created_ms); }),
        text("status", [](const S& s) { return to_text(s.state); }),
        text("storage-tier", [](const S&) { return "standard"; }),
        text("volume-id", [](const S& s) { return shown_volume_id(s); }),
        text("volume-size", [](const S& s) { return std::to_string(gib_of(s.volume_size_bytes)); }),
    };
    return table;
}

// RestorableBy: "all" are the public ones; "self" and an account those that it owns or has a permission of.
bool restorable_by(const RequestContext& context, const SnapshotRecord& record, const std::string& user) {
    const auto& owner = record.value.account_id;
    if (user == "all") return record.value.is_public;
    const bool own = owner == context.account_id && (user == "self" || user == owner);
    return own || is_permitted(context, owner, record.permitted, user);
}

bool asked_for(const RequestContext& context, const ec2::DescribeSnapshotsRequest& request,
               const SnapshotRecord& record) {
    const auto& owners = request.owner;
    const auto& users = request.restorable_by;
    auto owned = [&](const std::string& owner) { return is_owner(context, record.value.account_id, owner); };
    auto usable = [&](const std::string& user) { return restorable_by(context, record, user); };
    return (owners.empty() || std::any_of(owners.begin(), owners.end(), owned)) &&
           (users.empty() || std::any_of(users.begin(), users.end(), usable));
}

// The tags are who asks's own, whosever the snapshot is.
SnapshotRecord load(db::Session& session, const RequestContext& context,
                    const ec2::DescribeSnapshotsRequest& request, Snapshot snapshot) {
    auto tags = db::tags::of(session, context.account_id, snapshot.id.str());
    SnapshotRecord record{std::move(snapshot), std::move(tags)};
    if (!request.restorable_by.empty())
        record.permitted = db::snapshots::permissions(session, record.value.id);
    return record;
}

describe::Resource<SnapshotRecord> resource(const RequestContext& context,
                                            const ec2::DescribeSnapshotsRequest& request) {
    describe::Resource<SnapshotRecord> made = {
        [](std::string_view id) { return SnapshotId::parse(id).has_value(); },
        ErrorCode::invalid_snapshot_id_malformed,
        ErrorCode::invalid_snapshot_not_found,
        snapshot_filters(),
        [](const SnapshotRecord& record) -> const std::vector<Tag>& { return record.tags; },
        [](const SnapshotRecord& record) { return record.value.id.str(); },
        [&](db::Session& session, const std::string& id) -> std::optional<SnapshotRecord> {
            auto found = db::snapshots::find_visible(session, context.account_id, context.region, id);
            if (!found) return std::nullopt;
            return load(session, context, request, std::move(*found));
        },
        [&](db::Session& session, const std::string& after, std::int64_t limit) {
            std::vector<SnapshotRecord> records;
            for (auto& each :
                 db::snapshots::list_visible(session, context.account_id, context.region, after, limit))
                records.push_back(load(session, context, request, std::move(each)));
            return records;
        }};
    made.wanted = [&](const SnapshotRecord& record) { return asked_for(context, request, record); };
    return made;
}

// --- Creating

// EC2 answers so whatever has become of it by then, and clients wait for "completed".
ec2::Snapshot shown_new(const Snapshot& snapshot, std::vector<ec2::Tag> tags) {
    auto out = to_ec2(snapshot, {});
    out.state = "pending";
    out.progress = "";
    out.tags = std::move(tags);
    return out;
}

ec2::SnapshotInfo info_of(const ec2::Snapshot& shown) {
    return {shown.snapshot_id, shown.description, shown.encrypted, shown.owner_id,  shown.progress,
            shown.start_time,  shown.state,       shown.tags,      shown.volume_id, shown.volume_size};
}

// The disks of an instance that ends may be gone before anything was sent of them.
Status check_stays(db::Session& session, const Volume& volume) {
    if (volume.deleting)
        return fail(ErrorCode::incorrect_state, "Volume '" + volume.id.str() + "' is being deleted.");
    const auto row = db::instances::find_any(session, volume.instance_id);
    if (!row || row->instance.desired != Desired::terminated) return {};
    return fail(ErrorCode::incorrect_state, "Volume '" + volume.id.str() + "' is attached to the instance '" +
                                                row->instance.id.str() + "', which is being terminated.");
}

// What is to be left out is a data volume of the instance: else it is misspelt, and would be in.
Status check_excluded(const std::vector<std::string>& excluded, const std::vector<Volume>& volumes) {
    for (const auto& id : excluded) {
        const auto found = std::find_if(volumes.begin(), volumes.end(),
                                        [&](const Volume& volume) { return volume.id.str() == id; });
        if (found == volumes.end())
            return fail(ErrorCode::invalid_parameter_value,
                        "The volume '" + id + "' in ExcludeDataVolumeId is not attached to the instance.");
        if (found->is_root)
            return fail(
                ErrorCode::invalid_parameter_value,
                "The volume '" + id + "' in ExcludeDataVolumeId is the root volume: use ExcludeBootVolume.");
    }
    return {};
}

Result<std::vector<Volume>> asked_volumes(db::Session& session, const ec2::InstanceSpecification& wish,
                                          const InstanceId& instance_id) {
    auto volumes = attached_volumes(session, instance_id);
    const auto& excluded = wish.exclude_data_volume_id;
    LODGE_CHECK(check_excluded(excluded, volumes));
    std::erase_if(volumes, [&](const Volume& volume) {
        if (volume.is_root) return wish.exclude_boot_volume.value_or(false);
        return std::find(excluded.begin(), excluded.end(), volume.id.str()) != excluded.end();
    });
    if (!volumes.empty()) return volumes;
    return fail(ErrorCode::invalid_parameter_value,
                "No volume of the instance '" + instance_id.str() + "' is left to make a snapshot of.");
}

// The request's, and the volume's own, if the request asks for them.
Result<std::vector<ec2::Tag>> tags_with_volumes(db::Session& session,
                                                const ec2::CreateSnapshotsRequest& request,
                                                const std::vector<ec2::Tag>& tags, const Volume& volume) {
    if (!request.copy_tags_from_source) return tags;
    return with_more_tags(tags, db::tags::of(session, volume.account_id, volume.id.str()));
}

}  // namespace

// The guest goes on meanwhile: what it has not written out yet is not in the snapshot, as on EC2.
Result<ec2::Snapshot> create_snapshot(RequestContext& context, const ec2::CreateSnapshotRequest& request) {
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, "snapshot", {"snapshot"}));
    return context.write([&](db::Session& session) -> Result<ec2::Snapshot> {
        LODGE_TRY(auto volume, find_volume(session, context, request.volume_id));
        LODGE_CHECK(check_stays(session, volume));
        LODGE_TRY(const auto made, take_snapshot(session, context, volume, request.description.value_or("")));
        return shown_new(made, put_tags(session, context, made.id.str(), "snapshot", tags));
    });
}

// All of them or none.
Result<ec2::CreateSnapshotsResponse> create_snapshots(RequestContext& context,
                                                      const ec2::CreateSnapshotsRequest& request) {
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, "snapshot", {"snapshot"}));
    const auto& wish = request.instance_specification;
    return context.write([&](db::Session& session) -> Result<ec2::CreateSnapshotsResponse> {
        LODGE_TRY(const auto rows, find_instances(session, context, {wish.instance_id}));
        LODGE_CHECK(require_settled(rows.front()));
        LODGE_TRY(auto volumes, asked_volumes(session, wish, rows.front().instance.id));
        ec2::CreateSnapshotsResponse response;
        for (auto& volume : volumes) {
            LODGE_TRY(const auto all, tags_with_volumes(session, request, tags, volume));
            LODGE_TRY(const auto made,
                      take_snapshot(session, context, volume, request.description.value_or("")));
            auto shown = shown_new(made, put_tags(session, context, made.id.str(), "snapshot", all));
            response.snapshots.push_back(info_of(shown));
        }
        return response;
    });
}

Result<ec2::DeleteSnapshotResponse> delete_snapshot(RequestContext& context,
                                                    const ec2::DeleteSnapshotRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteSnapshotResponse> {
        LODGE_TRY(auto snapshot, find_own_snapshot(session, context, request.snapshot_id));
        if (const auto image_id = db::snapshots::image_with(session, snapshot.id))
            return fail(ErrorCode::invalid_snapshot_in_use, snapshot.id.str(), image_id->str());
        volumes::begin_delete(session, snapshot);
        return ec2::DeleteSnapshotResponse{};
    });
}

Result<ec2::DescribeSnapshotsResponse> describe_snapshots(RequestContext& context,
                                                          const ec2::DescribeSnapshotsRequest& request) {
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.snapshot_id, request.filter, request.max_results, request.next_token},
                  resource(context, request)));
    ec2::DescribeSnapshotsResponse response;
    for (const auto& record : page.records) response.snapshots.push_back(to_ec2(record.value, record.tags));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::CopySnapshotResponse> copy_snapshot(RequestContext& context,
                                                const ec2::CopySnapshotRequest& request) {
    LODGE_CHECK(check_region(context, request.source_region, "SourceRegion"));
    LODGE_CHECK(check_encryption(context, encryption_wish(request)));
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, "snapshot", {"snapshot"}));
    return context.write([&](db::Session& session) -> Result<ec2::CopySnapshotResponse> {
        LODGE_TRY(const auto source,
                  find_snapshot_in(session, context, request.source_region, request.source_snapshot_id));
        LODGE_CHECK(check_completed(source));
        LODGE_CHECK(check_copy(!source.key_id.empty(), encryption_wish(request)));
        const auto made = make_copy(session, context, source, request.description.value_or(""));
        return ec2::CopySnapshotResponse{made.id.str(),
                                         put_tags(session, context, made.id.str(), "snapshot", tags)};
    });
}

}  // namespace lodge::api

// DescribeSnapshotAttribute, ModifySnapshotAttribute, ResetSnapshotAttribute: who may make volumes of a
// snapshot.
#include "api/actions/sharing.h"
#include "api/actions/snapshot_view.h"
#include "db/store/snapshots.h"

namespace lodge::api {
namespace {

using Described = ec2::DescribeSnapshotAttributeResponse;

constexpr std::string_view product_codes = "productCodes";

Status check_changeable(const std::optional<std::string>& attribute) {
    if (attribute != product_codes) return {};
    return fail(ErrorCode::unsupported_operation,
                "The attribute productCodes is not supported: there is no marketplace.");
}

void show_permissions(db::Session& session, const Snapshot& snapshot, Described& out) {
    auto& shown = out.create_volume_permissions;
    if (snapshot.is_public) shown.emplace_back().group = "all";
    for (auto& account : db::snapshots::permissions(session, snapshot.id))
        shown.emplace_back().user_id = std::move(account);
}

}  // namespace

Result<Described> describe_snapshot_attribute(RequestContext& context,
                                              const ec2::DescribeSnapshotAttributeRequest& request) {
    return context.read([&](db::Session& session) -> Result<Described> {
        LODGE_TRY(const auto snapshot, find_own_snapshot(session, context, request.snapshot_id));
        Described out;
        out.snapshot_id = snapshot.id.str();
        if (request.attribute != product_codes) show_permissions(session, snapshot, out);
        return out;
    });
}

Result<ec2::ModifySnapshotAttributeResponse> modify_snapshot_attribute(
    RequestContext& context, const ec2::ModifySnapshotAttributeRequest& request) {
    LODGE_CHECK(check_changeable(request.attribute));
    LODGE_TRY(const auto change, permission_change(request, request.create_volume_permission));
    if (change.empty()) return fail(ErrorCode::invalid_parameter_combination, "No attributes specified.");
    return context.write([&](db::Session& session) -> Result<ec2::ModifySnapshotAttributeResponse> {
        LODGE_TRY(auto snapshot, find_own_snapshot(session, context, request.snapshot_id));
        if (!change.add.empty() && !snapshot.key_id.empty())
            return fail(ErrorCode::operation_not_permitted,
                        "An encrypted snapshot cannot be shared: the account's key opens it.");
        LODGE_CHECK(check_permissions(session, change, ErrorCode::invalid_snapshot_attribute_item_value));
        apply_permissions(session, change, snapshot, db::snapshots::add_permission,
                          db::snapshots::erase_permission);
        db::snapshots::update(session, snapshot);
        return ec2::ModifySnapshotAttributeResponse{};
    });
}

Result<ec2::ResetSnapshotAttributeResponse> reset_snapshot_attribute(
    RequestContext& context, const ec2::ResetSnapshotAttributeRequest& request) {
    LODGE_CHECK(check_changeable(request.attribute));
    return context.write([&](db::Session& session) -> Result<ec2::ResetSnapshotAttributeResponse> {
        LODGE_TRY(auto snapshot, find_own_snapshot(session, context, request.snapshot_id));
        snapshot.is_public = false;
        db::snapshots::update(session, snapshot);
        db::snapshots::erase_permissions(session, snapshot.id);
        return ec2::ResetSnapshotAttributeResponse{};
    });
}

}  // namespace lodge::api

#include "api/actions/sharing.h"

#include <algorithm>

#include "api/actions/image_names.h"
#include "db/store/accounts.h"

namespace lodge::api {
namespace {

Status check_item(db::Session& session, const Permission& item, ErrorCode bad_value) {
    if (item.group && item.user_id)
        return fail(ErrorCode::invalid_parameter_combination,
                    "A permission is for either a group or an account.");
    if (item.group && *item.group != "all") return fail(bad_value, *item.group, "userGroup");
    if (item.user_id && !db::accounts::find(session, *item.user_id))
        return fail(bad_value, *item.user_id, "userId");
    return {};
}

}  // namespace

bool by_operator(const AccountId& owner) {
    return owner == operator_account;
}

bool is_owner(const RequestContext& context, const AccountId& owner, const std::string& wish) {
    if (wish == "self") return owner == context.account_id;
    if (wish == "amazon") return by_operator(owner);
    return owner == wish;
}

bool is_permitted(const RequestContext& context, const AccountId& owner,
                  const std::vector<AccountId>& permitted, const std::string& user) {
    const auto& account = user == "self" ? context.account_id : user;
    const bool may_know = account == context.account_id || owner == context.account_id;
    return may_know && std::find(permitted.begin(), permitted.end(), account) != permitted.end();
}

Result<PermissionChange> one_change(PermissionChange nested, const std::optional<std::string>& operation,
                                    const std::vector<std::string>& groups,
                                    const std::vector<std::string>& users) {
    std::vector<Permission> flat;
    for (const auto& user : users) flat.emplace_back().user_id = user;
    for (const auto& group : groups) flat.emplace_back().group = group;
    if (operation && flat.empty())
        return fail(ErrorCode::invalid_parameter_combination,
                    "OperationType goes with UserId and UserGroup.");
    if (flat.empty()) return nested;
    if (!nested.empty())
        return fail(ErrorCode::invalid_parameter_combination, "Permissions are given in two forms.");
    if (!operation) return fail(ErrorCode::missing_parameter, "OperationType");
    (*operation == "add" ? nested.add : nested.remove) = std::move(flat);
    return nested;
}

Status check_permissions(db::Session& session, const PermissionChange& change, ErrorCode bad_value) {
    for (const auto* items : {&change.add, &change.remove})
        for (const auto& item : *items) LODGE_CHECK(check_item(session, item, bad_value));
    return {};
}

}  // namespace lodge::api

// Images and snapshots: each is one account's, which may let other accounts, or all of them, use it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/pipeline/context.h"

namespace lodge::api {

// What the operator owns is to accounts here what Amazon's is on EC2: its alias is "amazon".
bool by_operator(const AccountId& owner);

// Whether a request that asks for `wish`'s means that owner: "self", "amazon", or an account.
bool is_owner(const RequestContext& context, const AccountId& owner, const std::string& wish);

// Whether `user`, an account or "self", is among those permitted by name, as far as who asks may know: whom
// else something is shared with its owner alone learns.
bool is_permitted(const RequestContext& context, const AccountId& owner,
                  const std::vector<AccountId>& permitted, const std::string& user);

// Who may use it: the group of all, or an account.
struct Permission {
    std::optional<std::string> group;
    std::optional<std::string> user_id;
};

struct PermissionChange {
    std::vector<Permission> add;
    std::vector<Permission> remove;

    bool empty() const { return add.empty() && remove.empty(); }
};

// One change out of the two forms that a request may have it in: OperationType with `groups` and `users`, or
// `nested`. Errors: InvalidParameterCombination, MissingParameter.
Result<PermissionChange> one_change(PermissionChange nested, const std::optional<std::string>& operation,
                                    const std::vector<std::string>& groups,
                                    const std::vector<std::string>& users);

template <class Items>
std::vector<Permission> permissions_of(const Items& items) {
    std::vector<Permission> out;
    out.reserve(items.size());
    for (const auto& item : items) out.push_back({item.group, item.user_id});
    return out;
}

// The change that a Modify…Attribute request asks for; `nested` is its structure of Add and Remove.
template <class Request, class Nested>
Result<PermissionChange> permission_change(const Request& request, const std::optional<Nested>& nested) {
    PermissionChange change;
    if (nested) change = {permissions_of(nested->add), permissions_of(nested->remove)};
    return one_change(std::move(change), request.operation_type, request.user_group, request.user_id);
}

// Only "all" is a group, and accounts must be there: else the error `bad_value`, with the value and which
// parameter it is.
Status check_permissions(db::Session& session, const PermissionChange& change, ErrorCode bad_value);

// Makes the change: the flag in the record alone, accounts in the store by its functions.
template <class R, class IdType>
void apply_permissions(db::Session& session, const PermissionChange& change, R& record,
                       void (*add)(db::Session&, const IdType&, const AccountId&),
                       void (*erase)(db::Session&, const IdType&, const AccountId&)) {
    for (const auto& item : change.add) {
        if (item.group) record.is_public = true;
        if (item.user_id) add(session, record.id, *item.user_id);
    }
    for (const auto& item : change.remove) {
        if (item.group) record.is_public = false;
        if (item.user_id) erase(session, record.id, *item.user_id);
    }
}

}  // namespace lodge::api

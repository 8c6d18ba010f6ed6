// The operator's operations: JSON in, JSON out. Inside api/admin only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "api/actions/image_names.h"
#include "api/admin/admin.h"

namespace lodge::api::admin {

using Json = nlohmann::json;

// What one call has to work with.
struct Call {
    const Services& services;
    const AdminFacts& facts;
    Json body;       // an object; empty if the request had none
    std::string id;  // the last part of the path, where the route has one
    // On whose behalf, if that is no operator's; null: an operator's, who sees everything.
    const AccountId* account = nullptr;
    AccountId caller = std::string(operator_account);
};

// Typed members of a body. InvalidInput when one is missing or of another type.
Result<std::string> text(const Json& body, const char* name);
std::string text_or(const Json& body, const char* name, std::string otherwise);
std::int64_t number_or(const Json& body, const char* name, std::int64_t otherwise);
bool flag_or(const Json& body, const char* name, bool otherwise);

Result<Json> info(const Call& call);
Result<Json> who(const Call& call);
Result<Json> capacity(const Call& call);
Result<Json> list_accounts(const Call& call);
Result<Json> create_account(const Call& call);
Result<Json> set_limits(const Call& call);
Result<Json> set_operator(const Call& call);
Result<Json> create_key(const Call& call);
Result<Json> set_key_active(const Call& call);
Result<Json> delete_key(const Call& call);
Result<Json> list_hosts(const Call& call);
Result<Json> create_host_token(const Call& call);
Result<Json> drain_host(const Call& call);
Result<Json> remove_host(const Call& call);
Result<Json> fence_host(const Call& call);
Result<Json> forget_disks(const Call& call);
Result<Json> diagnosis(const Call& call);
Result<Json> discard(const Call& call);
Result<Json> list_images(const Call& call);
Result<Json> import_image(const Call& call);
Result<Json> delete_image(const Call& call);
Result<Json> list_instances(const Call& call);
Result<Json> list_events(const Call& call);
Result<Json> backup(const Call& call);
Result<Json> explain_placement(const Call& call);
Result<Json> explain_network(const Call& call);

}  // namespace lodge::api::admin

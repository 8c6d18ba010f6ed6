// Accounts and their access keys.
#include "db/store/accounts.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "api/actions/account_limits.h"
#include "api/actions/image_names.h"
#include "api/admin/operations.h"
#include "proto/base/encoding.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/make.h"

namespace lodge::api::admin {
namespace {

constexpr std::string_view key_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

std::string new_access_key(Random& random) {
    std::string key = "LKIA";
    while (key.size() < 20) key += key_alphabet[random.next_u64() % key_alphabet.size()];
    return key;
}

std::string new_secret(Random& random) {
    std::string bytes(30, '\0');
    random.fill(bytes.data(), bytes.size());
    return base64_encode(bytes);  // 40 characters
}

bool access_key_well_formed(std::string_view key) {
    return key.size() >= 4 && key.size() <= 128 && std::all_of(key.begin(), key.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

bool printable(std::string_view text, std::size_t least, std::size_t most) {
    return text.size() >= least && text.size() <= most &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

Status check(const Account& account) {
    if (account.name.empty() || account.name.size() > 128 || !utf8_valid(account.name))
        return fail(ErrorCode::invalid_input, "an account's name has 1 to 128 bytes of UTF-8");
    if (!account_id_well_formed(account.id))
        return fail(ErrorCode::invalid_input, "an account's ID has twelve digits");
    return {};
}

// The key of the request's body, or a new one.
Result<AccessKey> read_key(const Call& call, const AccountId& account_id) {
    auto& random = call.services.random;
    AccessKey key{text_or(call.body, "access_key", new_access_key(random)), account_id,
                  text_or(call.body, "secret_key", new_secret(random)), true, call.services.clock.now_ms()};
    if (!access_key_well_formed(key.id))
        return fail(ErrorCode::invalid_input, "an access key has 4 to 128 letters, digits and underscores");
    if (!printable(key.secret, 8, 128))
        return fail(ErrorCode::invalid_input, "a secret key has 8 to 128 printable characters");
    return key;
}

Result<Json> insert_key(db::Session& session, const Account& account, const AccessKey& key) {
    if (db::accounts::find_key(session, key.id))
        return fail(ErrorCode::conflict, "the access key " + key.id + " is taken");
    db::accounts::insert_key(session, key);
    return Json{
        {"id", account.id}, {"name", account.name}, {"access_key", key.id}, {"secret_key", key.secret}};
}

// What holds for the account: a number, or null for no limit.
Json show(const AccountLimits& limits) {
    auto shown = [](std::int64_t limit) { return limit == no_limit ? Json() : Json(limit); };
    return {{"instances", shown(limits.instances)},
            {"vcpus", shown(limits.vcpus)},
            {"elastic_ips", shown(limits.elastic_ips)}};
}

// A number of the body; null for no limit, and `now` where the body says nothing.
Result<std::int64_t> read_limit(const Json& body, const char* name, std::int64_t now) {
    auto given = body.find(name);
    if (given == body.end()) return now;
    if (given->is_null()) return no_limit;
    bool good = given->is_number_integer() && *given >= 0 && *given <= no_limit;
    if (good) return given->get<std::int64_t>();
    return fail(ErrorCode::invalid_input, std::string(name) + " is a number up to " +
                                              std::to_string(no_limit) + ", or null for no limit");
}

}  // namespace

Result<Json> list_accounts(const Call& call) {
    return call.services.database.read([&](db::Session& session) -> Result<Json> {
        Json all = Json::array();
        for (const auto& account : db::accounts::list(session)) {
            Json keys = Json::array();
            Json disabled = Json::array();
            for (const auto& key : db::accounts::list_keys(session, account.id))
                (key.active ? keys : disabled).push_back(key.id);
            all.push_back({{"id", account.id},
                           {"name", account.name},
                           {"operator", account.is_operator},
                           {"created", format_time(account.created_ms)},
                           {"access_keys", keys},
                           {"disabled_keys", disabled},
                           {"limits", show(over(db::accounts::own_limits(session, account.id),
                                                call.services.settings.limits))}});
        }
        return Json{{"accounts", all}};
    });
}

Result<Json> create_account(const Call& call) {
    LODGE_TRY(auto name, text(call.body, "name"));
    Account account{text_or(call.body, "id", make_account_id(call.services.random)), name,
                    call.services.clock.now_ms(), flag_or(call.body, "operator", false)};
    LODGE_CHECK(check(account));
    LODGE_TRY(auto key, read_key(call, account.id));
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        if (db::accounts::find(session, account.id))
            return fail(ErrorCode::conflict, "there is an account " + account.id + " already");
        db::accounts::insert(session, account);
        network::make_default_networks(session, account.id, call.services.settings.zones, account.created_ms,
                                       call.services.random);
        if (!network::equip_gateways(session, call.services.settings.public_pool, call.services.random))
            spdlog::warn("the public pool has run out: guests of account {} have no way out", account.id);
        return insert_key(session, account, key);
    });
}

Result<Json> set_operator(const Call& call) {
    const auto wanted = call.body.find("operator");
    if (wanted == call.body.end() || !wanted->is_boolean())
        return fail(ErrorCode::invalid_input, "operator is missing");
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        if (call.id == operator_account || !db::accounts::set_operator(session, call.id, wanted->get<bool>()))
            return fail(ErrorCode::not_found, "there is no account " + call.id);
        return Json{{"id", call.id}, {"operator", wanted->get<bool>()}};
    });
}

Result<Json> set_limits(const Call& call) {
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        if (!db::accounts::find(session, call.id) || call.id == operator_account)
            return fail(ErrorCode::not_found, "there is no account " + call.id);
        auto own = db::accounts::own_limits(session, call.id);
        if (flag_or(call.body, "reset", false)) own = {no_own_limit, no_own_limit, no_own_limit};
        LODGE_TRY(own.instances, read_limit(call.body, "instances", own.instances));
        LODGE_TRY(own.vcpus, read_limit(call.body, "vcpus", own.vcpus));
        LODGE_TRY(own.elastic_ips, read_limit(call.body, "elastic_ips", own.elastic_ips));
        db::accounts::put_own_limits(session, call.id, own);
        return show(over(own, call.services.settings.limits));
    });
}

Result<Json> create_key(const Call& call) {
    LODGE_TRY(auto key, read_key(call, call.id));
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        auto account = db::accounts::find(session, call.id);
        if (!account || account->id == operator_account)
            return fail(ErrorCode::not_found, "there is no account " + call.id);
        return insert_key(session, *account, key);
    });
}

Result<Json> set_key_active(const Call& call) {
    auto wanted = call.body.find("active");
    if (wanted == call.body.end() || !wanted->is_boolean())
        return fail(ErrorCode::invalid_input, "active is missing");
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        if (db::accounts::set_key_active(session, call.id, wanted->get<bool>())) return Json::object();
        return fail(ErrorCode::not_found, "there is no access key " + call.id);
    });
}

Result<Json> delete_key(const Call& call) {
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        if (db::accounts::erase_key(session, call.id)) return Json::object();
        return fail(ErrorCode::not_found, "there is no access key " + call.id);
    });
}

}  // namespace lodge::api::admin

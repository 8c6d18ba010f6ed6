#include "db/store/accounts.h"

namespace lodge::db::accounts {
namespace {

Account account_from(const Row& row) {
    return {std::string(row.text(0)), std::string(row.text(1)), row.integer(2), row.integer(3) != 0};
}

AccessKey key_from(const Row& row) {
    return {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)), row.integer(3) != 0,
            row.integer(4)};
}

}  // namespace

void insert(Session& session, const Account& account) {
    session.execute("INSERT INTO accounts (id, name, created_ms, is_operator) VALUES (?, ?, ?, ?)",
                    {account.id, account.name, account.created_ms, std::int64_t{account.is_operator}});
}

std::optional<Account> find(Session& session, const AccountId& id) {
    std::optional<Account> found;
    session.query("SELECT id, name, created_ms, is_operator FROM accounts WHERE id = ?", {id},
                  [&](const Row& row) { found = account_from(row); });
    return found;
}

std::vector<Account> list(Session& session) {
    std::vector<Account> all;
    session.query("SELECT id, name, created_ms, is_operator FROM accounts ORDER BY id", {},
                  [&](const Row& row) { all.push_back(account_from(row)); });
    return all;
}

bool set_operator(Session& session, const AccountId& id, bool is_operator) {
    return session.execute("UPDATE accounts SET is_operator = ? WHERE id = ?",
                           {std::int64_t{is_operator}, id}) > 0;
}

AccountLimits own_limits(Session& session, const AccountId& id) {
    AccountLimits found{no_own_limit, no_own_limit, no_own_limit};
    session.query("SELECT instances, vcpus, elastic_ips FROM account_limits WHERE account_id = ?", {id},
                  [&](const Row& row) {
                      found = {row.integer(0), row.integer(1), row.integer(2)};
                  });
    return found;
}

void put_own_limits(Session& session, const AccountId& id, const AccountLimits& limits) {
    session.execute("DELETE FROM account_limits WHERE account_id = ?", {id});
    session.execute(
        "INSERT INTO account_limits (account_id, instances, vcpus, elastic_ips) VALUES (?, ?, ?, ?)",
        {id, limits.instances, limits.vcpus, limits.elastic_ips});
}

void insert_key(Session& session, const AccessKey& key) {
    session.execute(
        "INSERT INTO access_keys (id, account_id, secret, active, created_ms) VALUES (?, ?, ?, ?, ?)",
        {key.id, key.account_id, key.secret, std::int64_t{key.active}, key.created_ms});
}

std::optional<AccessKey> find_key(Session& session, std::string_view id) {
    std::optional<AccessKey> found;
    session.query("SELECT id, account_id, secret, active, created_ms FROM access_keys WHERE id = ?", {id},
                  [&](const Row& row) { found = key_from(row); });
    return found;
}

bool set_key_active(Session& session, std::string_view id, bool active) {
    return session.execute("UPDATE access_keys SET active = ? WHERE id = ?", {std::int64_t{active}, id}) > 0;
}

bool erase_key(Session& session, std::string_view id) {
    return session.execute("DELETE FROM access_keys WHERE id = ?", {id}) > 0;
}

std::vector<AccessKey> list_keys(Session& session, const AccountId& account_id) {
    std::vector<AccessKey> all;
    session.query(
        "SELECT id, account_id, secret, active, created_ms FROM access_keys WHERE account_id = ? ORDER BY id",
        {account_id}, [&](const Row& row) { all.push_back(key_from(row)); });
    return all;
}

}  // namespace lodge::db::accounts

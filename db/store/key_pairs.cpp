#include "db/store/key_pairs.h"

namespace lodge::db::key_pairs {
namespace {

#define KEY_PAIR_COLUMNS "id, account_id, region, name, type, fingerprint, public_key, created_ms"

KeyPair from(const Row& row) {
    return {KeyPairId::trusted(std::string(row.text(0))),
            std::string(row.text(1)),
            std::string(row.text(2)),
            std::string(row.text(3)),
            std::string(row.text(4)),
            std::string(row.text(5)),
            std::string(row.text(6)),
            row.integer(7)};
}

std::vector<KeyPair> select(Session& session, std::string_view sql, std::initializer_list<Value> values) {
    std::vector<KeyPair> all;
    session.query(sql, values, [&](const Row& row) { all.push_back(from(row)); });
    return all;
}

std::optional<KeyPair> first(std::vector<KeyPair> found) {
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

}  // namespace

void insert(Session& session, const KeyPair& key_pair) {
    session.execute("INSERT INTO key_pairs (" KEY_PAIR_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    {key_pair.id.str(), key_pair.account_id, key_pair.region, key_pair.name, key_pair.type,
                     key_pair.fingerprint, key_pair.public_key, key_pair.created_ms});
}

void erase(Session& session, const KeyPairId& id) {
    session.execute("DELETE FROM key_pairs WHERE id = ?", {id.str()});
}

std::optional<KeyPair> find_by_name(Session& session, const AccountId& account_id, std::string_view region,
                                    std::string_view name) {
    return first(select(session,
                        "SELECT " KEY_PAIR_COLUMNS
                        " FROM key_pairs WHERE account_id = ? AND region = ? AND name = ?",
                        {account_id, region, name}));
}

std::optional<KeyPair> find(Session& session, const AccountId& account_id, std::string_view region,
                            std::string_view id) {
    return first(select(
        session, "SELECT " KEY_PAIR_COLUMNS " FROM key_pairs WHERE account_id = ? AND region = ? AND id = ?",
        {account_id, region, id}));
}

std::vector<KeyPair> list(Session& session, const AccountId& account_id, std::string_view region) {
    return select(
        session, "SELECT " KEY_PAIR_COLUMNS " FROM key_pairs WHERE account_id = ? AND region = ? ORDER BY id",
        {account_id, region});
}

}  // namespace lodge::db::key_pairs

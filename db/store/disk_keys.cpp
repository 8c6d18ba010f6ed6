#include "db/store/disk_keys.h"

#include "db/store/records.h"

namespace lodge::db::disk_keys {
namespace {

const Records<Record>& table() {
    static const Records<Record> records(
        "disk_keys", {field("id", &Record::id), field("account_id", &Record::account_id),
                      field("wrapped", &Record::wrapped), field("created_ms", &Record::created_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const Record& record) {
    table().insert(session, record);
}

std::optional<Record> find(Session& session, std::string_view id) {
    return table().find_any(session, id);
}

std::optional<Record> first(Session& session) {
    return table().one(session, "1 = 1 ORDER BY id LIMIT 1", {});
}

void erase_unused(Session& session, const std::string& id) {
    session.execute(
        "DELETE FROM disk_keys WHERE id = ? AND NOT EXISTS (SELECT 1 FROM volumes WHERE key_id = ? AND "
        "key_id <> '') AND NOT EXISTS (SELECT 1 FROM snapshots WHERE key_id = ? AND key_id <> '')",
        {id, id, id});
}

bool is_default(Session& session, const AccountId& account_id, std::string_view region) {
    bool found = false;
    session.query("SELECT 1 FROM encryption_by_default WHERE account_id = ? AND region = ?",
                  {account_id, region}, [&](const Row&) { found = true; });
    return found;
}

void set_default(Session& session, const AccountId& account_id, std::string_view region, bool encrypted) {
    session.execute("DELETE FROM encryption_by_default WHERE account_id = ? AND region = ?",
                    {account_id, region});
    if (encrypted)
        session.execute("INSERT INTO encryption_by_default (account_id, region) VALUES (?, ?)",
                        {account_id, region});
}

}  // namespace lodge::db::disk_keys

#include "db/store/grants.h"

namespace lodge::db {

Grants::Grants(std::string_view table, std::string_view column) {
    const std::string from(table);
    const std::string key(column);
    select_ = "SELECT account_id FROM " + from + " WHERE " + key + " = ? ORDER BY account_id";
    insert_ = "INSERT INTO " + from + " (" + key + ", account_id) VALUES (?, ?) ON CONFLICT DO NOTHING";
    erase_ = "DELETE FROM " + from + " WHERE " + key + " = ?";
}

std::vector<AccountId> Grants::of(Session& session, std::string_view id) const {
    std::vector<AccountId> all;
    session.query(select_, {id}, [&](const Row& row) { all.emplace_back(row.text(0)); });
    return all;
}

void Grants::add(Session& session, std::string_view id, const AccountId& account_id) const {
    session.execute(insert_, {id, account_id});
}

void Grants::erase(Session& session, std::string_view id, const AccountId& account_id) const {
    session.execute(erase_ + " AND account_id = ?", {id, account_id});
}

void Grants::erase_all(Session& session, std::string_view id) const {
    session.execute(erase_, {id});
}

}  // namespace lodge::db

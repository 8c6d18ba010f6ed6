#include "db/store/tags.h"

namespace lodge::db::tags {
namespace {

Tag from(const Row& row) {
    return {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
            std::string(row.text(3))};
}

}  // namespace

void put(Session& session, const AccountId& account_id, std::string_view region, const Tag& tag) {
    session.execute(
        "INSERT INTO tags (resource_id, account_id, region, resource_type, key, value) VALUES (?, ?, ?, ?, "
        "?, ?) "
        "ON CONFLICT (resource_id, account_id, key) DO UPDATE SET value = excluded.value",
        {tag.resource_id, account_id, region, tag.resource_type, tag.key, tag.value});
}

void erase(Session& session, const AccountId& account_id, std::string_view resource_id, std::string_view key,
           const std::string* value) {
    if (value) {
        session.execute("DELETE FROM tags WHERE resource_id = ? AND account_id = ? AND key = ? AND value = ?",
                        {resource_id, account_id, key, *value});
    } else {
        session.execute("DELETE FROM tags WHERE resource_id = ? AND account_id = ? AND key = ?",
                        {resource_id, account_id, key});
    }
}

void erase_all(Session& session, std::string_view resource_id) {
    session.execute("DELETE FROM tags WHERE resource_id = ?", {resource_id});
}

std::vector<Tag> of(Session& session, const AccountId& account_id, std::string_view resource_id) {
    std::vector<Tag> all;
    session.query(
        "SELECT resource_id, resource_type, key, value FROM tags WHERE resource_id = ? AND account_id = ? "
        "ORDER BY key",
        {resource_id, account_id}, [&](const Row& row) { all.push_back(from(row)); });
    return all;
}

std::vector<Tag> of_instances(Session& session, const instances::Span& span) {
    std::vector<Tag> all;
    session.query(
        "SELECT t.resource_id, t.resource_type, t.key, t.value FROM instances i "
        "JOIN tags t ON t.resource_id = i.id AND t.account_id = i.account_id "
        "WHERE i.account_id = ? AND i.region = ? AND (i.reservation_id, i.id) >= (?, ?) "
        "AND (i.reservation_id, i.id) <= (?, ?) ORDER BY i.reservation_id, i.id, t.key",
        {span.account_id, span.region, span.first.reservation_id, span.first.instance_id,
         span.last.reservation_id, span.last.instance_id},
        [&](const Row& row) { all.push_back(from(row)); });
    return all;
}

std::vector<Tag> list(Session& session, const AccountId& account_id, std::string_view region,
                      std::string_view after_resource, std::string_view after_key, std::int64_t limit) {
    std::vector<Tag> all;
    session.query(
        "SELECT resource_id, resource_type, key, value FROM tags WHERE account_id = ? AND region = ? "
        "AND (resource_id, key) > (?, ?) ORDER BY resource_id, key LIMIT ?",
        {account_id, region, after_resource, after_key, limit},
        [&](const Row& row) { all.push_back(from(row)); });
    return all;
}

}  // namespace lodge::db::tags

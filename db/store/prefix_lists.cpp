#include "db/store/prefix_lists.h"

#include "db/store/records.h"

namespace lodge::db::prefix_lists {
namespace {

const Records<PrefixList>& lists() {
    static const Records<PrefixList> records(
        "prefix_lists",
        {field("id", &PrefixList::id), field("account_id", &PrefixList::account_id),
         field("region", &PrefixList::region), field("name", &PrefixList::name),
         field("address_family", &PrefixList::address_family), field("max_entries", &PrefixList::max_entries),
         field("version", &PrefixList::version), field("state", &PrefixList::state),
         field("created_ms", &PrefixList::created_ms)});
    return records;
}

const Records<PrefixListEntry>& entries() {
    static const Records<PrefixListEntry> records(
        "prefix_list_entries",
        {field("prefix_list_id", &PrefixListEntry::prefix_list_id),
         field("version", &PrefixListEntry::version), field("cidr", &PrefixListEntry::cidr),
         field("description", &PrefixListEntry::description)},
        3);
    return records;
}

}  // namespace

void insert(Session& session, const PrefixList& record) {
    lists().insert(session, record);
}

void update(Session& session, const PrefixList& record) {
    lists().update(session, record);
}

void erase(Session& session, const PrefixListId& id) {
    lists().erase_id(session, id.str());
}

std::optional<PrefixList> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id) {
    return lists().find(session, account_id, region, id);
}

std::optional<PrefixList> find_any(Session& session, std::string_view id) {
    return lists().find_any(session, id);
}

std::vector<PrefixList> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit) {
    return lists().list(session, account_id, region, after, limit);
}

void insert_entry(Session& session, const PrefixListEntry& record) {
    entries().insert(session, record);
}

void erase_entries(Session& session, const PrefixListId& id) {
    entries().erase(session, "prefix_list_id = ?", {id.str()});
}

void erase_versions_before(Session& session, const PrefixListId& id, std::int64_t version) {
    entries().erase(session, "prefix_list_id = ? AND version < ?", {id.str(), version});
}

std::vector<PrefixListEntry> entries_of(Session& session, std::string_view prefix_list_id,
                                        std::int64_t version) {
    return entries().all(session, "prefix_list_id = ? AND version = ? ORDER BY cidr",
                         {prefix_list_id, version});
}

}  // namespace lodge::db::prefix_lists

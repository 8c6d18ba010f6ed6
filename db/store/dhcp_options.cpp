#include "db/store/dhcp_options.h"

#include "db/store/records.h"

namespace lodge::db::dhcp_options {
namespace {

const Records<DhcpOptions>& sets() {
    static const Records<DhcpOptions> records(
        "dhcp_options",
        {field("id", &DhcpOptions::id), field("account_id", &DhcpOptions::account_id),
         field("region", &DhcpOptions::region), field("created_ms", &DhcpOptions::created_ms)});
    return records;
}

const Records<DhcpOptionValue>& values() {
    static const Records<DhcpOptionValue> records(
        "dhcp_option_values",
        {field("dhcp_options_id", &DhcpOptionValue::dhcp_options_id), field("key", &DhcpOptionValue::key),
         field("position", &DhcpOptionValue::position), field("value", &DhcpOptionValue::value)},
        3);
    return records;
}

}  // namespace

void insert(Session& session, const DhcpOptions& record) {
    sets().insert(session, record);
}

void update(Session& session, const DhcpOptions& record) {
    sets().update(session, record);
}

void erase(Session& session, const DhcpOptionsId& id) {
    sets().erase_id(session, id.str());
}

std::optional<DhcpOptions> find(Session& session, const AccountId& account_id, std::string_view region,
                                std::string_view id) {
    return sets().find(session, account_id, region, id);
}

std::optional<DhcpOptions> find_any(Session& session, std::string_view id) {
    return sets().find_any(session, id);
}

std::vector<DhcpOptions> list(Session& session, const AccountId& account_id, std::string_view region,
                              std::string_view after, std::int64_t limit) {
    return sets().list(session, account_id, region, after, limit);
}

void insert_value(Session& session, const DhcpOptionValue& record) {
    values().insert(session, record);
}

void erase_values(Session& session, const DhcpOptionsId& id) {
    values().erase(session, "dhcp_options_id = ?", {id.str()});
}

std::vector<DhcpOptionValue> values_of(Session& session, std::string_view dhcp_options_id) {
    return values().all(session, "dhcp_options_id = ? ORDER BY key, position", {dhcp_options_id});
}

}  // namespace lodge::db::dhcp_options

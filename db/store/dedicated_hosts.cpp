#include "db/store/dedicated_hosts.h"

#include "db/store/holds_claim.h"
#include "db/store/records.h"
#include "db/store/tags.h"

namespace lodge::db::dedicated_hosts {
namespace {

using Record = DedicatedHost;

const Records<Record>& table() {
    static const Records<Record> records(
        "dedicated_hosts",
        {field("id", &Record::id), field("account_id", &Record::account_id), field("region", &Record::region),
         field("zone", &Record::zone), field("host_id", &Record::host_id),
         field("instance_type", &Record::instance_type), field("instance_family", &Record::instance_family),
         field("auto_placement", &Record::auto_placement), field("client_token", &Record::client_token),
         field("allocated_ms", &Record::allocated_ms), field("released_ms", &Record::released_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const Record& record) {
    table().insert(session, record);
}

void update(Session& session, const Record& record) {
    table().update(session, record);
}

std::optional<Record> find(Session& session, const AccountId& account_id, std::string_view region,
                           std::string_view id) {
    return table().find(session, account_id, region, id);
}

std::vector<Record> list(Session& session, const AccountId& account_id, std::string_view region,
                         std::string_view after, std::int64_t limit) {
    return table().list(session, account_id, region, after, limit);
}

std::vector<Record> held(Session& session, const AccountId& account_id, std::string_view region) {
    return table().all(session, "account_id = ? AND region = ? AND released_ms = 0 ORDER BY id",
                       {account_id, region});
}

std::vector<Record> all_held(Session& session) {
    return table().all(session, "released_ms = 0 ORDER BY id", {});
}

std::optional<Record> of_machine(Session& session, const HostId& host_id) {
    return table().one(session, "host_id = ? AND released_ms = 0", {host_id.str()});
}

void erase_released(Session& session, UnixMs before_ms) {
    for (const auto& record : table().all(session, "released_ms > 0 AND released_ms <= ?", {before_ms})) {
        tags::erase_all(session, record.id.str());
        table().erase_id(session, record.id.str());
    }
}

std::vector<instances::WithGuest> instances_on(Session& session, const Record& record) {
    auto rows = instances::on_host(session, record.host_id);
    std::erase_if(rows, [](const auto& row) { return !holds_claim(row.guest.observed); });
    return rows;
}

std::vector<Tenant> tenants(Session& session) {
    std::vector<Tenant> all;
    session.query(
        "SELECT DISTINCT g.host_id, i.account_id FROM instances i JOIN guests g ON g.id = i.guest_id "
        "WHERE i.tenancy = 'dedicated' AND g." +
            holds_claim_sql,
        {}, [&](const Row& row) {
            all.push_back({HostId::trusted(std::string(row.text(0))), std::string(row.text(1))});
        });
    return all;
}

}  // namespace lodge::db::dedicated_hosts

#include "db/store/volumes.h"

#include "db/store/records.h"
#include "db/store/tags.h"

namespace lodge::db::volumes {
namespace {

using Record = Volume;

const Records<Record>& table() {
    static const Records<Record> records(
        "volumes",
        {field("id", &Record::id), field("account_id", &Record::account_id), field("region", &Record::region),
         field("zone", &Record::zone), field("host_id", &Record::host_id),
         field("size_bytes", &Record::size_bytes), field("type", &Record::type),
         field("created_ms", &Record::created_ms), field("instance_id", &Record::instance_id),
         field("device", &Record::device), field("attached_ms", &Record::attached_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const Record& record) {
    table().insert(session, record);
}

std::optional<Record> find(Session& session, const AccountId& account_id, std::string_view region,
                           std::string_view id) {
    return table().find(session, account_id, region, id);
}

std::vector<Record> list(Session& session, const AccountId& account_id, std::string_view region,
                         std::string_view after, std::int64_t limit) {
    return table().list(session, account_id, region, after, limit);
}

void erase(Session& session, const VolumeId& id) {
    tags::erase_all(session, id.str());
    table().erase_id(session, id.str());
}

}  // namespace lodge::db::volumes

#include "db/store/metadata_defaults.h"

#include "db/store/records.h"

namespace lodge::db::metadata_defaults {
namespace {

const Records<MetadataDefaults>& table() {
    static const Records<MetadataDefaults> records(
        "instance_metadata_defaults",
        {field("account_id", &MetadataDefaults::account_id), field("region", &MetadataDefaults::region),
         field("http_tokens", &MetadataDefaults::http_tokens),
         field("http_endpoint", &MetadataDefaults::http_endpoint),
         field("hop_limit", &MetadataDefaults::hop_limit),
         field("instance_tags", &MetadataDefaults::instance_tags)},
        2);
    return records;
}

}  // namespace

MetadataDefaults get(Session& session, const AccountId& account_id, std::string_view region) {
    auto found = table().one(session, "account_id = ? AND region = ?", {account_id, region});
    if (found) return std::move(*found);
    MetadataDefaults none;
    none.account_id = account_id;
    none.region = region;
    return none;
}

void put(Session& session, const MetadataDefaults& record) {
    table().erase(session, "account_id = ? AND region = ?", {record.account_id, record.region});
    table().insert(session, record);
}

}  // namespace lodge::db::metadata_defaults

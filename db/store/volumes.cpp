#include "db/store/volumes.h"

#include "db/store/records.h"
#include "db/store/tags.h"

namespace lodge::db::volumes {
namespace {

using Record = Volume;

const Records<Record>& table() {
    static const Records<Record> records("volumes",
                                         {field("id", &Record::id),
                                          field("account_id", &Record::account_id),
                                          field("region", &Record::region),
                                          field("zone", &Record::zone),
                                          field("host_id", &Record::host_id),
                                          field("size_bytes", &Record::size_bytes),
                                          field("type", &Record::type),
                                          field("iops", &Record::iops),
                                          field("throughput", &Record::throughput),
                                          field("image_id", &Record::image_id),
                                          field("made", &Record::made),
                                          field("deleting", &Record::deleting),
                                          field("modifying", &Record::modifying),
                                          field("auto_enable_io", &Record::auto_enable_io),
                                          field("created_ms", &Record::created_ms),
                                          field("instance_id", &Record::instance_id),
                                          field("is_root", &Record::is_root),
                                          field("attachment_state", &Record::attachment_state),
                                          field("device", &Record::device),
                                          field("attached_ms", &Record::attached_ms),
                                          field("delete_on_termination", &Record::delete_on_termination),
                                          field("snapshot_id", &Record::snapshot_id),
                                          field("below_id", &Record::below_id),
                                          field("cuts", &Record::cuts),
                                          field("flat", &Record::flat),
                                          field("key_id", &Record::key_id)});
    return records;
}

const Records<VolumeModification>& modification_table() {
    using M = VolumeModification;
    using S = VolumeShape;
    static const Records<M> records(
        "volume_modifications",
        {field("id", &M::id), field("account_id", &M::account_id), field("region", &M::region),
         field("original_size_bytes", &M::original, &S::size_bytes),
         field("original_type", &M::original, &S::type), field("original_iops", &M::original, &S::iops),
         field("original_throughput", &M::original, &S::throughput),
         field("target_size_bytes", &M::target, &S::size_bytes), field("target_type", &M::target, &S::type),
         field("target_iops", &M::target, &S::iops), field("target_throughput", &M::target, &S::throughput),
         field("started_ms", &M::started_ms), field("ended_ms", &M::ended_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const Record& record) {
    table().insert(session, record);
}

void update(Session& session, const Record& record) {
    table().update(session, record);
}

std::optional<Record> find_any(Session& session, const VolumeId& id) {
    return table().find_any(session, id.str());
}

std::vector<Record> of_instance(Session& session, const InstanceId& id) {
    return table().all(session, "instance_id = ? ORDER BY is_root DESC, device", {id.str()});
}

std::vector<Record> worth_telling_of(Session& session, const instances::Span& span) {
    static const std::string sql =
        "SELECT " + table().columns("v") +
        " FROM instances i JOIN volumes v ON v.instance_id = i.id AND (v.is_root = 0 OR "
        "v.delete_on_termination = 0) WHERE i.account_id = ? AND i.region = ? AND "
        "(i.reservation_id, i.id) >= (?, ?) AND (i.reservation_id, i.id) <= (?, ?) "
        "ORDER BY v.instance_id, v.device";
    std::vector<Record> found;
    session.query(sql,
                  {span.account_id, span.region, span.first.reservation_id, span.first.instance_id,
                   span.last.reservation_id, span.last.instance_id},
                  [&](const Row& row) { table().read(found.emplace_back(), row); });
    return found;
}

std::vector<Record> of_host(Session& session, const HostId& id) {
    return table().all(session, "host_id = ? ORDER BY instance_id, device", {id.str()});
}

std::int64_t bytes_on(Session& session, const HostId& id) {
    std::int64_t bytes = 0;
    session.query("SELECT SUM(size_bytes) FROM volumes WHERE host_id = ?", {id.str()},
                  [&](const Row& row) { bytes = row.integer(0); });
    return bytes;
}

std::vector<Record> list_all(Session& session) {
    return table().all(session, "1 = 1 ORDER BY id", {});
}

std::map<HostId, std::vector<VolumeId>> by_host(Session& session) {
    std::map<HostId, std::vector<VolumeId>> found;
    session.query("SELECT host_id, id FROM volumes WHERE host_id <> ''", {}, [&](const Row& row) {
        found[HostId::trusted(std::string(row.text(0)))].push_back(
            VolumeId::trusted(std::string(row.text(1))));
    });
    return found;
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
    modification_table().erase_id(session, id.str());
    table().erase_id(session, id.str());
}

void put_modification(Session& session, const VolumeModification& record) {
    modification_table().erase_id(session, record.id.str());
    modification_table().insert(session, record);
}

void end_modification(Session& session, const VolumeId& id, UnixMs now_ms) {
    session.execute("UPDATE volume_modifications SET ended_ms = ? WHERE id = ?", {now_ms, id.str()});
}

std::optional<VolumeModification> find_modification(Session& session, const AccountId& account_id,
                                                    std::string_view region, std::string_view id) {
    return modification_table().find(session, account_id, region, id);
}

std::vector<VolumeModification> list_modifications(Session& session, const AccountId& account_id,
                                                   std::string_view region, std::string_view after,
                                                   std::int64_t limit) {
    return modification_table().list(session, account_id, region, after, limit);
}

}  // namespace lodge::db::volumes

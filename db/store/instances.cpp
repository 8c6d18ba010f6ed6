#include "db/store/instances.h"

#include "db/store/guests.h"
#include "db/store/holds_claim.h"

namespace lodge::db::instances {
namespace {

const Records<Instance>& table() {
    static const Records<Instance> all(
        "instances", {field("id", &Instance::id),
                      field("account_id", &Instance::account_id),
                      field("region", &Instance::region),
                      field("zone", &Instance::zone),
                      field("reservation_id", &Instance::reservation_id),
                      field("launch_index", &Instance::launch_index),
                      field("image_id", &Instance::image_id),
                      field("kernel_id", &Instance::kernel_id),
                      field("ramdisk_id", &Instance::ramdisk_id),
                      field("instance_type", &Instance::instance_type),
                      field("architecture", &Instance::architecture),
                      field("vcpus", &Instance::vcpus),
                      field("memory_mib", &Instance::memory_mib),
                      field("core_count", &Instance::core_count),
                      field("threads_per_core", &Instance::threads_per_core),
                      field("key_name", &Instance::key_name),
                      field("client_token", &Instance::client_token),
                      field("disable_api_termination", &Instance::disable_api_termination),
                      field("disable_api_stop", &Instance::disable_api_stop),
                      field("terminate_on_shutdown", &Instance::terminate_on_shutdown),
                      field("root_device_name", &Instance::root_device_name),
                      field("root_volume_id", &Instance::root_volume_id),
                      field("root_size_bytes", &Instance::root_size_bytes),
                      field("root_attached_ms", &Instance::root_attached_ms),
                      field("desired", &Instance::desired),
                      field("generation", &Instance::generation),
                      field("skip_os_shutdown", &Instance::skip_os_shutdown),
                      field("reboots_wanted", &Instance::reboots_wanted),
                      field("guest_id", &Instance::guest_id),
                      field("host_id", &Instance::host_id),
                      field("launched_ms", &Instance::launched_ms),
                      field("desired_ms", &Instance::desired_ms),
                      field("ended_ms", &Instance::ended_ms),
                      field("overdue", &Instance::overdue),
                      field("state_reason_code", &Instance::state_reason_code),
                      field("state_reason", &Instance::state_reason),
                      field("transition_reason", &Instance::transition_reason),
                      field("public_key", &Instance::public_key),
                      field("metadata_http_tokens", &Instance::metadata, &MetadataOptions::http_tokens),
                      field("metadata_http_endpoint", &Instance::metadata, &MetadataOptions::http_endpoint),
                      field("metadata_hop_limit", &Instance::metadata, &MetadataOptions::hop_limit),
                      field("metadata_tags", &Instance::metadata, &MetadataOptions::instance_tags),
                      field("metadata_http_ipv6", &Instance::metadata, &MetadataOptions::http_ipv6),
                      field("hostname_type", &Instance::hostname_type),
                      field("resource_name_dns_a", &Instance::resource_name_dns_a),
                      field("resource_name_dns_aaaa", &Instance::resource_name_dns_aaaa),
                      field("cpu_credits", &Instance::cpu_credits),
                      field("detailed_monitoring", &Instance::detailed_monitoring),
                      field("auto_recovery", &Instance::auto_recovery),
                      field("interrupts_wanted", &Instance::interrupts_wanted),
                      field("placement_group_id", &Instance::placement_group_id),
                      field("placement_group_name", &Instance::placement_group_name),
                      field("partition_number", &Instance::partition_number),
                      field("capacity_preference", &Instance::capacity_preference),
                      field("capacity_target", &Instance::capacity_target),
                      field("tenancy", &Instance::tenancy),
                      field("affinity", &Instance::affinity),
                      field("dedicated_host_id", &Instance::dedicated_host_id),
                      field("boot_mode", &Instance::boot_mode),
                      field("current_boot_mode", &Instance::current_boot_mode),
                      field("store_disks", &Instance::store_disks),
                      field("store_disk_bytes", &Instance::store_disk_bytes),
                      field("store_devices", &Instance::store_devices)});
    return all;
}

// i: the instance, g: its current guest.
const std::string& columns() {
    static const std::string all =
        "SELECT " + table().columns("i") + ", " + guests::table().columns("g") + " ";
    return all;
}

const std::string& with_guest() {
    static const std::string all = columns() + "FROM instances i JOIN guests g ON g.id = i.guest_id ";
    return all;
}

WithGuest from(const Row& row) {
    WithGuest out;
    table().read(out.instance, row);
    guests::table().read(out.guest, row, table().size());
    return out;
}

std::vector<WithGuest> many(Session& session, std::string_view sql, std::initializer_list<Value> values) {
    std::vector<WithGuest> all;
    session.query(sql, values, [&](const Row& row) { all.push_back(from(row)); });
    return all;
}

std::optional<WithGuest> one(Session& session, std::string_view sql, std::initializer_list<Value> values) {
    std::optional<WithGuest> found;
    session.query(sql, values, [&](const Row& row) { found = from(row); });
    return found;
}

}  // namespace

void insert(Session& session, const Instance& instance) {
    table().insert(session, instance);
}

void put_user_data(Session& session, const InstanceId& id, std::string_view bytes) {
    session.execute(
        "INSERT INTO instance_user_data (instance_id, data) VALUES (?, ?) "
        "ON CONFLICT (instance_id) DO UPDATE SET data = excluded.data",
        {id.str(), Blob{bytes}});
}

std::string user_data(Session& session, const InstanceId& id) {
    std::string bytes;
    session.query("SELECT data FROM instance_user_data WHERE instance_id = ?", {id.str()},
                  [&](const Row& row) { bytes = row.text(0); });
    return bytes;
}

void update(Session& session, const Instance& instance) {
    const auto& i = instance;
    session.execute(
        "UPDATE instances SET desired = ?, generation = ?, skip_os_shutdown = ?, reboots_wanted = ?, "
        "interrupts_wanted = ?, guest_id = ?, "
        "host_id = ?, launched_ms = ?, desired_ms = ?, ended_ms = ?, overdue = ?, state_reason_code = ?, "
        "state_reason = ?, transition_reason = ? WHERE id = ?",
        {to_text(i.desired), i.generation, std::int64_t{i.skip_os_shutdown}, i.reboots_wanted,
         i.interrupts_wanted, i.guest_id.str(), i.host_id.str(), i.launched_ms, i.desired_ms, i.ended_ms,
         std::int64_t{i.overdue}, i.state_reason_code, i.state_reason, i.transition_reason, i.id.str()});
}

void update_root(Session& session, const Instance& instance) {
    session.execute(
        "UPDATE instances SET root_volume_id = ?, root_size_bytes = ?, root_attached_ms = ? WHERE id = ?",
        {instance.root_volume_id.str(), instance.root_size_bytes, instance.root_attached_ms,
         instance.id.str()});
}

void update_attributes(Session& session, const Instance& instance) {
    const auto& i = instance;
    const auto& m = i.metadata;
    session.execute(
        "UPDATE instances SET instance_type = ?, vcpus = ?, memory_mib = ?, core_count = ?, "
        "threads_per_core = ?, kernel_id = ?, ramdisk_id = ?, disable_api_termination = ?, "
        "disable_api_stop = ?, terminate_on_shutdown = ?, metadata_http_tokens = ?, "
        "metadata_http_endpoint = ?, metadata_hop_limit = ?, metadata_tags = ?, hostname_type = ?, "
        "resource_name_dns_a = ?, resource_name_dns_aaaa = ?, cpu_credits = ?, detailed_monitoring = ?, "
        "auto_recovery = ?, placement_group_id = ?, "
        "placement_group_name = ?, partition_number = ?, capacity_preference = ?, capacity_target = ?, "
        "tenancy = ?, affinity = ?, dedicated_host_id = ?, current_boot_mode = ?, store_disks = ?, "
        "store_disk_bytes = ? WHERE id = ?",
        {i.instance_type,
         i.vcpus,
         i.memory_mib,
         i.core_count,
         i.threads_per_core,
         i.kernel_id,
         i.ramdisk_id,
         std::int64_t{i.disable_api_termination},
         std::int64_t{i.disable_api_stop},
         std::int64_t{i.terminate_on_shutdown},
         m.http_tokens,
         std::int64_t{m.http_endpoint},
         m.hop_limit,
         std::int64_t{m.instance_tags},
         i.hostname_type,
         std::int64_t{i.resource_name_dns_a},
         std::int64_t{i.resource_name_dns_aaaa},
         i.cpu_credits,
         std::int64_t{i.detailed_monitoring},
         i.auto_recovery,
         i.placement_group_id,
         i.placement_group_name,
         i.partition_number,
         i.capacity_preference,
         i.capacity_target,
         i.tenancy,
         i.affinity,
         i.dedicated_host_id,
         to_text(i.current_boot_mode),
         i.store_disks,
         i.store_disk_bytes,
         i.id.str()});
}

std::optional<WithGuest> find(Session& session, const AccountId& account_id, std::string_view region,
                              std::string_view id) {
    return one(session, with_guest() + "WHERE i.id = ? AND i.account_id = ? AND i.region = ?",
               {id, account_id, region});
}

std::optional<WithGuest> find_any(Session& session, const InstanceId& id) {
    return one(session, with_guest() + "WHERE i.id = ?", {id.str()});
}

std::vector<WithGuest> list(Session& session, const AccountId& account_id, std::string_view region,
                            const Position& after, std::int64_t limit) {
    return many(session,
                with_guest() +
                    "WHERE i.account_id = ? AND i.region = ? AND (i.reservation_id, i.id) > (?, ?) "
                    "ORDER BY i.reservation_id, i.id LIMIT ?",
                {account_id, region, after.reservation_id, after.instance_id, limit});
}

std::vector<WithGuest> of_reservation(Session& session, const AccountId& account_id,
                                      std::string_view reservation_id) {
    return many(session,
                with_guest() + "WHERE i.reservation_id = ? AND i.account_id = ? ORDER BY i.launch_index",
                {reservation_id, account_id});
}

std::vector<WithGuest> on_host(Session& session, const HostId& host_id) {
    return many(session, with_guest() + "WHERE i.host_id = ? AND g.observed <> 'removed' ORDER BY i.id",
                {host_id.str()});
}

std::vector<GroupMember> holding_in_group(Session& session, std::string_view placement_group_id) {
    std::vector<GroupMember> all;
    session.query(
        "SELECT i.id, g.host_id, i.partition_number FROM instances i JOIN guests g ON g.id = i.guest_id "
        "WHERE i.placement_group_id = ? AND g." +
            holds_claim_sql + " ORDER BY i.id",
        {placement_group_id}, [&](const Row& row) {
            all.push_back({InstanceId::trusted(std::string(row.text(0))),
                           HostId::trusted(std::string(row.text(1))), row.integer(2)});
        });
    return all;
}

std::vector<WithGuest> open_to_reservation(Session& session, const CapacityReservation& reservation) {
    return many(session,
                with_guest() +
                    "WHERE i.account_id = ? AND i.region = ? AND i.zone = ? AND i.instance_type = ? "
                    "AND i.tenancy = ? AND i.ended_ms = 0 AND i.capacity_preference IN ('open', "
                    "'capacity-reservations-only') "
                    "AND g.capacity_reservation_id = '' "
                    "AND g." +
                    holds_claim_sql + " ORDER BY i.launched_ms, i.id",
                {reservation.account_id, reservation.region, reservation.zone, reservation.instance_type,
                 reservation.tenancy});
}

std::int64_t count_in_group(Session& session, std::string_view placement_group_id) {
    std::int64_t total = 0;
    session.query("SELECT COUNT(*) FROM instances WHERE placement_group_id = ? AND ended_ms = 0",
                  {placement_group_id}, [&](const Row& row) { total = row.integer(0); });
    return total;
}

std::vector<HostId> hosts_in_vpc(Session& session, const VpcId& vpc_id) {
    std::vector<HostId> all;
    session.query(
        "SELECT DISTINCT i.host_id FROM network_interfaces n CROSS JOIN instances i "
        "WHERE n.vpc_id = ? AND n.instance_id <> '' AND i.id = n.instance_id",
        {vpc_id.str()}, [&](const Row& row) { all.push_back(HostId::trusted(std::string(row.text(0)))); });
    return all;
}

std::vector<WithGuest> in_transition(Session& session, UnixMs since_ms) {
    // CROSS JOIN keeps SQLite to the order written: from the few guests that begin to their instances, not
    // from all instances that are wanted running.
    auto all = many(session,
                    columns() +
                        "FROM guests g CROSS JOIN instances i WHERE g.observed IN ('placed', 'starting') "
                        "AND i.id = g.instance_id AND i.guest_id = g.id AND i.desired = 'running' "
                        "AND i.desired_ms < ?",
                    {since_ms});
    for (auto& row : many(session,
                          with_guest() +
                              "WHERE i.desired = 'stopped' AND i.ended_ms = 0 AND i.desired_ms < ? AND "
                              "i.overdue = 0 AND g." +
                              holds_claim_sql,
                          {since_ms}))
        all.push_back(std::move(row));
    for (auto& row :
         many(session,
              with_guest() + "WHERE i.desired = 'terminated' AND i.ended_ms = 0 AND i.desired_ms < ? AND "
                             "i.overdue = 0 AND g.observed <> 'removed'",
              {since_ms}))
        all.push_back(std::move(row));
    return all;
}

std::int64_t store_bytes_on(Session& session, const HostId& host_id) {
    std::int64_t bytes = 0;
    session.query(
        "SELECT SUM(store_disks * store_disk_bytes) FROM instances WHERE host_id = ? AND store_disks > 0 AND "
        "ended_ms = 0",
        {host_id.str()}, [&](const Row& row) { bytes = row.integer(0); });
    return bytes;
}

std::int64_t count_on_host(Session& session, const HostId& host_id) {
    std::int64_t total = 0;
    session.query(
        "SELECT COUNT(*) FROM instances i JOIN guests g ON g.id = i.guest_id "
        "WHERE i.host_id = ? AND g.observed <> 'removed'",
        {host_id.str()}, [&](const Row& row) { total = row.integer(0); });
    return total;
}

std::vector<InstanceId> ended_before(Session& session, UnixMs before_ms, std::int64_t limit) {
    std::vector<InstanceId> all;
    session.query("SELECT id FROM instances WHERE ended_ms > 0 AND ended_ms < ? ORDER BY ended_ms LIMIT ?",
                  {before_ms, limit},
                  [&](const Row& row) { all.push_back(InstanceId::trusted(std::string(row.text(0)))); });
    return all;
}

void erase(Session& session, const InstanceId& id) {
    std::string reservation_id;
    session.query("SELECT reservation_id FROM instances WHERE id = ?", {id.str()},
                  [&](const Row& row) { reservation_id = row.text(0); });
    session.execute("DELETE FROM instance_user_data WHERE instance_id = ?", {id.str()});
    session.execute("DELETE FROM console_outputs WHERE instance_id = ?", {id.str()});
    session.execute("DELETE FROM guests WHERE instance_id = ?", {id.str()});
    session.execute("DELETE FROM tags WHERE resource_id = ?", {id.str()});
    session.execute("DELETE FROM instances WHERE id = ?", {id.str()});
    session.execute(
        "DELETE FROM reservations WHERE id = ? AND NOT EXISTS (SELECT 1 FROM instances WHERE reservation_id "
        "= ?)",
        {reservation_id, reservation_id});
}

std::vector<WithGuest> list_all(Session& session, std::int64_t limit) {
    return many(session, with_guest() + "ORDER BY i.launched_ms DESC, i.id LIMIT ?", {limit});
}

std::vector<WithGuest> with_reason(Session& session, std::string_view reason_code) {
    return many(session, with_guest() + "WHERE i.state_reason_code = ? ORDER BY i.launched_ms DESC, i.id",
                {reason_code});
}

Usage usage(Session& session, const AccountId& account_id, std::string_view region) {
    Usage used;
    session.query(
        "SELECT COUNT(*), COALESCE(SUM(g.vcpus), 0) FROM instances i JOIN guests g ON g.id = i.guest_id "
        "WHERE i.account_id = ? AND i.region = ? AND i.ended_ms = 0 "
        "AND g." +
            holds_claim_sql,
        {account_id, region}, [&](const Row& row) {
            used = {row.integer(0), row.integer(1)};
        });
    return used;
}

std::int64_t count(Session& session) {
    std::int64_t total = 0;
    session.query("SELECT COUNT(*) FROM instances WHERE ended_ms = 0", {},
                  [&](const Row& row) { total = row.integer(0); });
    return total;
}

}  // namespace lodge::db::instances

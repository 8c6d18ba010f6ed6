#include "db/store/instances.h"

namespace lodge::db::instances {
namespace {

// i: the instance, g: its current guest.
#define INSTANCE_COLUMNS                                                                                     \
    "i.id, i.account_id, i.region, i.zone, i.reservation_id, i.launch_index, i.image_id, i.kernel_id, "      \
    "i.ramdisk_id, "                                                                                         \
    "i.instance_type, i.architecture, i.vcpus, i.memory_mib, i.core_count, i.threads_per_core, i.key_name, " \
    "i.user_data, i.client_token, i.disable_api_termination, i.disable_api_stop, i.terminate_on_shutdown, "  \
    "i.root_device_name, i.root_volume_id, i.root_size_bytes, i.root_attached_ms, i.desired, i.generation, " \
    "i.skip_os_shutdown, i.reboots_wanted, i.guest_id, i.host_id, i.launched_ms, i.desired_ms, i.ended_ms, " \
    "i.overdue, "                                                                                            \
    "i.state_reason_code, i.state_reason, i.transition_reason"
#define WITH_GUEST                                                                                       \
    "SELECT " INSTANCE_COLUMNS                                                                           \
    ", g.id, g.host_id, g.vcpus, g.memory_mib, g.keeps_root, g.observed, g.generation, g.reboots_done, " \
    "g.created_ms, g.observed_ms "                                                                       \
    "FROM instances i JOIN guests g ON g.id = i.guest_id "

// Reads columns from left to right.
class Columns {
  public:
    explicit Columns(const Row& row) : row_(row) {}
    std::int64_t integer() { return row_.integer(at_++); }
    bool flag() { return integer() != 0; }
    std::string text() { return std::string(row_.text(at_++)); }
    template <class I>
    I id() {
        return I::trusted(text());
    }
    template <class E>
    E word(E otherwise) {
        return from_text<E>(row_.text(at_++)).value_or(otherwise);
    }

  private:
    const Row& row_;
    int at_ = 0;
};

Instance read_instance(Columns& in) {
    Instance out;
    out.id = in.id<InstanceId>();
    out.account_id = in.text();
    out.region = in.text();
    out.zone = in.text();
    out.reservation_id = in.id<ReservationId>();
    out.launch_index = in.integer();
    out.image_id = in.id<ImageId>();
    out.kernel_id = in.text();
    out.ramdisk_id = in.text();
    out.instance_type = in.text();
    out.architecture = in.text();
    out.vcpus = in.integer();
    out.memory_mib = in.integer();
    out.core_count = in.integer();
    out.threads_per_core = in.integer();
    out.key_name = in.text();
    out.user_data = in.text();
    out.client_token = in.text();
    out.disable_api_termination = in.flag();
    out.disable_api_stop = in.flag();
    out.terminate_on_shutdown = in.flag();
    out.root_device_name = in.text();
    out.root_volume_id = in.id<VolumeId>();
    out.root_size_bytes = in.integer();
    out.root_attached_ms = in.integer();
    out.desired = in.word(Desired::stopped);
    out.generation = in.integer();
    out.skip_os_shutdown = in.flag();
    out.reboots_wanted = in.integer();
    out.guest_id = in.id<GuestId>();
    out.host_id = in.id<HostId>();
    out.launched_ms = in.integer();
    out.desired_ms = in.integer();
    out.ended_ms = in.integer();
    out.overdue = in.flag();
    out.state_reason_code = in.text();
    out.state_reason = in.text();
    out.transition_reason = in.text();
    return out;
}

Guest read_guest(Columns& in, InstanceId instance_id) {
    Guest out;
    out.id = in.id<GuestId>();
    out.instance_id = std::move(instance_id);
    out.host_id = in.id<HostId>();
    out.vcpus = in.integer();
    out.memory_mib = in.integer();
    out.keeps_root = in.flag();
    out.observed = in.word(Observed::placed);
    out.generation = in.integer();
    out.reboots_done = in.integer();
    out.created_ms = in.integer();
    out.observed_ms = in.integer();
    return out;
}

WithGuest from(const Row& row) {
    Columns in(row);
    WithGuest out;
    out.instance = read_instance(in);
    out.guest = read_guest(in, out.instance.id);
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
    const auto& i = instance;
    session.execute(
        "INSERT INTO instances (id, account_id, region, zone, reservation_id, launch_index, image_id, "
        "kernel_id, "
        "ramdisk_id, instance_type, architecture, vcpus, memory_mib, core_count, threads_per_core, key_name, "
        "user_data, "
        "client_token, disable_api_termination, disable_api_stop, terminate_on_shutdown, root_device_name, "
        "root_volume_id, root_size_bytes, root_attached_ms, desired, generation, skip_os_shutdown, "
        "reboots_wanted, "
        "guest_id, host_id, launched_ms, desired_ms, ended_ms, overdue, state_reason_code, state_reason, "
        "transition_reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {i.id.str(),
         i.account_id,
         i.region,
         i.zone,
         i.reservation_id.str(),
         i.launch_index,
         i.image_id.str(),
         i.kernel_id,
         i.ramdisk_id,
         i.instance_type,
         i.architecture,
         i.vcpus,
         i.memory_mib,
         i.core_count,
         i.threads_per_core,
         i.key_name,
         Blob{i.user_data},
         i.client_token,
         std::int64_t{i.disable_api_termination},
         std::int64_t{i.disable_api_stop},
         std::int64_t{i.terminate_on_shutdown},
         i.root_device_name,
         i.root_volume_id.str(),
         i.root_size_bytes,
         i.root_attached_ms,
         to_text(i.desired),
         i.generation,
         std::int64_t{i.skip_os_shutdown},
         i.reboots_wanted,
         i.guest_id.str(),
         i.host_id.str(),
         i.launched_ms,
         i.desired_ms,
         i.ended_ms,
         std::int64_t{i.overdue},
         i.state_reason_code,
         i.state_reason,
         i.transition_reason});
}

void update(Session& session, const Instance& instance) {
    const auto& i = instance;
    session.execute(
        "UPDATE instances SET desired = ?, generation = ?, skip_os_shutdown = ?, reboots_wanted = ?, "
        "guest_id = ?, "
        "host_id = ?, launched_ms = ?, desired_ms = ?, ended_ms = ?, overdue = ?, state_reason_code = ?, "
        "state_reason = ?, transition_reason = ? WHERE id = ?",
        {to_text(i.desired), i.generation, std::int64_t{i.skip_os_shutdown}, i.reboots_wanted,
         i.guest_id.str(), i.host_id.str(), i.launched_ms, i.desired_ms, i.ended_ms, std::int64_t{i.overdue},
         i.state_reason_code, i.state_reason, i.transition_reason, i.id.str()});
}

std::optional<WithGuest> find(Session& session, const AccountId& account_id, std::string_view region,
                              std::string_view id) {
    return one(session, WITH_GUEST "WHERE i.id = ? AND i.account_id = ? AND i.region = ?",
               {id, account_id, region});
}

std::optional<WithGuest> find_by_root_volume(Session& session, const AccountId& account_id,
                                             std::string_view region, std::string_view volume_id) {
    return one(session,
               WITH_GUEST
               "WHERE i.root_volume_id = ? AND i.account_id = ? AND i.region = ? AND g.observed <> 'removed'",
               {volume_id, account_id, region});
}

std::optional<WithGuest> find_any(Session& session, const InstanceId& id) {
    return one(session, WITH_GUEST "WHERE i.id = ?", {id.str()});
}

std::vector<WithGuest> list(Session& session, const AccountId& account_id, std::string_view region,
                            const Position& after, std::int64_t limit) {
    return many(session,
                WITH_GUEST
                "WHERE i.account_id = ? AND i.region = ? AND (i.reservation_id, i.id) > (?, ?) "
                "ORDER BY i.reservation_id, i.id LIMIT ?",
                {account_id, region, after.reservation_id, after.instance_id, limit});
}

std::vector<WithGuest> of_reservation(Session& session, const AccountId& account_id,
                                      std::string_view reservation_id) {
    return many(session, WITH_GUEST "WHERE i.reservation_id = ? AND i.account_id = ? ORDER BY i.launch_index",
                {reservation_id, account_id});
}

std::vector<WithGuest> on_host(Session& session, const HostId& host_id) {
    return many(session, WITH_GUEST "WHERE i.host_id = ? AND g.observed <> 'removed' ORDER BY i.id",
                {host_id.str()});
}

std::vector<WithGuest> overdue(Session& session, UnixMs since_ms, std::int64_t limit) {
    return many(session,
                WITH_GUEST
                "WHERE i.ended_ms = 0 AND i.overdue = 0 AND i.desired_ms < ? AND ("
                "(i.desired = 'running' AND g.observed IN ('placed', 'starting')) OR "
                "(i.desired = 'stopped' AND g.observed NOT IN ('gone', 'failed', 'removed')) OR "
                "(i.desired = 'terminated' AND g.observed <> 'removed')) ORDER BY i.desired_ms LIMIT ?",
                {since_ms, limit});
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
    std::string volume_id;
    session.query("SELECT reservation_id, root_volume_id FROM instances WHERE id = ?", {id.str()},
                  [&](const Row& row) {
                      reservation_id = row.text(0);
                      volume_id = row.text(1);
                  });
    session.execute("DELETE FROM console_outputs WHERE instance_id = ?", {id.str()});
    session.execute("DELETE FROM guests WHERE instance_id = ?", {id.str()});
    session.execute("DELETE FROM tags WHERE resource_id = ? OR resource_id = ?", {id.str(), volume_id});
    session.execute("DELETE FROM instances WHERE id = ?", {id.str()});
    session.execute(
        "DELETE FROM reservations WHERE id = ? AND NOT EXISTS (SELECT 1 FROM instances WHERE reservation_id "
        "= ?)",
        {reservation_id, reservation_id});
}

std::vector<WithGuest> list_all(Session& session, std::int64_t limit) {
    return many(session, WITH_GUEST "ORDER BY i.launched_ms DESC, i.id LIMIT ?", {limit});
}

std::int64_t count(Session& session) {
    std::int64_t total = 0;
    session.query("SELECT COUNT(*) FROM instances WHERE ended_ms = 0", {},
                  [&](const Row& row) { total = row.integer(0); });
    return total;
}

}  // namespace lodge::db::instances

#include "db/store/hosts.h"

#include "db/store/records.h"

namespace lodge::db::hosts {
namespace {

const Records<HostToken> tokens("host_tokens",
                                {field("secret_sha256", &HostToken::secret_sha256),
                                 field("zone", &HostToken::zone), field("expires_ms", &HostToken::expires_ms),
                                 field("host_id", &HostToken::host_id),
                                 field("key_sha256", &HostToken::key_sha256)});

#define HOST_COLUMNS                                                                                \
    "id, name, zone, architecture, state, epoch, certificate_sha256, vcpus, memory_mib, disk_mib, " \
    "created_ms, storage_pool"

Host from(const Row& row) {
    Host host;
    host.id = HostId::trusted(std::string(row.text(0)));
    host.name = row.text(1);
    host.zone = row.text(2);
    host.architecture = row.text(3);
    host.state = from_text<HostState>(row.text(4)).value_or(HostState::draining);
    host.epoch = row.integer(5);
    host.certificate_sha256 = row.text(6);
    host.vcpus = row.integer(7);
    host.memory_mib = row.integer(8);
    host.disk_mib = row.integer(9);
    host.created_ms = row.integer(10);
    host.storage_pool = row.text(11);
    return host;
}

std::optional<Host> find_one(Session& session, std::string_view sql, std::string_view value) {
    std::optional<Host> found;
    session.query(sql, {value}, [&](const Row& row) { found = from(row); });
    return found;
}

}  // namespace

void insert(Session& session, const Host& host) {
    session.execute("INSERT INTO hosts (" HOST_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    {host.id.str(), host.name, host.zone, host.architecture, to_text(host.state), host.epoch,
                     host.certificate_sha256, host.vcpus, host.memory_mib, host.disk_mib, host.created_ms,
                     host.storage_pool});
    session.announce(host.id.str());
}

void update_facts(Session& session, const Host& host) {
    session.execute(
        "UPDATE hosts SET name = ?, architecture = ?, vcpus = ?, memory_mib = ?, disk_mib = ?, "
        "storage_pool = ? WHERE id = ?",
        {host.name, host.architecture, host.vcpus, host.memory_mib, host.disk_mib, host.storage_pool,
         host.id.str()});
}

bool set_state(Session& session, const HostId& id, HostState state) {
    return session.execute("UPDATE hosts SET state = ? WHERE id = ?", {to_text(state), id.str()}) > 0;
}

std::int64_t raise_epoch(Session& session, const HostId& id, UnixMs now_ms) {
    session.execute("UPDATE hosts SET epoch = MAX(epoch + 1, ?) WHERE id = ?", {now_ms / 1000, id.str()});
    auto host = find(session, id);
    return host ? host->epoch : 0;
}

void set_certificate(Session& session, const HostId& id, std::string_view sha256) {
    session.execute("UPDATE hosts SET certificate_sha256 = ? WHERE id = ?", {sha256, id.str()});
    session.announce(id.str());
}

std::optional<Host> find(Session& session, const HostId& id) {
    return find_one(session, "SELECT " HOST_COLUMNS " FROM hosts WHERE id = ?", id.str());
}

std::optional<Host> find_by_certificate(Session& session, std::string_view sha256) {
    return find_one(session, "SELECT " HOST_COLUMNS " FROM hosts WHERE certificate_sha256 = ?", sha256);
}

std::vector<Host> in_storage_pool(Session& session, std::string_view pool) {
    std::vector<Host> all;
    if (pool.empty()) return all;
    session.query("SELECT " HOST_COLUMNS " FROM hosts WHERE storage_pool = ? ORDER BY id", {pool},
                  [&](const Row& row) { all.push_back(from(row)); });
    return all;
}

std::vector<Host> list(Session& session) {
    std::vector<Host> all;
    session.query("SELECT " HOST_COLUMNS " FROM hosts ORDER BY id", {},
                  [&](const Row& row) { all.push_back(from(row)); });
    return all;
}

void insert_token(Session& session, const HostToken& token) {
    tokens.insert(session, token);
}

std::optional<HostToken> find_token(Session& session, std::string_view secret_sha256, UnixMs now_ms) {
    return tokens.one(session, "secret_sha256 = ? AND expires_ms > ?", {secret_sha256, now_ms});
}

void use_token(Session& session, const HostToken& token) {
    tokens.update(session, token);
}

void erase_old_tokens(Session& session, UnixMs now_ms) {
    tokens.erase(session, "expires_ms <= ?", {now_ms});
}

}  // namespace lodge::db::hosts

#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/host.h"

namespace lodge::db::hosts {

void insert(Session& session, const Host& host);
// The facts an agent tells when it starts: name, architecture, capacity.
void update_facts(Session& session, const Host& host);
// Whether there was such a host.
bool set_state(Session& session, const HostId& id, HostState state);
// Returns the new one, of which agents' earlier knowledge is out of date. No epoch comes twice, not even
// after the database was restored from a backup: from the first fencing on they are seconds of the calendar,
// or more.
std::int64_t raise_epoch(Session& session, const HostId& id, UnixMs now_ms);
void set_certificate(Session& session, const HostId& id, std::string_view sha256);

std::optional<Host> find(Session& session, const HostId& id);
std::optional<Host> find_by_certificate(Session& session, std::string_view sha256);
std::vector<Host> list(Session& session);
// None for an empty name.
std::vector<Host> in_storage_pool(Session& session, std::string_view pool);

void insert_token(Session& session, const HostToken& token);
// Nothing if there is none with that hash or it has expired by `now_ms`.
std::optional<HostToken> find_token(Session& session, std::string_view secret_sha256, UnixMs now_ms);
// Writes down who joined with it.
void use_token(Session& session, const HostToken& token);
void erase_old_tokens(Session& session, UnixMs now_ms);

}  // namespace lodge::db::hosts

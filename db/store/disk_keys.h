// Keys of encrypted disks, wrapped, and whose new disks are encrypted by themselves.
#pragma once

#include <optional>
#include <string>

#include "db/driver/session.h"
#include "proto/base/clock.h"
#include "proto/model/account.h"

namespace lodge::db::disk_keys {

struct Record {
    std::string id;  // a UUID
    AccountId account_id;
    std::string wrapped;  // scheduler/volumes/key_ring.h says how
    UnixMs created_ms = 0;
};

void insert(Session& session, const Record& record);
std::optional<Record> find(Session& session, std::string_view id);
// Any; nothing if there is none.
std::optional<Record> first(Session& session);
// Unless a volume or a snapshot is encrypted with it; an empty ID is nothing.
void erase_unused(Session& session, const std::string& id);

bool is_default(Session& session, const AccountId& account_id, std::string_view region);
void set_default(Session& session, const AccountId& account_id, std::string_view region, bool encrypted);

}  // namespace lodge::db::disk_keys

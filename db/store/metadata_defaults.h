#pragma once

#include "db/driver/session.h"
#include "proto/model/instance.h"

namespace lodge::db::metadata_defaults {

// The account's in that region; no preferences when it never said any.
MetadataDefaults get(Session& session, const AccountId& account_id, std::string_view region);
void put(Session& session, const MetadataDefaults& record);

}  // namespace lodge::db::metadata_defaults

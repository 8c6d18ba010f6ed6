// What users and operators can read about what happened.
#pragma once

#include <string_view>

#include "db/driver/session.h"
#include "proto/model/instance.h"
#include "scheduler/apply/claims.h"

namespace lodge::scheduler {

void record(db::Session& session, UnixMs now_ms, const AccountId& account_id, std::string_view resource_id,
            std::string_view kind, std::string_view message);

// "pending -> running", with the reason where there is one; nothing if the two are the same.
void record_transition(db::Session& session, const Instance& instance, InstanceState before,
                       InstanceState after, UnixMs now_ms);

// Takes the host's condition into the index, and tells of it if it is another one.
void note_condition(db::Session& session, Claims& claims, const HostId& host_id, HostCondition now,
                    UnixMs now_ms);

}  // namespace lodge::scheduler

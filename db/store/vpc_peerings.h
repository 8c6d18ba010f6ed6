#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/gateway.h"

namespace lodge::db::vpc_peerings {

void insert(Session& session, const VpcPeering& record);
void update(Session& session, const VpcPeering& record);
void erase(Session& session, const VpcPeeringId& id);
// One that the account is a side of.
std::optional<VpcPeering> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id);
std::optional<VpcPeering> find_any(Session& session, std::string_view id);
std::vector<VpcPeering> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit);
// Those the VPC is a side of.
std::vector<VpcPeering> of_vpc(Session& session, const VpcId& vpc_id);
// Those whose request runs out by `now_ms`.
std::vector<VpcPeering> expiring(Session& session, UnixMs now_ms);
// Those that ended by `before_ms`, whatever became of them.
std::vector<VpcPeering> ended_before(Session& session, UnixMs before_ms);

}  // namespace lodge::db::vpc_peerings

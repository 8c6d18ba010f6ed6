#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/gateway.h"

namespace lodge::db::nat_gateways {

void insert(Session& session, const NatGateway& record);
void update(Session& session, const NatGateway& record);
void erase(Session& session, const NatGatewayId& id);
std::optional<NatGateway> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id);
std::optional<NatGateway> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<NatGateway> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit);
std::vector<NatGateway> of_vpc(Session& session, const VpcId& vpc_id);
std::vector<NatGateway> in_state(Session& session, NatGatewayState state);

}  // namespace lodge::db::nat_gateways

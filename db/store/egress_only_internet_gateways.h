#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/gateway.h"

namespace lodge::db::egress_only_internet_gateways {

void insert(Session& session, const EgressOnlyInternetGateway& record);
void update(Session& session, const EgressOnlyInternetGateway& record);
void erase(Session& session, const EgressOnlyInternetGatewayId& id);
std::optional<EgressOnlyInternetGateway> find(Session& session, const AccountId& account_id,
                                              std::string_view region, std::string_view id);
std::optional<EgressOnlyInternetGateway> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<EgressOnlyInternetGateway> list(Session& session, const AccountId& account_id,
                                            std::string_view region, std::string_view after,
                                            std::int64_t limit);
std::vector<EgressOnlyInternetGateway> of_vpc(Session& session, const VpcId& vpc_id);

}  // namespace lodge::db::egress_only_internet_gateways

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/gateway.h"

namespace lodge::db::internet_gateways {

void insert(Session& session, const InternetGateway& record);
void update(Session& session, const InternetGateway& record);
void erase(Session& session, const InternetGatewayId& id);
std::optional<InternetGateway> find(Session& session, const AccountId& account_id, std::string_view region,
                                    std::string_view id);
std::optional<InternetGateway> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<InternetGateway> list(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view after, std::int64_t limit);
std::optional<InternetGateway> of_vpc(Session& session, std::string_view vpc_id);
// Attached ones whose router has no address in the public pool yet, by ID.
std::vector<InternetGateway> without_address(Session& session);

}  // namespace lodge::db::internet_gateways

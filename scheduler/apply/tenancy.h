// Tenancy as placement has it: pools of hosts. Hosts that all share are in none; a machine that an account
// has allocated is in one pool that no request names, and is found by its account's own list; a machine that
// holds instances of the tenancy "dedicated" is in its account's pool as long as it holds one of them.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "db/driver/session.h"
#include "scheduler/placement/place.h"

namespace lodge::scheduler {

class Claims;

inline constexpr std::string_view dedicated_hosts_pool = "host";

std::string tenants_pool(const AccountId& account_id);
bool is_tenants(std::string_view pool);

// Places instances of the tenancy "dedicated": on machines that hold the account's others, and on empty ones,
// which become the account's. In the transaction that claims: on failure it has to be given up.
tl::expected<Plan, NoCapacity> place_alone(db::Session& session, Claims& claims, const AccountId& account_id,
                                           Request request);

// Places instances on machines out of that list alone.
tl::expected<Plan, NoCapacity> place_among(const Claims& claims, const std::vector<HostId>& machines,
                                           Request request);

}  // namespace lodge::scheduler

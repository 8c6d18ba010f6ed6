// IPv6 CIDRs that their VPC or subnet has given up. EC2 goes on listing them as disassociated, and clients
// wait for that word; of each owner the last one is kept.
#pragma once

#include <optional>
#include <string_view>

#include "db/driver/session.h"
#include "proto/model/vpc.h"

namespace lodge::db::former_ipv6_cidrs {

// In the place of the owner's one before.
void put(Session& session, const FormerIpv6Cidr& record);
std::optional<FormerIpv6Cidr> of(Session& session, std::string_view owner_id);
void erase(Session& session, std::string_view owner_id);

}  // namespace lodge::db::former_ipv6_cidrs

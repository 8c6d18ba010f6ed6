// A VPC peering's life. Source: Amazon VPC Peering Guide, "VPC peering connection lifecycle".
//
//      created --> pending-acceptance --accept--> active
//         |          |    |    |                    |
//   incorrect or   7 days |  reject               delete (by either side)
//   overlapping      |    |    |                    |
//         v          v  delete v                    v
//       failed    expired |  rejected            deleted
//                         +-----------------------> ^
//
// What has ended stays visible for a while: `sees` says for whom.
#pragma once

#include "db/driver/session.h"
#include "proto/model/gateway.h"

namespace lodge::network {

inline constexpr std::int64_t hour_ms = 3'600'000;
inline constexpr std::int64_t peering_request_ms = 7 * 24 * hour_ms;

// Whether the account still sees (or ever saw) it: a failed one is its requester's alone.
bool sees(const VpcPeering& peering, const AccountId& account_id, std::string_view region, UnixMs now_ms);

// Whether any CIDR of one VPC overlaps one of the other, or they are the same.
bool overlap(db::Session& session, const VpcId& one, const VpcId& other);

// Ends it and writes it down.
void end_peering(db::Session& session, VpcPeering& peering, PeeringStatus status, std::string message,
                 UnixMs now_ms);
// For a VPC that goes: requests that nobody has accepted go with it.
void end_requests_of(db::Session& session, const VpcId& vpc_id, UnixMs now_ms);
// Requests that ran out expire; what nobody sees any more is forgotten.
void settle_peerings(db::Session& session, UnixMs now_ms);

}  // namespace lodge::network

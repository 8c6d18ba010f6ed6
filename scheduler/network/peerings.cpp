#include "scheduler/network/peerings.h"

#include <algorithm>

#include "db/store/tags.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"
#include "proto/base/cidr.h"

namespace lodge::network {
namespace {

constexpr std::int64_t short_ms = 2 * hour_ms;
constexpr std::int64_t long_ms = 48 * hour_ms;

bool is_side(const VpcPeering::Side& side, const AccountId& account_id, std::string_view region) {
    return side.account_id == account_id && side.region == region;
}

// How long an ended one stays visible to its requester and to its accepter.
std::int64_t visible_ms(const VpcPeering& peering, bool to_requester) {
    switch (peering.status) {
        case PeeringStatus::failed:
            return to_requester ? short_ms : 0;
        case PeeringStatus::rejected:
            return to_requester ? long_ms : short_ms;
        case PeeringStatus::expired:
            return long_ms;
        case PeeringStatus::deleted:
            return peering.requester.account_id == peering.accepter.account_id ? short_ms : long_ms;
        case PeeringStatus::pending_acceptance:
        case PeeringStatus::active:
            break;
    }
    return 0;
}

bool has_ended(const VpcPeering& peering) {
    return peering.status != PeeringStatus::pending_acceptance && peering.status != PeeringStatus::active;
}

}  // namespace

bool sees(const VpcPeering& peering, const AccountId& account_id, std::string_view region, UnixMs now_ms) {
    bool requests = is_side(peering.requester, account_id, region);
    bool accepts = is_side(peering.accepter, account_id, region);
    if (!has_ended(peering)) return requests || accepts;
    auto age = now_ms - peering.ended_ms;
    return (requests && age < visible_ms(peering, true)) || (accepts && age < visible_ms(peering, false));
}

bool overlap(db::Session& session, const VpcId& one, const VpcId& other) {
    auto theirs = db::vpcs::cidrs_of(session, other);
    auto overlaps = [&](const VpcCidr& mine) {
        auto cidr = Cidr::parse(mine.cidr);
        return std::any_of(theirs.begin(), theirs.end(), [&](const VpcCidr& their) {
            auto wanted = Cidr::parse(their.cidr);
            return cidr && wanted && cidr->overlaps(*wanted);
        });
    };
    auto own = db::vpcs::cidrs_of(session, one);
    return std::any_of(own.begin(), own.end(), overlaps);
}

void end_peering(db::Session& session, VpcPeering& peering, PeeringStatus status, std::string message,
                 UnixMs now_ms) {
    peering.status = status;
    peering.status_message = std::move(message);
    peering.ended_ms = now_ms;
    db::vpc_peerings::update(session, peering);
}

void end_requests_of(db::Session& session, const VpcId& vpc_id, UnixMs now_ms) {
    for (auto& peering : db::vpc_peerings::of_vpc(session, vpc_id)) {
        if (peering.status != PeeringStatus::pending_acceptance) continue;
        const auto& side = peering.requester.vpc_id == vpc_id ? peering.requester : peering.accepter;
        end_peering(session, peering, PeeringStatus::deleted, "Deleted by " + side.account_id, now_ms);
    }
}

void settle_peerings(db::Session& session, UnixMs now_ms) {
    for (auto& peering : db::vpc_peerings::expiring(session, now_ms))
        end_peering(session, peering, PeeringStatus::expired, "Expired", now_ms);
    for (const auto& peering : db::vpc_peerings::ended_before(session, now_ms - long_ms)) {
        db::vpc_peerings::erase(session, peering.id);
        db::tags::erase_all(session, peering.id.str());
    }
}

}  // namespace lodge::network

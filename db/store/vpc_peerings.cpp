#include "db/store/vpc_peerings.h"

#include "db/store/records.h"

namespace lodge::db::vpc_peerings {
namespace {

const Records<VpcPeering>& peerings() {
    static const Records<VpcPeering> records(
        "vpc_peerings",
        {field("id", &VpcPeering::id),
         field("requester_account_id", &VpcPeering::requester, &VpcPeering::Side::account_id),
         field("requester_region", &VpcPeering::requester, &VpcPeering::Side::region),
         field("requester_vpc_id", &VpcPeering::requester, &VpcPeering::Side::vpc_id),
         field("requester_cidrs", &VpcPeering::requester, &VpcPeering::Side::cidrs),
         field("requester_dns", &VpcPeering::requester, &VpcPeering::Side::resolves_dns),
         field("accepter_account_id", &VpcPeering::accepter, &VpcPeering::Side::account_id),
         field("accepter_region", &VpcPeering::accepter, &VpcPeering::Side::region),
         field("accepter_vpc_id", &VpcPeering::accepter, &VpcPeering::Side::vpc_id),
         field("accepter_cidrs", &VpcPeering::accepter, &VpcPeering::Side::cidrs),
         field("accepter_dns", &VpcPeering::accepter, &VpcPeering::Side::resolves_dns),
         field("status", &VpcPeering::status), field("status_message", &VpcPeering::status_message),
         field("link_number", &VpcPeering::link_number), field("created_ms", &VpcPeering::created_ms),
         field("expires_ms", &VpcPeering::expires_ms), field("ended_ms", &VpcPeering::ended_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const VpcPeering& record) {
    peerings().insert(session, record);
}

void update(Session& session, const VpcPeering& record) {
    peerings().update(session, record);
}

void erase(Session& session, const VpcPeeringId& id) {
    peerings().erase(session, "id = ?", {id.str()});
}

std::optional<VpcPeering> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id) {
    return peerings().one(session,
                          "id = ? AND ((requester_account_id = ? AND requester_region = ?) OR "
                          "(accepter_account_id = ? AND accepter_region = ?))",
                          {id, account_id, region, account_id, region});
}

std::optional<VpcPeering> find_any(Session& session, std::string_view id) {
    return peerings().one(session, "id = ?", {id});
}

std::vector<VpcPeering> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit) {
    return peerings().all(session,
                          "((requester_account_id = ? AND requester_region = ?) OR "
                          "(accepter_account_id = ? AND accepter_region = ?)) AND id > ? ORDER BY id LIMIT ?",
                          {account_id, region, account_id, region, after, limit});
}

std::vector<VpcPeering> of_vpc(Session& session, const VpcId& vpc_id) {
    return peerings().all(session, "requester_vpc_id = ? OR accepter_vpc_id = ? ORDER BY id",
                          {vpc_id.str(), vpc_id.str()});
}

std::vector<VpcPeering> expiring(Session& session, UnixMs now_ms) {
    return peerings().all(session, "status = 'pending-acceptance' AND expires_ms <= ? ORDER BY id", {now_ms});
}

std::vector<VpcPeering> ended_before(Session& session, UnixMs before_ms) {
    return peerings().all(
        session, "status IN ('rejected', 'expired', 'failed', 'deleted') AND ended_ms <= ? ORDER BY id",
        {before_ms});
}

}  // namespace lodge::db::vpc_peerings

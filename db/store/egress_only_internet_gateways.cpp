#include "db/store/egress_only_internet_gateways.h"

#include "db/store/records.h"

namespace lodge::db::egress_only_internet_gateways {
namespace {

const Records<EgressOnlyInternetGateway>& gateways() {
    static const Records<EgressOnlyInternetGateway> records(
        "egress_only_internet_gateways", {field("id", &EgressOnlyInternetGateway::id),
                                          field("account_id", &EgressOnlyInternetGateway::account_id),
                                          field("region", &EgressOnlyInternetGateway::region),
                                          field("vpc_id", &EgressOnlyInternetGateway::vpc_id),
                                          field("created_ms", &EgressOnlyInternetGateway::created_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const EgressOnlyInternetGateway& record) {
    gateways().insert(session, record);
}

void update(Session& session, const EgressOnlyInternetGateway& record) {
    gateways().update(session, record);
}

void erase(Session& session, const EgressOnlyInternetGatewayId& id) {
    gateways().erase_id(session, id.str());
}

std::optional<EgressOnlyInternetGateway> find(Session& session, const AccountId& account_id,
                                              std::string_view region, std::string_view id) {
    return gateways().find(session, account_id, region, id);
}

std::optional<EgressOnlyInternetGateway> find_any(Session& session, std::string_view id) {
    return gateways().find_any(session, id);
}

std::vector<EgressOnlyInternetGateway> list(Session& session, const AccountId& account_id,
                                            std::string_view region, std::string_view after,
                                            std::int64_t limit) {
    return gateways().list(session, account_id, region, after, limit);
}

std::vector<EgressOnlyInternetGateway> of_vpc(Session& session, const VpcId& vpc_id) {
    return gateways().all(session, "vpc_id = ? ORDER BY id", {vpc_id.str()});
}

}  // namespace lodge::db::egress_only_internet_gateways

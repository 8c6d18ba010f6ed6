#include "db/store/internet_gateways.h"

#include "db/store/records.h"

namespace lodge::db::internet_gateways {
namespace {

const Records<InternetGateway>& gateways() {
    static const Records<InternetGateway> records(
        "internet_gateways",
        {field("id", &InternetGateway::id), field("account_id", &InternetGateway::account_id),
         field("region", &InternetGateway::region), field("vpc_id", &InternetGateway::vpc_id),
         field("created_ms", &InternetGateway::created_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const InternetGateway& record) {
    gateways().insert(session, record);
}

void update(Session& session, const InternetGateway& record) {
    gateways().update(session, record);
}

void erase(Session& session, const InternetGatewayId& id) {
    gateways().erase_id(session, id.str());
}

std::optional<InternetGateway> find(Session& session, const AccountId& account_id, std::string_view region,
                                    std::string_view id) {
    return gateways().find(session, account_id, region, id);
}

std::optional<InternetGateway> find_any(Session& session, std::string_view id) {
    return gateways().find_any(session, id);
}

std::vector<InternetGateway> list(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view after, std::int64_t limit) {
    return gateways().list(session, account_id, region, after, limit);
}

std::optional<InternetGateway> of_vpc(Session& session, std::string_view vpc_id) {
    return gateways().one(session, "vpc_id = ?", {vpc_id});
}

std::vector<InternetGateway> without_address(Session& session) {
    return gateways().all(session,
                          "vpc_id <> '' AND NOT EXISTS (SELECT 1 FROM public_ips p WHERE p.owner_id = "
                          "internet_gateways.id) ORDER BY id",
                          {});
}

}  // namespace lodge::db::internet_gateways

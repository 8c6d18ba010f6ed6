#include "db/store/nat_gateways.h"

#include "db/store/records.h"

namespace lodge::db::nat_gateways {
namespace {

const Records<NatGateway>& gateways() {
    static const Records<NatGateway> records(
        "nat_gateways",
        {field("id", &NatGateway::id), field("account_id", &NatGateway::account_id),
         field("region", &NatGateway::region), field("vpc_id", &NatGateway::vpc_id),
         field("subnet_id", &NatGateway::subnet_id),
         field("connectivity_type", &NatGateway::connectivity_type), field("state", &NatGateway::state),
         field("network_interface_id", &NatGateway::network_interface_id),
         field("allocation_id", &NatGateway::allocation_id),
         field("association_id", &NatGateway::association_id), field("private_ip", &NatGateway::private_ip),
         field("public_ip", &NatGateway::public_ip), field("failure_code", &NatGateway::failure_code),
         field("failure_message", &NatGateway::failure_message), field("revision", &NatGateway::revision),
         field("created_ms", &NatGateway::created_ms), field("deleted_ms", &NatGateway::deleted_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const NatGateway& record) {
    gateways().insert(session, record);
}

void update(Session& session, const NatGateway& record) {
    gateways().update(session, record);
}

void erase(Session& session, const NatGatewayId& id) {
    gateways().erase_id(session, id.str());
}

std::optional<NatGateway> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id) {
    return gateways().find(session, account_id, region, id);
}

std::optional<NatGateway> find_any(Session& session, std::string_view id) {
    return gateways().find_any(session, id);
}

std::vector<NatGateway> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit) {
    return gateways().list(session, account_id, region, after, limit);
}

std::vector<NatGateway> of_vpc(Session& session, const VpcId& vpc_id) {
    return gateways().all(session, "vpc_id = ? ORDER BY id", {vpc_id.str()});
}

std::vector<NatGateway> in_state(Session& session, NatGatewayState state) {
    return gateways().all(session, "state = ? ORDER BY id", {to_text(state)});
}

}  // namespace lodge::db::nat_gateways

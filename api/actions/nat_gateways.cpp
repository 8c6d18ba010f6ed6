// CreateNatGateway, DeleteNatGateway, DescribeNatGateways.
#include "db/store/nat_gateways.h"

#include "api/actions/interface_parts.h"
#include "api/actions/tagging.h"
#include "api/actions/words.h"
#include "db/store/addresses.h"
#include "db/store/network_interfaces.h"
#include "proto/ec2/nat_gateways.h"
#include "scheduler/network/nat_gateways.h"

namespace lodge::api {
namespace {

using GatewayRecord = Tagged<NatGateway>;

const describe::FilterTable<GatewayRecord>& gateway_filters() {
    static const describe::FilterTable<GatewayRecord> table = {
        filter<GatewayRecord>("nat-gateway-id", [](const auto& r) { return r.value.id.str(); }),
        filter<GatewayRecord>("state", [](const auto& r) { return to_text(r.value.state); }),
        filter<GatewayRecord>("subnet-id", [](const auto& r) { return r.value.subnet_id.str(); }),
        filter<GatewayRecord>("vpc-id", [](const auto& r) { return r.value.vpc_id.str(); }),
    };
    return table;
}

std::string_view address_status(const NatGateway& gateway) {
    switch (gateway.state) {
        case NatGatewayState::pending:
            return "associating";
        case NatGatewayState::failed:
            return "failed";
        case NatGatewayState::available:
            return "succeeded";
        case NatGatewayState::deleting:
        case NatGatewayState::deleted:
            break;
    }
    return "disassociating";
}

ec2::NatGatewayAddress address_of(const NatGateway& gateway) {
    ec2::NatGatewayAddress out;
    out.allocation_id = unless_empty(gateway.allocation_id);
    out.association_id = unless_empty(gateway.association_id);
    out.is_primary = true;
    out.network_interface_id = unless_empty(gateway.network_interface_id.str());
    out.private_ip = unless_empty(gateway.private_ip);
    out.public_ip = unless_empty(gateway.public_ip);
    out.status = std::string(address_status(gateway));
    return out;
}

ec2::NatGateway shown(const GatewayRecord& record) {
    const auto& gateway = record.value;
    ec2::NatGateway out;
    out.nat_gateway_id = gateway.id.str();
    out.vpc_id = gateway.vpc_id.str();
    out.subnet_id = gateway.subnet_id.str();
    out.state = std::string(to_text(gateway.state));
    out.connectivity_type = gateway.connectivity_type;
    out.availability_mode = "zonal";
    out.create_time = gateway.created_ms;
    if (gateway.deleted_ms) out.delete_time = gateway.deleted_ms;
    out.failure_code = unless_empty(gateway.failure_code);
    out.failure_message = unless_empty(gateway.failure_message);
    out.nat_gateway_addresses.push_back(address_of(gateway));
    out.tags = to_ec2(record.tags);
    return out;
}

Result<NatGateway> find_gateway(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<NatGatewayId>(session, context, id, db::nat_gateways::find,
                                      ErrorCode::nat_gateway_malformed, ErrorCode::nat_gateway_not_found);
}

Status check_parameters(const ec2::CreateNatGatewayRequest& request) {
    if (!request.subnet_id) return fail(ErrorCode::missing_parameter, "SubnetId");
    if (request.connectivity_type.value_or("public") != "public")
        return fail(ErrorCode::unsupported_operation,
                    "Private NAT gateways are not supported: between VPCs, use a peering connection.");
    if (!request.allocation_id) return fail(ErrorCode::missing_parameter, "AllocationId");
    return {};
}

Result<NatGateway> make_gateway(db::Session& session, const RequestContext& context,
                                const ec2::CreateNatGatewayRequest& request,
                                const std::vector<ec2::Tag>& tags) {
    LODGE_TRY(auto subnet, find_subnet(session, context, *request.subnet_id));
    network::NatWish wish;
    LODGE_TRY(wish.address,
              find_or_fail<AllocationId>(session, context, *request.allocation_id, db::addresses::find,
                                         ErrorCode::invalid_allocation_id_malformed,
                                         ErrorCode::invalid_allocation_id_not_found));
    if (request.private_ip_address) {
        LODGE_TRY(wish.private_ip, free_private_ip(session, subnet, *request.private_ip_address));
    }
    auto made = network::make_nat_gateway(session, owner_of(context), subnet, std::move(wish));
    put_tags(session, context, made.id.str(), "natgateway", tags);
    remember(session, context, request.client_token, made.id.str());
    network_changed(session, context, made.vpc_id);
    return made;
}

}  // namespace

Result<ec2::CreateNatGatewayResponse> create_nat_gateway(RequestContext& context,
                                                         const ec2::CreateNatGatewayRequest& request) {
    LODGE_CHECK(check_parameters(request));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "natgateway", {"natgateway"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateNatGatewayResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        auto gateway = earlier ? find_gateway(session, context, *earlier)
                               : make_gateway(session, context, request, tags);
        if (!gateway) return tl::unexpected(gateway.error());
        auto out = shown(with_tags(session, std::move(*gateway)));
        if (!earlier) {  // why it failed is for the next look, as with EC2
            out.state = "pending";
            out.failure_code = out.failure_message = std::nullopt;
        }
        return ec2::CreateNatGatewayResponse{request.client_token, std::move(out)};
    });
}

Result<ec2::DeleteNatGatewayResponse> delete_nat_gateway(RequestContext& context,
                                                         const ec2::DeleteNatGatewayRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteNatGatewayResponse> {
        LODGE_TRY(auto gateway, find_gateway(session, context, request.nat_gateway_id));
        if (gateway.state == NatGatewayState::deleted)
            return fail(ErrorCode::nat_gateway_not_found, gateway.id.str());
        if (gateway.state != NatGatewayState::deleting) {
            network::begin_deletion(session, gateway, context.now_ms());
            network_changed(session, context, gateway.vpc_id);
        }
        return ec2::DeleteNatGatewayResponse{gateway.id.str()};
    });
}

Result<ec2::DescribeNatGatewaysResponse> describe_nat_gateways(
    RequestContext& context, const ec2::DescribeNatGatewaysRequest& request) {
    auto resource = resource_of<NatGatewayId, NatGateway, GatewayRecord>(
        context, ErrorCode::nat_gateway_malformed, ErrorCode::nat_gateway_not_found, gateway_filters(),
        db::nat_gateways::find, db::nat_gateways::list, with_tags);
    LODGE_TRY(auto page,
              describe::describe<GatewayRecord>(
                  context, {request.nat_gateway_id, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeNatGatewaysResponse response;
    for (const auto& record : page.records) response.nat_gateways.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

// CreateEgressOnlyInternetGateway, DeleteEgressOnlyInternetGateway, DescribeEgressOnlyInternetGateways.
#include "db/store/egress_only_internet_gateways.h"

#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "proto/ec2/egress_only_internet_gateways.h"

namespace lodge::api {
namespace {

using GatewayRecord = Tagged<EgressOnlyInternetGateway>;

ec2::EgressOnlyInternetGateway shown(const GatewayRecord& record) {
    ec2::EgressOnlyInternetGateway out;
    out.egress_only_internet_gateway_id = record.value.id.str();
    out.attachments.push_back({record.value.vpc_id.str(), "attached"});
    out.tags = to_ec2(record.tags);
    return out;
}

Result<EgressOnlyInternetGateway> find_gateway(db::Session& session, const RequestContext& context,
                                               const std::string& id) {
    return find_or_fail<EgressOnlyInternetGatewayId>(
        session, context, id, db::egress_only_internet_gateways::find,
        ErrorCode::invalid_egress_only_internet_gateway_id_malformed,
        ErrorCode::invalid_egress_only_internet_gateway_id_not_found);
}

Result<EgressOnlyInternetGateway> make_gateway(db::Session& session, const RequestContext& context,
                                               const std::string& vpc_id, const std::vector<ec2::Tag>& tags) {
    LODGE_TRY(auto vpc, find_vpc(session, context, vpc_id));
    if (!db::egress_only_internet_gateways::of_vpc(session, vpc.id).empty())
        return fail(ErrorCode::invalid_parameter_value,
                    "Network " + vpc.id.str() + " already has an egress-only internet gateway attached");
    EgressOnlyInternetGateway made{EgressOnlyInternetGatewayId::make(context.services.random),
                                   context.account_id, context.region, vpc.id, context.now_ms()};
    db::egress_only_internet_gateways::insert(session, made);
    put_tags(session, context, made.id.str(), "egress-only-internet-gateway", tags);
    network_changed(session, context, vpc.id);
    return made;
}

}  // namespace

Result<ec2::CreateEgressOnlyInternetGatewayResponse> create_egress_only_internet_gateway(
    RequestContext& context, const ec2::CreateEgressOnlyInternetGatewayRequest& request) {
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "egress-only-internet-gateway",
                                  {"egress-only-internet-gateway"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateEgressOnlyInternetGatewayResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        auto gateway = earlier ? find_gateway(session, context, *earlier)
                               : make_gateway(session, context, request.vpc_id, tags);
        if (!gateway) return tl::unexpected(gateway.error());
        if (!earlier) remember(session, context, request.client_token, gateway->id.str());
        return ec2::CreateEgressOnlyInternetGatewayResponse{request.client_token,
                                                            shown(with_tags(session, std::move(*gateway)))};
    });
}

Result<ec2::DeleteEgressOnlyInternetGatewayResponse> delete_egress_only_internet_gateway(
    RequestContext& context, const ec2::DeleteEgressOnlyInternetGatewayRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteEgressOnlyInternetGatewayResponse> {
        LODGE_TRY(auto gateway, find_gateway(session, context, request.egress_only_internet_gateway_id));
        db::egress_only_internet_gateways::erase(session, gateway.id);
        db::tags::erase_all(session, gateway.id.str());
        network_changed(session, context, gateway.vpc_id);
        return ec2::DeleteEgressOnlyInternetGatewayResponse{true};
    });
}

Result<ec2::DescribeEgressOnlyInternetGatewaysResponse> describe_egress_only_internet_gateways(
    RequestContext& context, const ec2::DescribeEgressOnlyInternetGatewaysRequest& request) {
    static const describe::FilterTable<GatewayRecord> only_tags;
    auto resource = resource_of<EgressOnlyInternetGatewayId, EgressOnlyInternetGateway, GatewayRecord>(
        context, ErrorCode::invalid_egress_only_internet_gateway_id_malformed,
        ErrorCode::invalid_egress_only_internet_gateway_id_not_found, only_tags,
        db::egress_only_internet_gateways::find, db::egress_only_internet_gateways::list, with_tags);
    LODGE_TRY(auto page,
              describe::describe<GatewayRecord>(context,
                                                {request.egress_only_internet_gateway_id, request.filter,
                                                 request.max_results, request.next_token},
                                                resource));
    ec2::DescribeEgressOnlyInternetGatewaysResponse response;
    for (const auto& record : page.records) response.egress_only_internet_gateways.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

// CreateInternetGateway, DeleteInternetGateway, DescribeInternetGateways, AttachInternetGateway,
// DetachInternetGateway.
#include "db/store/internet_gateways.h"

#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/addresses.h"
#include "proto/ec2/internet_gateways.h"
#include "scheduler/network/addresses.h"

namespace lodge::api {
namespace {

using describe::Values;
using GatewayRecord = Tagged<InternetGateway>;

const describe::FilterTable<GatewayRecord>& gateway_filters() {
    static const describe::FilterTable<GatewayRecord> table = {
        {"attachment.state",
         [](const GatewayRecord& r, Values& out) {
             if (!r.value.vpc_id.empty()) out.emplace_back("available");
         }},
        {"attachment.vpc-id",
         [](const GatewayRecord& r, Values& out) {
             if (!r.value.vpc_id.empty()) out.push_back(r.value.vpc_id);
         }},
        filter<GatewayRecord>("internet-gateway-id", [](const auto& r) { return r.value.id.str(); }),
        filter<GatewayRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
    };
    return table;
}

ec2::InternetGateway shown(const GatewayRecord& record) {
    ec2::InternetGateway out;
    out.internet_gateway_id = record.value.id.str();
    out.owner_id = record.value.account_id;
    if (!record.value.vpc_id.empty()) out.attachments.push_back({record.value.vpc_id, "available"});
    out.tags = to_ec2(record.tags);
    return out;
}

Result<InternetGateway> find_gateway(db::Session& session, const RequestContext& context,
                                     const std::string& id) {
    return find_or_fail<InternetGatewayId>(session, context, id, db::internet_gateways::find,
                                           ErrorCode::invalid_internet_gateway_id_malformed,
                                           ErrorCode::invalid_internet_gateway_id_not_found);
}

}  // namespace

Result<ec2::CreateInternetGatewayResponse> create_internet_gateway(
    RequestContext& context, const ec2::CreateInternetGatewayRequest& request) {
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "internet-gateway", {"internet-gateway"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateInternetGatewayResponse> {
        InternetGateway made{InternetGatewayId::make(context.services.random), context.account_id,
                             context.region, "", context.now_ms()};
        db::internet_gateways::insert(session, made);
        put_tags(session, context, made.id.str(), "internet-gateway", tags);
        return ec2::CreateInternetGatewayResponse{shown(with_tags(session, std::move(made)))};
    });
}

Result<ec2::DeleteInternetGatewayResponse> delete_internet_gateway(
    RequestContext& context, const ec2::DeleteInternetGatewayRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteInternetGatewayResponse> {
        LODGE_TRY(auto gateway, find_gateway(session, context, request.internet_gateway_id));
        if (!gateway.vpc_id.empty())
            return fail(ErrorCode::dependency_violation, "The internetGateway '" + gateway.id.str() +
                                                             "' has dependencies and cannot be deleted.");
        db::internet_gateways::erase(session, gateway.id);
        db::tags::erase_all(session, gateway.id.str());
        return ec2::DeleteInternetGatewayResponse{};
    });
}

Result<ec2::DescribeInternetGatewaysResponse> describe_internet_gateways(
    RequestContext& context, const ec2::DescribeInternetGatewaysRequest& request) {
    auto resource = resource_of<InternetGatewayId, InternetGateway, GatewayRecord>(
        context, ErrorCode::invalid_internet_gateway_id_malformed,
        ErrorCode::invalid_internet_gateway_id_not_found, gateway_filters(), db::internet_gateways::find,
        db::internet_gateways::list, with_tags);
    LODGE_TRY(auto page, describe::describe<GatewayRecord>(context,
                                                           {request.internet_gateway_id, request.filter,
                                                            request.max_results, request.next_token},
                                                           resource));
    ec2::DescribeInternetGatewaysResponse response;
    for (const auto& record : page.records) response.internet_gateways.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::AttachInternetGatewayResponse> attach_internet_gateway(
    RequestContext& context, const ec2::AttachInternetGatewayRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::AttachInternetGatewayResponse> {
        LODGE_TRY(auto gateway, find_gateway(session, context, request.internet_gateway_id));
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        if (!gateway.vpc_id.empty())
            return fail(ErrorCode::resource_already_associated,
                        "resource " + gateway.id.str() + " is already attached to network " + gateway.vpc_id);
        if (db::internet_gateways::of_vpc(session, vpc.id.str()))
            return fail(ErrorCode::invalid_parameter_value,
                        "Network " + vpc.id.str() + " already has an internet gateway attached");
        gateway.vpc_id = vpc.id.str();
        db::internet_gateways::update(session, gateway);
        if (!network::equip_gateways(session, context.services.settings.public_pool, context.services.random))
            return fail(ErrorCode::insufficient_address_capacity);
        network_changed(session, context, vpc.id);
        return ec2::AttachInternetGatewayResponse{};
    });
}

Result<ec2::DetachInternetGatewayResponse> detach_internet_gateway(
    RequestContext& context, const ec2::DetachInternetGatewayRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DetachInternetGatewayResponse> {
        LODGE_TRY(auto gateway, find_gateway(session, context, request.internet_gateway_id));
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        if (gateway.vpc_id != vpc.id.str())
            return fail(ErrorCode::gateway_not_attached, gateway.id.str(), vpc.id.str());
        if (db::addresses::any_mapped_in(session, vpc.id))
            return fail(ErrorCode::dependency_violation,
                        "Network " + vpc.id.str() +
                            " has some mapped public address(es). Please unmap those public address(es) "
                            "before detaching the gateway.");
        network::give_back_router_address(session, gateway);
        gateway.vpc_id = "";
        db::internet_gateways::update(session, gateway);
        network_changed(session, context, vpc.id);
        return ec2::DetachInternetGatewayResponse{};
    });
}

}  // namespace lodge::api

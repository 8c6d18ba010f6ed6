// CreateRoute, ReplaceRoute, DeleteRoute. Sources: EC2 API reference; Amazon VPC User Guide, "Route table
// concepts" and "Configure route tables".
#include <algorithm>

#include "api/actions/interface_of.h"
#include "api/actions/route_tables.h"
#include "api/actions/vpc_peerings.h"
#include "db/store/egress_only_internet_gateways.h"
#include "db/store/internet_gateways.h"
#include "db/store/nat_gateways.h"
#include "db/store/prefix_lists.h"
#include "db/store/route_tables.h"
#include "db/store/subnets.h"
#include "db/store/vpcs.h"
#include "proto/ec2/route_tables.h"

namespace lodge::api {
namespace {

struct Destination {
    std::string text;          // as the store has it
    std::optional<Cidr> cidr;  // nothing: a prefix list
    bool is_ipv6 = false;
};

Result<Cidr> parse_family(const std::string& text, bool is_ipv6) {
    auto parameter = is_ipv6 ? "destinationIpv6CidrBlock" : "destinationCidrBlock";
    LODGE_TRY(auto cidr, parse_cidr(text, parameter));
    if (cidr.is_ipv6() != is_ipv6)
        return fail(ErrorCode::invalid_parameter_value,
                    "The destination " + text + " is not of the address family of " + parameter + ".");
    return cidr;
}

template <class Request>
Result<Destination> destination_of(db::Session& session, const RequestContext& context,
                                   const Request& request) {
    int given = request.destination_cidr_block.has_value() + request.destination_ipv6_cidr_block.has_value() +
                request.destination_prefix_list_id.has_value();
    if (given == 0) return fail(ErrorCode::missing_parameter, "DestinationCidrBlock");
    if (given > 1)
        return fail(ErrorCode::invalid_parameter_combination,
                    "Only one of DestinationCidrBlock, DestinationIpv6CidrBlock and DestinationPrefixListId "
                    "can be given.");
    if (request.destination_prefix_list_id) {
        LODGE_TRY(auto list, find_or_fail<PrefixListId>(session, context, *request.destination_prefix_list_id,
                                                        db::prefix_lists::find,
                                                        ErrorCode::invalid_prefix_list_id_malformed,
                                                        ErrorCode::invalid_prefix_list_id_not_found));
        return Destination{list.id.str(), std::nullopt, list.address_family == "IPv6"};
    }
    bool is_ipv6 = request.destination_ipv6_cidr_block.has_value();
    LODGE_TRY(auto cidr,
              parse_family(is_ipv6 ? *request.destination_ipv6_cidr_block : *request.destination_cidr_block,
                           is_ipv6));
    return Destination{cidr.str(), cidr, is_ipv6};
}

bool is_cidr_of_vpc(db::Session& session, const VpcId& vpc_id, const Destination& destination) {
    auto cidrs = db::vpcs::cidrs_of(session, vpc_id);
    return std::any_of(cidrs.begin(), cidrs.end(),
                       [&](const VpcCidr& cidr) { return cidr.cidr == destination.text; });
}

// From a request's target to the resource, one check a kind: the account's, in the table's VPC, usable.
class TargetFinder {
  public:
    TargetFinder(db::Session& session, const RequestContext& context, const RouteTable& table,
                 const Destination& destination)
        : session_(session), context_(context), table_(table), destination_(destination) {}

    template <class Request>
    Result<Route> find(const Request& request) {
        int given = request.gateway_id.has_value() + request.egress_only_internet_gateway_id.has_value() +
                    request.nat_gateway_id.has_value() + request.network_interface_id.has_value() +
                    request.instance_id.has_value() + request.vpc_peering_connection_id.has_value();
        if (given == 0) return fail(ErrorCode::missing_parameter, "GatewayId");
        if (given > 1) return fail(ErrorCode::invalid_parameter_combination, "Only one target can be given.");
        if (request.gateway_id) return gateway(*request.gateway_id);
        if (request.egress_only_internet_gateway_id)
            return egress_only(*request.egress_only_internet_gateway_id);
        if (request.nat_gateway_id) return nat_gateway(*request.nat_gateway_id);
        if (request.network_interface_id) return interface(*request.network_interface_id);
        if (request.instance_id) return instance(*request.instance_id);
        return peering(*request.vpc_peering_connection_id);
    }

  private:
    Route route_to(RouteTarget target, const std::string& id) const {
        return {table_.id, destination_.text, target, id, ""};
    }

    tl::unexpected<Error> elsewhere(std::string_view what, const std::string& id) const {
        return fail(ErrorCode::invalid_parameter_value, "route table " + table_.id.str() + " and " +
                                                            std::string(what) + " " + id +
                                                            " belong to different networks");
    }

    Result<Route> gateway(const std::string& id) const {
        if (id.starts_with("vgw-") || id.starts_with("vpce-"))
            return fail(ErrorCode::unsupported_operation,
                        "The parameter GatewayId takes internet gateways only: there are no virtual private "
                        "gateways and no VPC endpoints.");
        auto found = db::internet_gateways::find(session_, context_.account_id, context_.region, id);
        if (!found) return fail(ErrorCode::invalid_gateway_id_not_found, id);
        if (found->vpc_id != table_.vpc_id.str()) return elsewhere("network gateway", id);
        return route_to(RouteTarget::internet_gateway, id);
    }

    Result<Route> egress_only(const std::string& id) const {
        LODGE_TRY(auto found, find_or_fail<EgressOnlyInternetGatewayId>(
                                  session_, context_, id, db::egress_only_internet_gateways::find,
                                  ErrorCode::invalid_egress_only_internet_gateway_id_malformed,
                                  ErrorCode::invalid_egress_only_internet_gateway_id_not_found));
        if (!destination_.is_ipv6)
            return fail(ErrorCode::invalid_parameter_value,
                        "An egress-only internet gateway is a target for IPv6 destinations only.");
        if (found.vpc_id != table_.vpc_id) return elsewhere("egress-only internet gateway", id);
        return route_to(RouteTarget::egress_only_gateway, id);
    }

    Result<Route> nat_gateway(const std::string& id) const {
        auto found = db::nat_gateways::find(session_, context_.account_id, context_.region, id);
        if (!found ||
            (found->state != NatGatewayState::pending && found->state != NatGatewayState::available))
            return fail(ErrorCode::invalid_nat_gateway_id_not_found, id);
        if (destination_.is_ipv6)
            return fail(ErrorCode::unsupported_operation, "NAT gateways translate IPv4 only.");
        if (found->vpc_id != table_.vpc_id) return elsewhere("NAT gateway", id);
        return route_to(RouteTarget::nat_gateway, id);
    }

    Result<Route> interface(const std::string& id) const {
        LODGE_TRY(auto found, find_interface(session_, context_, id));
        if (!found.requester_id.empty())
            return fail(ErrorCode::invalid_parameter_value,
                        "The interface " + id + " belongs to a service and cannot be a route's target.");
        if (found.vpc_id != table_.vpc_id) return elsewhere("interface", id);
        return route_to(RouteTarget::network_interface, id);
    }

    Result<Route> instance(const std::string& id) const {
        LODGE_TRY(auto found, only_interface_of(session_, context_, id));
        if (found.vpc_id != table_.vpc_id) return elsewhere("instance", id);
        auto route = route_to(RouteTarget::network_interface, found.id.str());
        route.instance_id = id;
        return route;
    }

    // A peering that is not accepted yet will do: the route is a blackhole until it is.
    Result<Route> peering(const std::string& id) const {
        LODGE_TRY(auto found, find_peering(session_, context_, id));
        auto is_ours = [&](const VpcPeering::Side& side) {
            return side.account_id == context_.account_id && side.vpc_id == table_.vpc_id;
        };
        if (!is_ours(found.requester) && !is_ours(found.accepter))
            return elsewhere("VPC peering connection", id);
        if (found.status != PeeringStatus::active && found.status != PeeringStatus::pending_acceptance)
            return fail(ErrorCode::incorrect_state, "The VPC peering connection " + id + " is " +
                                                        std::string(to_text(found.status)) + ".");
        return route_to(RouteTarget::peering, id);
    }

    db::Session& session_;
    const RequestContext& context_;
    const RouteTable& table_;
    const Destination& destination_;
};

// What lies inside the VPC is the local route's, but for the whole of a subnet (and, replaced, a whole CIDR
// of the VPC), which may go through an interface: an appliance between subnets.
Status check_inside(db::Session& session, const RouteTable& table, const Destination& destination,
                    const Route& route) {
    auto cidrs = db::vpcs::cidrs_of(session, table.vpc_id);
    bool inside = std::any_of(cidrs.begin(), cidrs.end(), [&](const VpcCidr& each) {
        auto cidr = Cidr::parse(each.cidr);
        return cidr && cidr->contains(*destination.cidr);
    });
    if (!inside) return {};
    if (route.target != RouteTarget::network_interface)
        return fail(ErrorCode::invalid_parameter_value,
                    "The destination CIDR block " + destination.text +
                        " is equal to or more specific than one of this VPC's CIDR blocks. This route can "
                        "target only an interface or an instance.");
    if (is_cidr_of_vpc(session, table.vpc_id, destination)) return {};
    for (const auto& subnet : db::subnets::of_vpc(session, table.vpc_id)) {
        if (subnet.cidr == destination.text) return {};
        for (const auto& ipv6 : db::subnets::ipv6_cidrs_of(session, subnet.id))
            if (ipv6.cidr == destination.text) return {};
    }
    return fail(ErrorCode::invalid_parameter_value, "The destination CIDR block " + destination.text +
                                                        " is in the VPC, but is not the whole of a subnet.");
}

Status check_destination(db::Session& session, const RouteTable& table, const Destination& destination,
                         const Route& route) {
    if (!destination.cidr) return {};
    for (auto text : {"169.254.168.0/22", "fd00:ec2::/32"})  // the instances' local services
        if (Cidr::parse(text)->contains(*destination.cidr))
            return fail(ErrorCode::invalid_parameter_value,
                        "The destination CIDR block " + destination.text + " is reserved.");
    return check_inside(session, table, destination, route);
}

void put_route(db::Session& session, const Route& route) {
    if (db::route_tables::find_route(session, route.route_table_id, route.destination)) {
        db::route_tables::update_route(session, route);
    } else {
        db::route_tables::insert_route(session, route);
    }
}

bool wants_local(const ec2::ReplaceRouteRequest& request) {
    return request.local_target.value_or(false) || request.gateway_id == "local";
}

// Back to the plain local route.
Status restore_local(db::Session& session, const RouteTable& table, const Destination& destination,
                     const ec2::ReplaceRouteRequest& request) {
    if (request.egress_only_internet_gateway_id || request.nat_gateway_id || request.network_interface_id ||
        request.instance_id || request.vpc_peering_connection_id ||
        (request.gateway_id && request.gateway_id != "local"))
        return fail(ErrorCode::invalid_parameter_combination, "Only one target can be given.");
    if (!is_cidr_of_vpc(session, table.vpc_id, destination))
        return fail(ErrorCode::invalid_parameter_value,
                    "The destination " + destination.text + " is no local route's: it cannot be reset.");
    db::route_tables::erase_route(session, table.id, destination.text);
    return {};
}

Status replace(db::Session& session, const RequestContext& context, const RouteTable& table,
               const Destination& destination, const ec2::ReplaceRouteRequest& request) {
    if (!db::route_tables::find_route(session, table.id, destination.text) &&
        !is_cidr_of_vpc(session, table.vpc_id, destination))
        return fail(ErrorCode::invalid_parameter_value, "There is no route defined for '" + destination.text +
                                                            "' in the route table. Use CreateRoute instead.");
    LODGE_TRY(auto route, TargetFinder(session, context, table, destination).find(request));
    LODGE_CHECK(check_destination(session, table, destination, route));
    put_route(session, route);
    return {};
}

}  // namespace

Result<ec2::CreateRouteResponse> create_route(RequestContext& context,
                                              const ec2::CreateRouteRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::CreateRouteResponse> {
        LODGE_TRY(auto table, find_route_table(session, context, request.route_table_id));
        LODGE_TRY(auto destination, destination_of(session, context, request));
        LODGE_TRY(auto route, TargetFinder(session, context, table, destination).find(request));
        if (db::route_tables::find_route(session, table.id, destination.text) ||
            is_cidr_of_vpc(session, table.vpc_id, destination))
            return fail(ErrorCode::route_already_exists, destination.text);
        LODGE_CHECK(check_destination(session, table, destination, route));
        put_route(session, route);
        network_changed(session, context, table.vpc_id);
        return ec2::CreateRouteResponse{true};
    });
}

Result<ec2::ReplaceRouteResponse> replace_route(RequestContext& context,
                                                const ec2::ReplaceRouteRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ReplaceRouteResponse> {
        LODGE_TRY(auto table, find_route_table(session, context, request.route_table_id));
        LODGE_TRY(auto destination, destination_of(session, context, request));
        LODGE_CHECK(wants_local(request) ? restore_local(session, table, destination, request)
                                         : replace(session, context, table, destination, request));
        network_changed(session, context, table.vpc_id);
        return ec2::ReplaceRouteResponse{};
    });
}

Result<ec2::DeleteRouteResponse> delete_route(RequestContext& context,
                                              const ec2::DeleteRouteRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteRouteResponse> {
        LODGE_TRY(auto table, find_route_table(session, context, request.route_table_id));
        LODGE_TRY(auto destination, destination_of(session, context, request));
        if (is_cidr_of_vpc(session, table.vpc_id, destination))
            return fail(ErrorCode::invalid_parameter_value, "cannot remove local route " + destination.text +
                                                                " in route table " + table.id.str());
        if (!db::route_tables::find_route(session, table.id, destination.text))
            return fail(ErrorCode::invalid_route_not_found, destination.text, table.id.str());
        db::route_tables::erase_route(session, table.id, destination.text);
        network_changed(session, context, table.vpc_id);
        return ec2::DeleteRouteResponse{};
    });
}

}  // namespace lodge::api

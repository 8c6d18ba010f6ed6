// CreateRouteTable, DeleteRouteTable, DescribeRouteTables, AssociateRouteTable, DisassociateRouteTable,
// ReplaceRouteTableAssociation.
#include "api/actions/route_tables.h"

#include "api/actions/tagging.h"
#include "db/store/route_tables.h"
#include "proto/ec2/route_tables.h"
#include "scheduler/network/routes.h"

namespace lodge::api {
namespace {

using describe::Values;
using network::LiveRoute;

struct TableRecord {
    RouteTable value;
    std::vector<Tag> tags;
    std::vector<RouteTableAssociation> associations;
    std::vector<LiveRoute> routes;
};

TableRecord load(db::Session& session, RouteTable table) {
    TableRecord record;
    record.tags = db::tags::of(session, table.account_id, table.id.str());
    record.associations = db::route_tables::associations_of(session, table.id);
    record.routes = network::live_routes(session, table);
    record.value = std::move(table);
    return record;
}

bool is_main(const RouteTableAssociation& association) {
    return association.subnet_id.empty();
}

std::string_view origin(const LiveRoute& live) {
    return live.is_local ? "CreateRouteTable" : "CreateRoute";
}

std::string_view state(const LiveRoute& live) {
    return live.is_active ? "active" : "blackhole";
}

ec2::Route shown(const LiveRoute& live) {
    const auto& route = live.route;
    ec2::Route out;
    auto cidr = Cidr::parse(route.destination);
    (!cidr             ? out.destination_prefix_list_id
     : cidr->is_ipv6() ? out.destination_ipv6_cidr_block
                       : out.destination_cidr_block) = route.destination;
    out.origin = std::string(origin(live));
    out.state = std::string(state(live));
    if (route.target_id.empty()) {
        out.gateway_id = "local";
        return out;
    }
    switch (route.target) {
        case RouteTarget::internet_gateway:
            out.gateway_id = route.target_id;
            break;
        case RouteTarget::egress_only_gateway:
            out.egress_only_internet_gateway_id = route.target_id;
            break;
        case RouteTarget::nat_gateway:
            out.nat_gateway_id = route.target_id;
            break;
        case RouteTarget::network_interface:
            out.network_interface_id = route.target_id;
            break;
        case RouteTarget::peering:
            out.vpc_peering_connection_id = route.target_id;
            break;
    }
    if (!live.instance_id.empty()) out.instance_id = live.instance_id;
    if (!live.instance_account_id.empty()) out.instance_owner_id = live.instance_account_id;
    return out;
}

template <class F>
describe::FilterField<TableRecord> of_associations(std::string_view name, F value) {
    return {name, [value](const TableRecord& record, Values& out) {
                for (const auto& association : record.associations) out.emplace_back(value(association));
            }};
}

// A filter on what the routes show there, if anything.
describe::FilterField<TableRecord> of_routes(std::string_view name,
                                             std::optional<std::string> ec2::Route::*member) {
    return {name, [member](const TableRecord& record, Values& out) {
                for (const auto& route : record.routes)
                    if (auto value = shown(route).*member) out.push_back(*value);
            }};
}

describe::FilterField<TableRecord> never(std::string_view name) {
    return {name, [](const TableRecord&, Values&) {}};
}

const describe::FilterTable<TableRecord>& table_filters() {
    static const describe::FilterTable<TableRecord> table = {
        never("association.gateway-id"),
        of_associations("association.main", [](const auto& a) { return word(is_main(a)); }),
        of_associations("association.route-table-association-id", [](const auto& a) { return a.id.str(); }),
        of_associations("association.route-table-id", [](const auto& a) { return a.route_table_id.str(); }),
        {"association.subnet-id",
         [](const TableRecord& r, Values& out) {
             for (const auto& association : r.associations)
                 if (!is_main(association)) out.push_back(association.subnet_id);
         }},
        filter<TableRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<TableRecord>("route-table-id", [](const auto& r) { return r.value.id.str(); }),
        of_routes("route.destination-cidr-block", &ec2::Route::destination_cidr_block),
        of_routes("route.destination-ipv6-cidr-block", &ec2::Route::destination_ipv6_cidr_block),
        of_routes("route.destination-prefix-list-id", &ec2::Route::destination_prefix_list_id),
        of_routes("route.egress-only-internet-gateway-id", &ec2::Route::egress_only_internet_gateway_id),
        of_routes("route.gateway-id", &ec2::Route::gateway_id),
        of_routes("route.instance-id", &ec2::Route::instance_id),
        of_routes("route.nat-gateway-id", &ec2::Route::nat_gateway_id),
        of_routes("route.origin", &ec2::Route::origin),
        of_routes("route.state", &ec2::Route::state),
        never("route.transit-gateway-id"),
        of_routes("route.vpc-peering-connection-id", &ec2::Route::vpc_peering_connection_id),
        filter<TableRecord>("vpc-id", [](const auto& r) { return r.value.vpc_id.str(); }),
    };
    return table;
}

ec2::RouteTable shown(const TableRecord& record) {
    ec2::RouteTable out;
    out.route_table_id = record.value.id.str();
    out.vpc_id = record.value.vpc_id.str();
    out.owner_id = record.value.account_id;
    for (const auto& route : record.routes) out.routes.push_back(shown(route));
    for (const auto& association : record.associations) {
        ec2::RouteTableAssociation one;
        one.route_table_association_id = association.id.str();
        one.route_table_id = association.route_table_id.str();
        if (!is_main(association)) one.subnet_id = association.subnet_id;
        one.main = is_main(association);
        one.association_state = ec2::RouteTableAssociationState{"associated"};
        out.associations.push_back(std::move(one));
    }
    out.tags = to_ec2(record.tags);
    return out;
}

// One of the account's.
Result<RouteTableAssociation> find_association(db::Session& session, const RequestContext& context,
                                               const std::string& id) {
    auto found = db::route_tables::find_association(session, id);
    if (!found ||
        !db::route_tables::find(session, context.account_id, context.region, found->route_table_id.str()))
        return fail(ErrorCode::invalid_association_id_not_found, id);
    return std::move(*found);
}

Result<RouteTable> make_table(db::Session& session, const RequestContext& context,
                              const ec2::CreateRouteTableRequest& request,
                              const std::vector<ec2::Tag>& tags) {
    LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
    RouteTable made{RouteTableId::make(context.services.random), context.account_id, context.region, vpc.id,
                    context.now_ms()};
    db::route_tables::insert(session, made);
    put_tags(session, context, made.id.str(), "route-table", tags);
    remember(session, context, request.client_token, made.id.str());
    return made;
}

}  // namespace

Result<RouteTable> find_route_table(db::Session& session, const RequestContext& context,
                                    const std::string& id) {
    return find_or_fail<RouteTableId>(session, context, id, db::route_tables::find,
                                      ErrorCode::invalid_route_table_id_malformed,
                                      ErrorCode::invalid_route_table_id_not_found);
}

Result<ec2::CreateRouteTableResponse> create_route_table(RequestContext& context,
                                                         const ec2::CreateRouteTableRequest& request) {
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "route-table", {"route-table"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateRouteTableResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        auto table = earlier ? find_route_table(session, context, *earlier)
                             : make_table(session, context, request, tags);
        if (!table) return tl::unexpected(table.error());
        return ec2::CreateRouteTableResponse{request.client_token, shown(load(session, std::move(*table)))};
    });
}

Result<ec2::DeleteRouteTableResponse> delete_route_table(RequestContext& context,
                                                         const ec2::DeleteRouteTableRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteRouteTableResponse> {
        LODGE_TRY(auto table, find_route_table(session, context, request.route_table_id));
        if (!db::route_tables::associations_of(session, table.id).empty())
            return fail(ErrorCode::dependency_violation,
                        "The routeTable '" + table.id.str() + "' has dependencies and cannot be deleted.");
        db::route_tables::erase_routes(session, table.id);
        db::route_tables::erase(session, table.id);
        db::tags::erase_all(session, table.id.str());
        network_changed(session, context, table.vpc_id);
        return ec2::DeleteRouteTableResponse{};
    });
}

Result<ec2::DescribeRouteTablesResponse> describe_route_tables(
    RequestContext& context, const ec2::DescribeRouteTablesRequest& request) {
    auto resource = resource_of<RouteTableId, RouteTable, TableRecord>(
        context, ErrorCode::invalid_route_table_id_malformed, ErrorCode::invalid_route_table_id_not_found,
        table_filters(), db::route_tables::find, db::route_tables::list, load);
    LODGE_TRY(auto page,
              describe::describe<TableRecord>(
                  context, {request.route_table_id, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeRouteTablesResponse response;
    for (const auto& record : page.records) response.route_tables.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::AssociateRouteTableResponse> associate_route_table(
    RequestContext& context, const ec2::AssociateRouteTableRequest& request) {
    if (!request.subnet_id) return fail(ErrorCode::missing_parameter, "SubnetId");
    return context.write([&](db::Session& session) -> Result<ec2::AssociateRouteTableResponse> {
        LODGE_TRY(auto table, find_route_table(session, context, request.route_table_id));
        LODGE_TRY(auto subnet, find_subnet(session, context, *request.subnet_id));
        if (subnet.vpc_id != table.vpc_id)
            return fail(ErrorCode::invalid_parameter_value, "Route table " + table.id.str() + " and subnet " +
                                                                subnet.id.str() +
                                                                " belong to different networks");
        auto association = db::route_tables::association_of(session, table.vpc_id, subnet.id.str());
        if (association && association->route_table_id != table.id)
            return fail(ErrorCode::resource_already_associated,
                        "the specified association for route table " + table.id.str() +
                            " conflicts with an existing association");
        if (!association) {
            association = RouteTableAssociation{RouteTableAssociationId::make(context.services.random),
                                                table.id, table.vpc_id, subnet.id.str()};
            db::route_tables::insert_association(session, *association);
            network_changed(session, context, table.vpc_id);
        }
        return ec2::AssociateRouteTableResponse{association->id.str(),
                                                ec2::RouteTableAssociationState{"associated"}};
    });
}

Result<ec2::DisassociateRouteTableResponse> disassociate_route_table(
    RequestContext& context, const ec2::DisassociateRouteTableRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DisassociateRouteTableResponse> {
        LODGE_TRY(auto association, find_association(session, context, request.association_id));
        if (is_main(association))
            return fail(ErrorCode::invalid_parameter_value,
                        "cannot disassociate the main route table association " + association.id.str());
        db::route_tables::erase_association(session, association.id);
        network_changed(session, context, association.vpc_id);
        return ec2::DisassociateRouteTableResponse{};
    });
}

Result<ec2::ReplaceRouteTableAssociationResponse> replace_route_table_association(
    RequestContext& context, const ec2::ReplaceRouteTableAssociationRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ReplaceRouteTableAssociationResponse> {
        LODGE_TRY(auto association, find_association(session, context, request.association_id));
        LODGE_TRY(auto table, find_route_table(session, context, request.route_table_id));
        if (association.vpc_id != table.vpc_id)
            return fail(ErrorCode::invalid_parameter_value, "Route table " + table.id.str() +
                                                                " and association " + association.id.str() +
                                                                " belong to different networks");
        db::route_tables::erase_association(session, association.id);
        association.id = RouteTableAssociationId::make(context.services.random);
        association.route_table_id = table.id;
        db::route_tables::insert_association(session, association);
        network_changed(session, context, table.vpc_id);
        return ec2::ReplaceRouteTableAssociationResponse{association.id.str(),
                                                         ec2::RouteTableAssociationState{"associated"}};
    });
}

}  // namespace lodge::api

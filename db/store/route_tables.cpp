#include "db/store/route_tables.h"

#include "db/store/records.h"

namespace lodge::db::route_tables {
namespace {

const Records<RouteTable>& tables() {
    static const Records<RouteTable> records(
        "route_tables", {field("id", &RouteTable::id), field("account_id", &RouteTable::account_id),
                         field("region", &RouteTable::region), field("vpc_id", &RouteTable::vpc_id),
                         field("created_ms", &RouteTable::created_ms)});
    return records;
}

const Records<RouteTableAssociation>& associations() {
    static const Records<RouteTableAssociation> records(
        "route_table_associations", {field("id", &RouteTableAssociation::id),
                                     field("route_table_id", &RouteTableAssociation::route_table_id),
                                     field("vpc_id", &RouteTableAssociation::vpc_id),
                                     field("subnet_id", &RouteTableAssociation::subnet_id)});
    return records;
}

const Records<Route>& routes() {
    static const Records<Route> records(
        "routes",
        {field("route_table_id", &Route::route_table_id), field("destination", &Route::destination),
         field("target_type", &Route::target), field("target_id", &Route::target_id),
         field("instance_id", &Route::instance_id)},
        2);
    return records;
}

}  // namespace

void insert(Session& session, const RouteTable& record) {
    tables().insert(session, record);
}

void update(Session& session, const RouteTable& record) {
    tables().update(session, record);
}

void erase(Session& session, const RouteTableId& id) {
    tables().erase_id(session, id.str());
}

std::optional<RouteTable> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id) {
    return tables().find(session, account_id, region, id);
}

std::optional<RouteTable> find_any(Session& session, std::string_view id) {
    return tables().find_any(session, id);
}

std::vector<RouteTable> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit) {
    return tables().list(session, account_id, region, after, limit);
}

std::vector<RouteTable> of_vpc(Session& session, const VpcId& vpc_id) {
    return tables().all(session, "vpc_id = ? ORDER BY id", {vpc_id.str()});
}

void insert_association(Session& session, const RouteTableAssociation& record) {
    associations().insert(session, record);
}

void update_association(Session& session, const RouteTableAssociation& record) {
    associations().update(session, record);
}

void erase_association(Session& session, const RouteTableAssociationId& id) {
    associations().erase(session, "id = ?", {id.str()});
}

std::optional<RouteTableAssociation> find_association(Session& session, std::string_view id) {
    return associations().one(session, "id = ?", {id});
}

std::optional<RouteTableAssociation> association_of(Session& session, const VpcId& vpc_id,
                                                    std::string_view subnet_id) {
    return associations().one(session, "vpc_id = ? AND subnet_id = ?", {vpc_id.str(), subnet_id});
}

std::vector<RouteTableAssociation> associations_of(Session& session, const RouteTableId& route_table_id) {
    return associations().all(session, "route_table_id = ? ORDER BY subnet_id, id", {route_table_id.str()});
}

std::vector<RouteTableAssociation> associations_in(Session& session, const VpcId& vpc_id) {
    return associations().all(session, "vpc_id = ? ORDER BY subnet_id, id", {vpc_id.str()});
}

void insert_route(Session& session, const Route& record) {
    routes().insert(session, record);
}

void update_route(Session& session, const Route& record) {
    routes().update(session, record);
}

void erase_route(Session& session, const RouteTableId& route_table_id, std::string_view destination) {
    routes().erase(session, "route_table_id = ? AND destination = ?", {route_table_id.str(), destination});
}

void erase_routes(Session& session, const RouteTableId& route_table_id) {
    routes().erase(session, "route_table_id = ?", {route_table_id.str()});
}

std::optional<Route> find_route(Session& session, const RouteTableId& route_table_id,
                                std::string_view destination) {
    return routes().one(session, "route_table_id = ? AND destination = ?",
                        {route_table_id.str(), destination});
}

std::vector<Route> routes_of(Session& session, const RouteTableId& route_table_id) {
    return routes().all(session, "route_table_id = ? ORDER BY destination", {route_table_id.str()});
}

std::vector<Route> routes_to(Session& session, std::string_view target_id) {
    return routes().all(session, "target_id = ? ORDER BY route_table_id, destination", {target_id});
}

std::vector<Route> routes_for(Session& session, std::string_view destination) {
    return routes().all(session, "destination = ? ORDER BY route_table_id", {destination});
}

}  // namespace lodge::db::route_tables

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/route_table.h"

namespace lodge::db::route_tables {

void insert(Session& session, const RouteTable& record);
void update(Session& session, const RouteTable& record);
void erase(Session& session, const RouteTableId& id);
std::optional<RouteTable> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id);
std::optional<RouteTable> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<RouteTable> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit);
std::vector<RouteTable> of_vpc(Session& session, const VpcId& vpc_id);

void insert_association(Session& session, const RouteTableAssociation& record);
void update_association(Session& session, const RouteTableAssociation& record);
void erase_association(Session& session, const RouteTableAssociationId& id);
std::optional<RouteTableAssociation> find_association(Session& session, std::string_view id);
// The VPC's main association has an empty `subnet_id`.
std::optional<RouteTableAssociation> association_of(Session& session, const VpcId& vpc_id,
                                                    std::string_view subnet_id);
std::vector<RouteTableAssociation> associations_of(Session& session, const RouteTableId& route_table_id);
std::vector<RouteTableAssociation> associations_in(Session& session, const VpcId& vpc_id);

void insert_route(Session& session, const Route& record);
void update_route(Session& session, const Route& record);
void erase_route(Session& session, const RouteTableId& route_table_id, std::string_view destination);
void erase_routes(Session& session, const RouteTableId& route_table_id);
std::optional<Route> find_route(Session& session, const RouteTableId& route_table_id,
                                std::string_view destination);
std::vector<Route> routes_of(Session& session, const RouteTableId& route_table_id);
std::vector<Route> routes_to(Session& session, std::string_view target_id);
std::vector<Route> routes_for(Session& session, std::string_view destination);

}  // namespace lodge::db::route_tables

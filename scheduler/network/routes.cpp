#include "scheduler/network/routes.h"

#include <algorithm>

#include "db/store/egress_only_internet_gateways.h"
#include "db/store/instances.h"
#include "db/store/internet_gateways.h"
#include "db/store/nat_gateways.h"
#include "db/store/network_interfaces.h"
#include "db/store/route_tables.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::network {
namespace {

bool nat_gateway_works(db::Session& session, const std::string& id) {
    auto gateway = db::nat_gateways::find_any(session, id);
    return gateway &&
           (gateway->state == NatGatewayState::pending || gateway->state == NatGatewayState::available);
}

bool peering_works(db::Session& session, const std::string& id) {
    auto peering = db::vpc_peerings::find_any(session, id);
    return peering && peering->status == PeeringStatus::active;
}

// An interface takes traffic while it is on an instance that runs or is about to.
void look_at_interface(db::Session& session, LiveRoute& live) {
    live.is_active = false;
    live.instance_id = live.route.instance_id;
    auto interface = db::network_interfaces::find_any(session, live.route.target_id);
    if (interface && !interface->instance_id.empty()) live.instance_id = interface->instance_id;
    auto found = db::instances::find_any(session, InstanceId::trusted(live.instance_id));
    if (!found) return;
    live.instance_account_id = found->instance.account_id;
    auto state = scheduler::visible_state(found->instance.desired, found->guest.observed);
    live.is_active = interface && interface->instance_id == live.instance_id &&
                     interface->attachment_state == AttachmentState::attached &&
                     (state == InstanceState::running || state == InstanceState::pending);
}

void look_at_target(db::Session& session, const RouteTable& table, LiveRoute& live) {
    const auto& id = live.route.target_id;
    switch (live.route.target) {
        case RouteTarget::internet_gateway: {
            auto gateway = db::internet_gateways::find_any(session, id);
            live.is_active = gateway && gateway->vpc_id == table.vpc_id.str();
            break;
        }
        case RouteTarget::egress_only_gateway:
            live.is_active = db::egress_only_internet_gateways::find_any(session, id).has_value();
            break;
        case RouteTarget::nat_gateway:
            live.is_active = nat_gateway_works(session, id);
            break;
        case RouteTarget::network_interface:
            look_at_interface(session, live);
            break;
        case RouteTarget::peering:
            live.is_active = peering_works(session, id);
            break;
    }
}

}  // namespace

std::vector<LiveRoute> live_routes(db::Session& session, const RouteTable& table) {
    std::vector<LiveRoute> all;
    for (const auto& cidr : db::vpcs::cidrs_of(session, table.vpc_id)) {
        LiveRoute local;
        local.route.route_table_id = table.id;
        local.route.destination = cidr.cidr;
        local.is_local = true;
        all.push_back(std::move(local));
    }
    auto locals = all.size();
    for (auto& route : db::route_tables::routes_of(session, table.id)) {
        auto end = all.begin() + static_cast<std::ptrdiff_t>(locals);
        auto local = std::find_if(all.begin(), end, [&](const LiveRoute& each) {
            return each.route.destination == route.destination;
        });
        auto& live = local == end ? all.emplace_back() : *local;
        live.route = std::move(route);
        look_at_target(session, table, live);
    }
    return all;
}

}  // namespace lodge::network

#include "scheduler/network/snapshot.h"

#include <algorithm>

#include "db/store/addresses.h"
#include "db/store/dhcp_options.h"
#include "db/store/egress_only_internet_gateways.h"
#include "db/store/internet_gateways.h"
#include "db/store/nat_gateways.h"
#include "db/store/network_acls.h"
#include "db/store/network_interfaces.h"
#include "db/store/prefix_lists.h"
#include "db/store/route_tables.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"

namespace lodge::network {
namespace {

class Loader {
  public:
    Loader(db::Session& session, Snapshot& out) : session_(session), out_(out), id_(out.vpc.id) {}

    void run() {
        out_.cidrs = db::vpcs::cidrs_of(session_, id_);
        for (const auto& value : db::dhcp_options::values_of(session_, out_.vpc.dhcp_options_id))
            out_.dhcp[value.key].push_back(value.value);
        if ((out_.gateway = db::internet_gateways::of_vpc(session_, id_.str())))
            out_.router_ip = db::addresses::taken_by(session_, out_.gateway->id.str()).value_or("");
        for (auto& gateway : db::nat_gateways::of_vpc(session_, id_))
            if (gateway.state == NatGatewayState::pending || gateway.state == NatGatewayState::available)
                out_.nat_gateways.push_back(std::move(gateway));
        load_peerings();
        load_interfaces();
        load_subnets();
        load_routes();
        load_groups();
    }

  private:
    void load_peerings() {
        for (auto& peering : db::vpc_peerings::of_vpc(session_, id_)) {
            if (peering.status != PeeringStatus::active) continue;
            bool is_requester = peering.requester.vpc_id == id_;
            out_.peerings.push_back({std::move(peering), is_requester});
        }
    }

    void load_interfaces() {
        for (auto& interface : db::network_interfaces::of_vpc(session_, id_)) {
            InterfaceState state;
            state.addresses = db::network_interfaces::addresses_of(session_, interface.id);
            state.groups = db::network_interfaces::groups_of(session_, interface.id);
            for (const auto& address : db::addresses::of_interface(session_, interface.id))
                state.mappings.push_back({address.private_ip, address.public_ip});
            if (!interface.public_ip.empty() && !state.addresses.empty())
                state.mappings.push_back({state.addresses.front().address, interface.public_ip});
            state.interface = std::move(interface);
            out_.interfaces.push_back(std::move(state));
        }
    }

    void load_subnets() {
        auto main = db::route_tables::association_of(session_, id_, "");
        for (auto& subnet : db::subnets::of_vpc(session_, id_)) {
            SubnetState state;
            state.ipv6_cidrs = db::subnets::ipv6_cidrs_of(session_, subnet.id);
            auto own = db::route_tables::association_of(session_, id_, subnet.id.str());
            const auto& association = own ? own : main;
            if (association) state.route_table_id = association->route_table_id.str();
            if (auto acl = db::network_acls::association_of(session_, subnet.id)) {
                state.network_acl_id = acl->network_acl_id;
                state.acl_entries = db::network_acls::entries_of(session_, acl->network_acl_id);
            }
            state.subnet = std::move(subnet);
            out_.subnets.push_back(std::move(state));
        }
    }

    // A list's CIDRs, or the one destination.
    std::vector<std::string> destinations(const Route& route) {
        if (!route.destination.starts_with("pl-")) return {route.destination};
        return prefixes(route.destination);
    }

    std::vector<std::string> prefixes(const std::string& list_id) {
        std::vector<std::string> cidrs;
        auto list = db::prefix_lists::find_any(session_, list_id);
        if (!list) return cidrs;
        for (const auto& entry : db::prefix_lists::entries_of(session_, list_id, list->version))
            cidrs.push_back(entry.cidr);
        return cidrs;
    }

    // Whether the target is there and in a state to take packets.
    void look_up(RouteState& route) {
        switch (route.target) {
            case RouteTarget::internet_gateway:
                route.active = out_.gateway && out_.gateway->id.str() == route.target_id;
                return;
            case RouteTarget::egress_only_gateway: {
                auto gateway = db::egress_only_internet_gateways::find_any(session_, route.target_id);
                route.active = gateway && gateway->vpc_id == id_;
                return;
            }
            case RouteTarget::nat_gateway:
                route.active =
                    std::any_of(out_.nat_gateways.begin(), out_.nat_gateways.end(),
                                [&](const NatGateway& g) { return g.id.str() == route.target_id; });
                return;
            case RouteTarget::network_interface:
                for (const auto& state : out_.interfaces) {
                    if (state.interface.id.str() != route.target_id || state.addresses.empty()) continue;
                    route.active = !state.interface.attachment_id.empty();
                    route.next_address = state.addresses.front().address;
                    route.next_subnet = state.interface.subnet_id.str();
                }
                return;
            case RouteTarget::peering:
                route.active = std::any_of(
                    out_.peerings.begin(), out_.peerings.end(),
                    [&](const PeeringState& state) { return state.peering.id.str() == route.target_id; });
                return;
        }
    }

    void load_routes() {
        for (const auto& table : db::route_tables::of_vpc(session_, id_))
            for (const auto& route : db::route_tables::routes_of(session_, table.id))
                for (const auto& destination : destinations(route)) {
                    RouteState state{
                        table.id.str(), destination, route.target, route.target_id, false, "", ""};
                    look_up(state);
                    out_.routes.push_back(std::move(state));
                }
    }

    // A group of this VPC, or of one that is a peer now.
    bool is_reachable(const std::string& group_id) {
        auto group = db::security_groups::find_any(session_, group_id);
        if (!group) return false;
        if (group->vpc_id == id_) return true;
        return std::any_of(out_.peerings.begin(), out_.peerings.end(), [&](const PeeringState& state) {
            const auto& peering = state.peering;
            return (state.is_requester ? peering.accepter : peering.requester).vpc_id == group->vpc_id;
        });
    }

    void load_groups() {
        for (auto& group : db::security_groups::of_vpc(session_, id_)) {
            GroupState state;
            for (auto& rule : db::security_groups::rules_of(session_, group.id)) {
                if (!rule.referenced_group_id.empty() && !is_reachable(rule.referenced_group_id)) continue;
                if (!rule.prefix_list_id.empty())
                    out_.prefix_lists[rule.prefix_list_id] = prefixes(rule.prefix_list_id);
                state.rules.push_back(std::move(rule));
            }
            state.group = std::move(group);
            out_.groups.push_back(std::move(state));
        }
    }

    db::Session& session_;
    Snapshot& out_;
    const VpcId id_;
};

}  // namespace

std::optional<Snapshot> load_snapshot(db::Session& session, const VpcId& vpc_id) {
    auto vpc = db::vpcs::find_any(session, vpc_id.str());
    if (!vpc) return std::nullopt;
    Snapshot out;
    out.vpc = std::move(*vpc);
    Loader(session, out).run();
    return out;
}

}  // namespace lodge::network

#include "scheduler/network/nat_gateways.h"

#include <algorithm>

#include "db/store/internet_gateways.h"
#include "db/store/nat_gateways.h"
#include "db/store/network_interfaces.h"
#include "db/store/tags.h"
#include "db/store/vpcs.h"
#include "scheduler/network/addresses.h"

namespace lodge::network {
namespace {

constexpr std::int64_t visible_ms = 3'600'000;  // after its end

struct Failure {
    std::string_view code;
    std::string message;
};

std::optional<Failure> obstacle(db::Session& session, const NatGateway& gateway, const NatWish& wish) {
    if (!db::internet_gateways::of_vpc(session, gateway.vpc_id.str()))
        return Failure{"Gateway.NotAttached",
                       "Network " + gateway.vpc_id.str() + " has no Internet gateway attached"};
    if (!wish.address.association_id.empty())
        return Failure{"Resource.AlreadyAssociated",
                       "Elastic IP address [" + wish.address.id.str() + "] is already associated"};
    return std::nullopt;
}

void fail_with(NatGateway& gateway, const Failure& failure) {
    gateway.state = NatGatewayState::failed;
    gateway.failure_code = failure.code;
    gateway.failure_message = failure.message;
}

// Gives it its interface and its addresses, or the reason why not.
std::optional<Failure> equip(db::Session& session, const Owner& owner, const Subnet& subnet,
                             NatGateway& gateway, NatWish& wish) {
    if (auto failure = obstacle(session, gateway, wish)) return failure;
    InterfaceWish interface_wish;
    interface_wish.type = "nat_gateway";
    interface_wish.description = "Interface for NAT Gateway " + gateway.id.str();
    interface_wish.requester_id = cloud_requester;
    interface_wish.source_dest_check = false;
    interface_wish.address = wish.private_ip;
    auto interface = make_interface(session, owner, subnet, interface_wish);
    if (!interface)
        return Failure{"InsufficientFreeAddressesInSubnet",
                       "Subnet has insufficient free addresses to create this NAT gateway"};
    interface->attachment_id = "ela-attach-" + owner.random.hex(id_digits);
    interface->attachment_state = AttachmentState::attached;
    interface->device_index = 1;
    interface->attached_ms = owner.now_ms;
    db::network_interfaces::update(session, *interface);
    gateway.network_interface_id = interface->id;
    gateway.private_ip = db::network_interfaces::addresses_of(session, interface->id).front().address;
    map_address(session, wish.address, *interface, gateway.private_ip, owner.random);
    gateway.association_id = wish.address.association_id;
    gateway.public_ip = wish.address.public_ip;
    return std::nullopt;
}

void finish_deletion(db::Session& session, NatGateway& gateway) {
    auto interface = db::network_interfaces::find_any(session, gateway.network_interface_id.str());
    if (interface) erase_interface(session, *interface);
    gateway.state = NatGatewayState::deleted;
    db::nat_gateways::update(session, gateway);
    db::vpcs::touch(session, gateway.vpc_id);
}

void forget(db::Session& session, NatGatewayState state, UnixMs before_ms) {
    for (const auto& gateway : db::nat_gateways::in_state(session, state)) {
        if (std::max(gateway.deleted_ms, gateway.created_ms) > before_ms) continue;
        db::nat_gateways::erase(session, gateway.id);
        db::tags::erase_all(session, gateway.id.str());
    }
}

}  // namespace

NatGateway make_nat_gateway(db::Session& session, const Owner& owner, const Subnet& subnet, NatWish wish) {
    NatGateway gateway;
    gateway.id = NatGatewayId::make(owner.random);
    gateway.account_id = owner.account_id;
    gateway.region = owner.region;
    gateway.vpc_id = subnet.vpc_id;
    gateway.subnet_id = subnet.id;
    gateway.connectivity_type = "public";
    gateway.allocation_id = wish.address.id.str();
    gateway.created_ms = owner.now_ms;
    if (auto failure = equip(session, owner, subnet, gateway, wish)) fail_with(gateway, *failure);
    gateway.revision = db::vpcs::touch(session, gateway.vpc_id);
    db::nat_gateways::insert(session, gateway);
    return gateway;
}

void begin_deletion(db::Session& session, NatGateway& gateway, UnixMs now_ms) {
    gateway.deleted_ms = now_ms;
    gateway.revision = db::vpcs::touch(session, gateway.vpc_id);
    gateway.state =
        gateway.state == NatGatewayState::failed ? NatGatewayState::deleted : NatGatewayState::deleting;
    db::nat_gateways::update(session, gateway);
}

void settle_nat_gateways(db::Session& session, UnixMs now_ms, const Applied& applied) {
    for (auto& gateway : db::nat_gateways::in_state(session, NatGatewayState::pending)) {
        if (!applied(gateway.vpc_id, gateway.revision)) continue;
        gateway.state = NatGatewayState::available;
        db::nat_gateways::update(session, gateway);
    }
    for (auto& gateway : db::nat_gateways::in_state(session, NatGatewayState::deleting))
        if (applied(gateway.vpc_id, gateway.revision)) finish_deletion(session, gateway);
    forget(session, NatGatewayState::failed, now_ms - visible_ms);
    forget(session, NatGatewayState::deleted, now_ms - visible_ms);
}

}  // namespace lodge::network

#include "scheduler/network/addresses.h"

#include <algorithm>

#include "db/store/addresses.h"
#include "db/store/internet_gateways.h"
#include "db/store/network_interfaces.h"
#include "db/store/vpcs.h"

namespace lodge::network {
namespace {

constexpr AddressBits first_offset = 2;  // behind the network's and the bridge's
constexpr AddressBits not_given_out = 3;

std::uint64_t usable(const Cidr& block) {
    return block.size() > not_given_out ? static_cast<std::uint64_t>(block.size() - not_given_out) : 0;
}

// The usable address at that place of the whole pool.
IpAddress address_at(const std::vector<Cidr>& pool, std::uint64_t place) {
    for (const auto& block : pool) {
        if (place < usable(block)) return block.network().plus(first_offset + place);
        place -= usable(block);
    }
    return {};  // never: callers stay within the pool
}

}  // namespace

bool is_in_pool(const std::vector<Cidr>& pool, const IpAddress& address) {
    return std::any_of(pool.begin(), pool.end(), [&](const Cidr& block) {
        return block.contains(address) && address.bits() - block.network().bits() >= first_offset &&
               address != block.last();
    });
}

std::int64_t pool_size(const std::vector<Cidr>& pool) {
    std::uint64_t count = 0;
    for (const auto& block : pool) count += usable(block);
    return static_cast<std::int64_t>(count);
}

std::optional<IpAddress> take_public_address(db::Session& session, const std::vector<Cidr>& pool,
                                             std::string_view owner_id, Random& random) {
    auto count = static_cast<std::uint64_t>(pool_size(pool));
    auto start = count ? random.next_u64() % count : 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto address = address_at(pool, (start + i) % count);
        if (db::addresses::take(session, address.str(), owner_id)) return address;
    }
    return std::nullopt;
}

bool equip_gateways(db::Session& session, const std::vector<Cidr>& pool, Random& random) {
    for (const auto& gateway : db::internet_gateways::without_address(session)) {
        // Of the first block, in which the provider's router is.
        if (!take_public_address(session, {pool.front()}, gateway.id.str(), random)) return false;
        db::vpcs::touch(session, VpcId::trusted(gateway.vpc_id));
    }
    return true;
}

void give_back_router_address(db::Session& session, const InternetGateway& gateway) {
    if (auto address = db::addresses::taken_by(session, gateway.id.str()))
        db::addresses::give_back(session, *address);
}

void map_address(db::Session& session, Address& address, NetworkInterface& interface,
                 const std::string& private_ip, Random& random) {
    address.association_id = AssociationId::make(random).str();
    address.network_interface_id = interface.id.str();
    address.private_ip = private_ip;
    db::addresses::update(session, address);
    auto own = db::network_interfaces::addresses_of(session, interface.id);
    bool is_primary = !own.empty() && own.front().address == private_ip;
    if (!is_primary || interface.public_ip.empty()) return;
    db::addresses::give_back(session, interface.public_ip);
    interface.public_ip = "";
    db::network_interfaces::update(session, interface);
}

void unmap_address(db::Session& session, Address& address) {
    address.association_id = address.network_interface_id = address.private_ip = "";
    db::addresses::update(session, address);
}

}  // namespace lodge::network

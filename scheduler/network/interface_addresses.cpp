#include "scheduler/network/interface_addresses.h"

#include "db/store/addresses.h"
#include "db/store/network_interfaces.h"
#include "db/store/subnets.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/make.h"

namespace lodge::network {
namespace {

std::int64_t next_position(db::Session& session, const NetworkInterfaceId& id, bool is_ipv6) {
    std::int64_t next = 0;
    for (const auto& each : db::network_interfaces::addresses_of(session, id))
        if (each.is_ipv6 == is_ipv6) next = each.position + 1;
    return next;
}

// So that the first of a family stays at position 0 when the one before it went.
void close_gaps(db::Session& session, const NetworkInterfaceId& id, bool is_ipv6) {
    std::int64_t position = 0;
    for (auto& each : db::network_interfaces::addresses_of(session, id)) {
        if (each.is_ipv6 != is_ipv6) continue;
        if (each.position != position) {
            each.position = position;
            db::network_interfaces::update_address(session, each);
        }
        ++position;
    }
}

// `pick` finds a free one, or nothing.
template <class F>
std::optional<std::vector<IpAddress>> add_each(db::Session& session, const NetworkInterface& interface,
                                               std::int64_t count, F pick) {
    std::vector<IpAddress> added;
    for (std::int64_t i = 0; i < count; ++i) {
        std::optional<IpAddress> address = pick();
        if (!address) return std::nullopt;
        add_address(session, interface, *address);
        added.push_back(*address);
    }
    return added;
}

}  // namespace

void add_address(db::Session& session, const NetworkInterface& interface, const IpAddress& address) {
    auto position = next_position(session, interface.id, address.is_ipv6());
    db::network_interfaces::insert_address(
        session, {interface.subnet_id, address.str(), interface.id, address.is_ipv6(), position});
}

std::optional<std::vector<IpAddress>> add_free_addresses(db::Session& session,
                                                         const NetworkInterface& interface,
                                                         const Subnet& subnet, std::int64_t count,
                                                         Random& random) {
    return add_each(session, interface, count, [&] { return free_address(session, subnet, random); });
}

std::optional<std::vector<IpAddress>> add_free_ipv6_addresses(db::Session& session,
                                                              const NetworkInterface& interface,
                                                              const Subnet& subnet, std::int64_t count,
                                                              Random& random) {
    auto blocks = db::subnets::ipv6_cidrs_of(session, subnet.id);
    auto cidr = blocks.empty() ? std::nullopt : Cidr::parse(blocks.front().cidr);
    return add_each(session, interface, count, [&]() -> std::optional<IpAddress> {
        if (!cidr) return std::nullopt;
        return free_ipv6_address(session, subnet, *cidr, random);
    });
}

void move_address(db::Session& session, InterfaceAddress address, const NetworkInterface& to) {
    auto from = address.network_interface_id;
    for (auto& elastic : db::addresses::of_interface(session, from)) {
        if (elastic.private_ip != address.address) continue;
        elastic.network_interface_id = to.id.str();
        db::addresses::update(session, elastic);
    }
    address.position = next_position(session, to.id, address.is_ipv6);
    address.network_interface_id = to.id;
    db::network_interfaces::update_address(session, address);
    close_gaps(session, from, address.is_ipv6);
}

void remove_address(db::Session& session, const InterfaceAddress& address) {
    for (auto& elastic : db::addresses::of_interface(session, address.network_interface_id))
        if (elastic.private_ip == address.address) unmap_address(session, elastic);
    db::network_interfaces::erase_address(session, address.subnet_id, address.address);
    close_gaps(session, address.network_interface_id, address.is_ipv6);
}

}  // namespace lodge::network

#include "scheduler/network/explain_load.h"

#include "db/store/addresses.h"
#include "db/store/instances.h"
#include "db/store/internet_gateways.h"
#include "db/store/network_interfaces.h"
#include "db/store/vpcs.h"
#include "proto/base/cidrs.h"
#include "proto/base/letters.h"
#include "proto/base/number.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::network {
namespace {

// Of documentation networks: each stands for any other.
constexpr std::string_view internet = "203.0.113.1";
constexpr std::string_view internet6 = "2001:db8::1";

tl::unexpected<Error> missing(const std::string& what) {
    return fail(ErrorCode::not_found, "there is no " + what);
}

// The interface with its address in its VPC: the primary one, if no other is said.
Result<Place> place_of(db::Session& session, const std::string& name, const NetworkInterface& interface,
                       const std::string& private_ip = "") {
    auto addresses = db::network_interfaces::addresses_of(session, interface.id);
    auto text = private_ip.empty() && !addresses.empty() ? addresses.front().address : private_ip;
    auto address = IpAddress::parse(text);
    if (!address) return fail(ErrorCode::not_found, interface.id.str() + " has no address");
    return Place{name, interface.vpc_id, interface.id, *address, std::nullopt};
}

Result<Place> instance_place(db::Session& session, const std::string& name) {
    auto id = InstanceId::trusted(name);
    auto interfaces = db::network_interfaces::of_instance(session, id);
    if (!interfaces.empty()) return place_of(session, name, interfaces.front());
    if (!db::instances::find_any(session, id)) return missing("instance " + name);
    return fail(ErrorCode::not_found, name + " has no network interface");
}

Result<Place> interface_place(db::Session& session, const std::string& name) {
    auto interface = db::network_interfaces::find_any(session, name);
    if (!interface) return missing("network interface " + name);
    return place_of(session, name, *interface);
}

Result<Place> address_in_vpc(db::Session& session, const std::string& name) {
    auto slash = name.find('/');
    auto vpc_id = VpcId::trusted(name.substr(0, slash));
    auto address = IpAddress::parse(name.substr(slash + 1));
    if (!address) return fail(ErrorCode::invalid_input, name + " does not end in an address");
    if (!db::vpcs::find_any(session, vpc_id.str())) return missing("VPC " + vpc_id.str());
    Place place{name, vpc_id, {}, *address, std::nullopt};
    for (const auto& interface : db::network_interfaces::of_vpc(session, vpc_id))
        for (const auto& each : db::network_interfaces::addresses_of(session, interface.id))
            if (each.address == address->str()) place.interface_id = interface.id;
    return place;
}

// Where a public address leads to: what it was taken from the pool for says so.
Result<Place> public_place(db::Session& session, const std::string& name, const IpAddress& address,
                           const std::string& owner) {
    Place place{name, {}, {}, address, address};
    if (auto gateway = db::internet_gateways::find_any(session, owner); gateway && !gateway->vpc_id.empty())
        place.vpc_id = VpcId::trusted(gateway->vpc_id);
    auto elastic = db::addresses::find_any(session, owner);
    auto interface =
        db::network_interfaces::find_any(session, elastic ? elastic->network_interface_id : owner);
    if (!interface) return place;
    LODGE_TRY(place, place_of(session, name, *interface, elastic ? elastic->private_ip : ""));
    place.public_address = address;
    return place;
}

// IPv6 addresses are the same in their VPC and outside; no two VPCs have one.
Result<Place> ipv6_place(db::Session& session, const std::string& name, const IpAddress& address) {
    Place place{name, {}, {}, address, address};
    for (const auto& cidr : db::vpcs::ipv6_cidrs(session)) {
        if (!holds(cidr.cidr, address)) continue;
        LODGE_TRY(place, address_in_vpc(session, cidr.vpc_id.str() + "/" + address.str()));
        place.name = name;
        place.public_address = address;
        break;
    }
    return place;
}

Result<Place> find_place(db::Session& session, const Pools& pools, const std::string& name,
                         std::string_view outside) {
    if (InstanceId::parse(name)) return instance_place(session, name);
    if (NetworkInterfaceId::parse(name)) return interface_place(session, name);
    if (VpcId::parse(name.substr(0, name.find('/'))) && name.find('/') != std::string::npos)
        return address_in_vpc(session, name);
    auto address = IpAddress::parse(name == "internet" ? outside : std::string_view(name));
    if (!address)
        return fail(ErrorCode::invalid_input,
                    "'" + name +
                        "' is no instance, network interface, address, address of a "
                        "VPC (vpc-…/10.0.0.5) or \"internet\"");
    if (address->is_ipv6()) return ipv6_place(session, name, *address);
    if (auto owner = db::addresses::owner_of(session, address->str()))
        return public_place(session, name, *address, *owner);
    bool is_ours = pools.ipv4 && pools.ipv4->contains(*address);
    return Place{name, {}, {}, *address, is_ours ? address : std::nullopt};
}

class WorldLoader {
  public:
    WorldLoader(db::Session& session, World& world) : session_(session), world_(world) {}

    // With its peers: packets cross them, and rules name their groups.
    void add(const VpcId& vpc_id) {
        if (vpc_id.empty() || !load(vpc_id)) return;
        for (const auto& [peering, is_requester] : world_.vpcs.at(vpc_id).peerings)
            load((is_requester ? peering.accepter : peering.requester).vpc_id);
    }

  private:
    bool load(const VpcId& vpc_id) {
        if (world_.vpcs.contains(vpc_id)) return true;
        auto snapshot = load_snapshot(session_, vpc_id);
        if (!snapshot) return false;
        for (const auto& state : snapshot->interfaces) load_instance(state.interface.instance_id);
        world_.vpcs.emplace(vpc_id, std::move(*snapshot));
        return true;
    }

    void load_instance(const std::string& id) {
        auto found = id.empty() ? std::nullopt : db::instances::find_any(session_, InstanceId::trusted(id));
        if (found)
            world_.instances[id] = scheduler::visible_state(found->instance.desired, found->guest.observed);
    }

    db::Session& session_;
    World& world_;
};

}  // namespace

Result<Asked> look_up(db::Session& session, const Pools& pools, const std::string& source,
                      const std::string& destination) {
    Asked asked;
    auto outside_of = [](const std::string& other) { return is_ipv6_text(other) ? internet6 : internet; };
    LODGE_TRY(asked.source, find_place(session, pools, source, outside_of(destination)));
    LODGE_TRY(asked.destination, find_place(session, pools, destination, outside_of(source)));
    if (asked.source.vpc_id.empty() && asked.destination.vpc_id.empty() && !asked.destination.public_address)
        return fail(ErrorCode::invalid_input, "neither " + source + " nor " + destination +
                                                  " is in a VPC; write a private address with its VPC: "
                                                  "vpc-…/10.0.0.5");
    if (!asked.source.interface_id.empty() && asked.source.interface_id == asked.destination.interface_id)
        return fail(ErrorCode::invalid_input, source + " and " + destination + " are the same interface");
    asked.world.pools = pools;
    WorldLoader loader(session, asked.world);
    loader.add(asked.source.vpc_id);
    loader.add(asked.destination.vpc_id);
    return asked;
}

std::optional<std::string> read_protocol(const std::string& text) {
    const auto name = lower_case(text);
    if (name == "tcp" || name == "6") return "tcp";
    if (name == "udp" || name == "17") return "udp";
    if (name == "icmp" || name == "icmpv6" || name == "1" || name == "58") return "icmp";
    const auto number = parse_number<int>(name);
    return number && *number >= 0 && *number <= 255 ? std::optional(std::to_string(*number)) : std::nullopt;
}

}  // namespace lodge::network

#include "api/actions/launch_network.h"

#include <algorithm>

#include "api/actions/interface_parts.h"
#include "api/actions/tagging.h"
#include "db/store/network_interfaces.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "db/store/vpcs.h"
#include "scheduler/network/attachments.h"
#include "scheduler/network/instance_network.h"

namespace lodge::api {
namespace {

std::int64_t free_addresses(db::Session& session, const Subnet& subnet) {
    auto cidr = Cidr::parse(subnet.cidr);
    if (!cidr) return 0;
    return network::usable_addresses(*cidr) - db::network_interfaces::count_ipv4_in(session, subnet.id);
}

bool in_subnet(const Subnet& subnet, const IpAddress& address) {
    auto cidr = Cidr::parse(subnet.cidr);
    return cidr && cidr->contains(address);
}

std::int64_t ipv6_count_of(const InterfaceWish& wish, const Subnet& subnet) {
    if (!wish.ipv6.empty()) return 0;
    return wish.ipv6_count.value_or(subnet.assign_ipv6_address_on_creation ? 1 : 0);
}

Status outside(const IpAddress& address) {
    return fail(ErrorCode::invalid_parameter_value,
                "Address " + address.str() + " does not fall within the subnet's address range");
}

}  // namespace

Result<std::vector<std::string>> LaunchNetwork::resolve(std::vector<std::string> zones, bool named) {
    zones_ = std::move(zones);
    zone_named_ = named;
    for (const auto& wish : wishes_) {
        Part part{wish, {}, {}, {}};
        LODGE_CHECK(wish.existing_id.empty() ? resolve_new(part) : resolve_existing(part));
        LODGE_CHECK(keep_vpc(part));
        parts_.push_back(std::move(part));
    }
    return zones_;
}

Status LaunchNetwork::resolve_existing(Part& part) {
    const auto& id = part.wish.existing_id;
    LODGE_TRY(auto interface, find_own_interface(session_, context_, id));
    if (interface.attachment_state != AttachmentState::none)
        return fail(ErrorCode::invalid_network_interface_in_use, "Interface: [" + id + "] in use.");
    if (!keep_zone(interface.zone)) return fail(ErrorCode::invalid_network_interface_id_not_found, id);
    part.subnet = db::subnets::find_any(session_, interface.subnet_id.str());
    part.existing = std::move(interface);
    return {};
}

Status LaunchNetwork::resolve_new(Part& part) {
    if (!part.wish.subnet_id) {
        LODGE_CHECK(load_defaults());
        LODGE_CHECK(keep_default_zones(part.wish));
        return resolve_groups(part, default_vpc_->id);
    }
    LODGE_TRY(part.subnet, find_subnet(session_, context_, *part.wish.subnet_id));
    LODGE_CHECK(keep_zone(part.subnet->zone));
    return resolve_groups(part, part.subnet->vpc_id);
}

Status LaunchNetwork::keep_zone(const std::string& zone) {
    if (std::find(zones_.begin(), zones_.end(), zone) != zones_.end()) {
        zones_ = {zone};
        return {};
    }
    if (zone_named_)
        return fail(ErrorCode::invalid_parameter_value,
                    "The availability zone in the request is not the subnet's, which is in " + zone + ".");
    return fail(ErrorCode::invalid_parameter_combination,
                "The network interfaces of an instance must be in one availability zone.");
}

Status LaunchNetwork::load_defaults() {
    if (default_vpc_) return {};
    default_vpc_ = db::vpcs::find_default(session_, context_.account_id, context_.region);
    if (!default_vpc_) return fail(ErrorCode::vpc_id_not_specified);
    for (const auto& zone : zones_)
        if (auto subnet = db::subnets::find_default(session_, context_.account_id, zone))
            default_subnets_.emplace(zone, std::move(*subnet));
    return {};
}

Status LaunchNetwork::keep_default_zones(const InterfaceWish& wish) {
    std::erase_if(zones_, [&](const std::string& zone) { return !default_subnets_.contains(zone); });
    if (zones_.empty())
        return fail(ErrorCode::missing_input, "No subnets found for the default VPC '" +
                                                  default_vpc_->id.str() + "'. Please specify a subnet.");
    if (!wish.address) return {};
    std::erase_if(zones_, [&](const std::string& zone) {
        return !in_subnet(default_subnets_.at(zone), *wish.address);
    });
    return zones_.empty() ? outside(*wish.address) : Status();
}

Status LaunchNetwork::keep_vpc(const Part& part) {
    const auto& vpc_id = part.subnet ? part.subnet->vpc_id : default_vpc_->id;
    if (vpc_id_.empty()) vpc_id_ = vpc_id;
    if (vpc_id == vpc_id_) return {};
    return fail(ErrorCode::invalid_parameter_combination,
                "The network interfaces of an instance must be in one VPC.");
}

// Of another VPC than the subnet that the request names: said so, as the user sees both.
Status LaunchNetwork::check_same_network(const Part& part) {
    if (!part.subnet) return {};
    for (const auto& id : part.wish.group_ids) {
        auto group = db::security_groups::find(session_, context_.account_id, context_.region, id);
        if (group && group->vpc_id != part.subnet->vpc_id)
            return fail(ErrorCode::invalid_parameter, "Security group " + id + " and subnet " +
                                                          part.subnet->id.str() +
                                                          " belong to different networks.");
    }
    return {};
}

Status LaunchNetwork::resolve_groups(Part& part, const VpcId& vpc_id) {
    LODGE_CHECK(check_same_network(part));
    auto ids = part.wish.group_ids;
    for (const auto& name : part.wish.group_names) {
        auto group = db::security_groups::find_by_name(session_, vpc_id, name);
        if (!group) return fail(ErrorCode::invalid_group_not_found, name);
        ids.push_back(group->id.str());
    }
    LODGE_TRY(part.groups, groups_in(session_, context_, vpc_id, ids));
    return {};
}

Result<std::int64_t> LaunchNetwork::choose_zone(const std::string& zone, std::int64_t min_count,
                                                std::int64_t max_count) {
    std::map<SubnetId, std::int64_t> needed;
    for (auto& part : parts_) {
        if (!part.subnet) part.subnet = default_subnets_.at(zone);
        if (part.existing) continue;
        LODGE_CHECK(check_addresses(part));
        needed[part.subnet->id] += part.wish.ipv4_count();
    }
    // To count a large subnet's addresses takes longer than the rest of a launch. Where all or nothing is
    // wanted, the first that finds none says so.
    if (min_count == max_count) return max_count;
    auto count = max_count;
    for (const auto& part : parts_) {
        auto found = needed.find(part.subnet->id);
        if (found == needed.end()) continue;
        count = std::min(count, free_addresses(session_, *part.subnet) / found->second);
        if (count < min_count)
            return fail(ErrorCode::insufficient_free_addresses_in_subnet, part.subnet->id.str());
    }
    return count;
}

Status LaunchNetwork::check_address(const Subnet& subnet, const Cidr& cidr, const IpAddress& address) {
    if (!cidr.contains(address)) return outside(address);
    if (network::is_reserved(cidr, address))
        return fail(ErrorCode::invalid_parameter_value,
                    "Address " + address.str() + " is in subnet's reserved address range");
    if (!wished_[subnet.id].insert(address).second ||
        db::network_interfaces::address_taken(session_, subnet.id, address.str()))
        return fail(ErrorCode::invalid_ip_address_in_use, "Address " + address.str() + " is in use.");
    return {};
}

Status LaunchNetwork::check_addresses(const Part& part) {
    const auto& wish = part.wish;
    auto cidr = Cidr::parse(part.subnet->cidr);
    if (!cidr) return fail(ErrorCode::internal_error);
    if (wish.address) LODGE_CHECK(check_address(*part.subnet, *cidr, *wish.address));
    for (const auto& address : wish.secondary) LODGE_CHECK(check_address(*part.subnet, *cidr, address));
    if (wish.ipv6.empty() && ipv6_count_of(wish, *part.subnet) == 0) return {};
    auto blocks = db::subnets::ipv6_cidrs_of(session_, part.subnet->id);
    auto block = blocks.empty() ? std::nullopt : Cidr::parse(blocks.front().cidr);
    if (!block)
        return fail(ErrorCode::invalid_parameter_value,
                    "The subnet '" + part.subnet->id.str() + "' has no IPv6 CIDR block.");
    for (const auto& address : wish.ipv6) LODGE_CHECK(check_address(*part.subnet, *block, address));
    return {};
}

Result<NetworkInterface> LaunchNetwork::make(const Part& part) {
    network::InterfaceWish wish;
    wish.description = part.wish.description;
    wish.address = part.wish.address;
    if (!wish.address)
        wish.address =
            network::free_address(session_, *part.subnet, context_.services.random, wished_[part.subnet->id]);
    if (!wish.address) return fail(ErrorCode::insufficient_free_addresses_in_subnet, part.subnet->id.str());
    auto made = network::make_interface(session_, owner_of(context_), *part.subnet, wish);
    if (!made) return fail(ErrorCode::insufficient_free_addresses_in_subnet, part.subnet->id.str());
    LODGE_CHECK(add_ipv4(part, *made));
    LODGE_CHECK(add_ipv6(part, *made));
    db::network_interfaces::set_groups(session_, made->id, part.groups);
    put_tags(session_, context_, made->id.str(), "network-interface", tags_);
    made->auto_public_ip =
        part.wish.device_index == 0 &&
        part.wish.public_address.value_or(parts_.size() == 1 && part.subnet->map_public_ip_on_launch);
    if (!network::take_launch_address(session_, context_.services.settings.public_pool, *made,
                                      context_.services.random))
        return fail(ErrorCode::insufficient_address_capacity);
    return std::move(*made);
}

Status LaunchNetwork::add_ipv4(const Part& part, const NetworkInterface& made) {
    std::int64_t position = 0;
    for (const auto& address : part.wish.secondary)
        db::network_interfaces::insert_address(session_,
                                               {part.subnet->id, address.str(), made.id, false, ++position});
    for (std::int64_t i = 0; i < part.wish.more_addresses; ++i) {
        auto address =
            network::free_address(session_, *part.subnet, context_.services.random, wished_[part.subnet->id]);
        if (!address) return fail(ErrorCode::insufficient_free_addresses_in_subnet, part.subnet->id.str());
        db::network_interfaces::insert_address(session_,
                                               {part.subnet->id, address->str(), made.id, false, ++position});
    }
    return {};
}

Status LaunchNetwork::add_ipv6(const Part& part, const NetworkInterface& made) {
    std::int64_t position = 0;
    auto add = [&](const IpAddress& address) {
        db::network_interfaces::insert_address(session_,
                                               {part.subnet->id, address.str(), made.id, true, position++});
    };
    for (const auto& address : part.wish.ipv6) add(address);
    auto count = ipv6_count_of(part.wish, *part.subnet);
    if (count == 0) return {};
    auto block = Cidr::parse(db::subnets::ipv6_cidrs_of(session_, part.subnet->id).front().cidr);
    for (std::int64_t i = 0; block && i < count; ++i) {
        auto address = network::free_ipv6_address(session_, *part.subnet, *block, context_.services.random,
                                                  wished_[part.subnet->id]);
        if (!address) return fail(ErrorCode::insufficient_free_addresses_in_subnet, part.subnet->id.str());
        add(*address);
    }
    return {};
}

Status LaunchNetwork::attach(const Instance& instance) {
    for (const auto& part : parts_) {
        auto interface = part.existing.value_or(NetworkInterface());
        if (!part.existing) {
            LODGE_TRY(interface, make(part));
        }
        network::begin_attach(session_, interface, instance, part.wish.device_index,
                              part.wish.delete_on_termination, false, instance.launched_ms,
                              context_.services.random);
    }
    return {};
}

void LaunchNetwork::finish() {
    network_changed(session_, context_, vpc_id_);
}

}  // namespace lodge::api

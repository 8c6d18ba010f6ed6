#include "agent/network/words.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "proto/base/cidr.h"
#include "proto/base/network_names.h"

namespace lodge::agent {
namespace {

constexpr std::size_t device_digits = 12;

std::string digits_of(const std::string& id) {
    return id.substr(id.rfind('-') + 1);
}

std::string resolver_of(const link::GuestInterface& interface) {
    if (interface.vpc_cidrs.empty()) return "";
    const auto cidr = Cidr::parse(interface.vpc_cidrs.front());
    return cidr ? cidr->network().plus(2).str() : "";
}

}  // namespace

std::string namespace_name(const VpcId& vpc_id) {
    return "lodge-" + digits_of(vpc_id.str());
}

std::string metadata_device(const SubnetId& subnet_id) {
    const std::string digits = digits_of(subnet_id.str());
    return "lm" + digits.substr(digits.size() - std::min(digits.size(), device_digits));
}

std::vector<std::string> addresses_of(const MetadataVpc& vpc) {
    std::vector<std::string> addresses = {std::string(imds_address), std::string(dns_address)};
    if (!vpc.resolver.empty()) addresses.push_back(vpc.resolver);
    return addresses;
}

tl::unexpected<Error> not_installed(const Port& port, std::int64_t timeout_ms, const std::string& seen) {
    return fail(ErrorCode::io_failure, fmt::format("the network port of {} was not installed within {} s: {}",
                                                   port.network_interface_id.str(), timeout_ms / 1000, seen));
}

tl::unexpected<Error> interrupted() {
    return fail(ErrorCode::service_unavailable, "the agent is stopping");
}

std::vector<MetadataVpc> metadata_vpcs(const std::vector<link::DesiredGuest>& guests) {
    std::map<VpcId, MetadataVpc> vpcs;
    std::map<VpcId, std::set<MetadataSubnet>> subnets;
    for (const auto& guest : guests) {
        for (const auto& interface : guest.interfaces) {
            vpcs[interface.vpc_id] = {interface.vpc_id, resolver_of(interface), {}};
            subnets[interface.vpc_id].insert({interface.subnet_id, interface.subnet_cidr});
        }
    }
    std::vector<MetadataVpc> wanted;
    for (auto& [id, vpc] : vpcs) {
        vpc.subnets.assign(subnets[id].begin(), subnets[id].end());
        wanted.push_back(std::move(vpc));
    }
    return wanted;
}

}  // namespace lodge::agent

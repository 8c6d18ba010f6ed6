// A launch's network interfaces, inside its transaction: which subnets, groups and zones they mean, and their
// making.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/actions/launch_interfaces.h"
#include "api/actions/network.h"
#include "proto/model/network_interface.h"

namespace lodge::api {

// Use in this order: resolve(), choose_zone(), then attach() for each instance, and finish().
class LaunchNetwork {
  public:
    // Keeps references to all of its arguments.
    LaunchNetwork(db::Session& session, const RequestContext& context,
                  const std::vector<InterfaceWish>& wishes, const std::vector<ec2::Tag>& tags)
        : session_(session), context_(context), wishes_(wishes), tags_(tags) {}

    // Finds what the wishes name. Returns those of `zones` in which all of it is together; `named` says
    // whether the request chose its zone itself. Errors of every ID; VPCIdNotSpecified and MissingInput for
    // want of a default subnet.
    Result<std::vector<std::string>> resolve(std::vector<std::string> zones, bool named);

    // Checks wished addresses against the subnets in that zone, and returns for how many instances there are
    // addresses: min_count to max_count, or InsufficientFreeAddressesInSubnet.
    Result<std::int64_t> choose_zone(const std::string& zone, std::int64_t min_count, std::int64_t max_count);

    // That all of it is in, once resolved.
    const VpcId& vpc_id() const { return vpc_id_; }
    // Of the interface of index 0.
    const Subnet& primary_subnet() const { return *parts_.front().subnet; }

    // Makes an instance's interfaces and attaches them. InsufficientAddressCapacity when the public pool has
    // run out.
    Status attach(const Instance& instance);

    // Tells of the change, once.
    void finish();

  private:
    struct Part {
        const InterfaceWish& wish;
        std::optional<NetworkInterface> existing;
        std::optional<Subnet> subnet;  // of a default one only when the zone is chosen
        std::vector<SecurityGroupId> groups;
    };

    Status resolve_existing(Part& part);
    Status resolve_new(Part& part);
    Status keep_zone(const std::string& zone);
    Status keep_vpc(const Part& part);
    Status load_defaults();
    Status keep_default_zones(const InterfaceWish& wish);
    Status check_same_network(const Part& part);
    Status resolve_groups(Part& part, const VpcId& vpc_id);
    Status check_addresses(const Part& part);
    Status check_address(const Subnet& subnet, const Cidr& cidr, const IpAddress& address);
    Result<NetworkInterface> make(const Part& part);
    Status add_ipv4(const Part& part, const NetworkInterface& made);
    Status add_ipv6(const Part& part, const NetworkInterface& made);

    db::Session& session_;
    const RequestContext& context_;
    const std::vector<InterfaceWish>& wishes_;
    const std::vector<ec2::Tag>& tags_;
    std::vector<Part> parts_;
    std::vector<std::string> zones_;
    bool zone_named_ = false;
    std::optional<Vpc> default_vpc_;
    std::map<std::string, Subnet> default_subnets_;   // by zone
    std::map<SubnetId, std::set<IpAddress>> wished_;  // spared when any address will do
    VpcId vpc_id_;
};

}  // namespace lodge::api

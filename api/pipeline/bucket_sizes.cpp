#include "api/pipeline/bucket_sizes.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/pipeline/known_actions.h"

namespace lodge::api {
namespace {

struct Row {
    std::string_view name;
    BucketSize size;
};

constexpr std::string_view unfiltered_suffix = "/unfiltered";
constexpr std::string_view instances_suffix = "/instances";

// Sorts of actions.
constexpr std::array sorts = {
    Row{"non-mutating", {100, 20}},
    Row{"unfiltered", {50, 10}},
    Row{"mutating", {50, 5}},
    Row{"resource-intensive", {50, 5}},
};

constexpr std::array unfiltered_actions = std::to_array<std::string_view>(
    {"DescribeInstanceStatus", "DescribeInstances", "DescribeNetworkInterfaces", "DescribeSecurityGroups",
     "DescribeSnapshots", "DescribeSpotInstanceRequests", "DescribeVolumes"});

constexpr std::array resource_intensive_actions = std::to_array<std::string_view>(
    {"AcceptVpcPeeringConnection", "AuthorizeSecurityGroupIngress", "CancelSpotInstanceRequests",
     "CreateKeyPair", "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection",
     "RejectVpcPeeringConnection", "RequestSpotInstances", "RevokeSecurityGroupIngress"});

// Actions with a size of their own, of those that Lodge has or could have. Sorted by name.
constexpr std::array own_sizes = {
    Row{"AssignIpv6Addresses", {100, 5}},
    Row{"AssignPrivateIpAddresses", {100, 5}},
    Row{"AssignPrivateNatGatewayAddress", {10, 1}},
    Row{"AssociateIamInstanceProfile", {100, 5}},
    Row{"AssociateNatGatewayAddress", {10, 1}},
    Row{"CopyImage", {100, 1}},
    Row{"CreateDefaultSubnet", {1, 1}},
    Row{"CreateDefaultVpc", {1, 1}},
    Row{"CreateLaunchTemplateVersion", {100, 5}},
    Row{"CreateNatGateway", {10, 1}},
    Row{"CreateNetworkInterface", {100, 5}},
    Row{"CreateSnapshot", {100, 5}},
    Row{"CreateSnapshots", {100, 5}},
    Row{"CreateSubnetCidrReservation", {5, 1}},
    Row{"CreateTags", {100, 10}},
    Row{"CreateVolume", {100, 5}},
    Row{"CreateVpcEndpoint", {4, 0.3}},
    Row{"DeleteNatGateway", {10, 1}},
    Row{"DeleteNetworkInterface", {100, 5}},
    Row{"DeleteSnapshot", {100, 5}},
    Row{"DeleteSubnetCidrReservation", {5, 1}},
    Row{"DeleteTags", {100, 10}},
    Row{"DeleteVolume", {100, 5}},
    Row{"DeleteVpcEndpoints", {4, 0.3}},
    Row{"DeregisterImage", {100, 5}},
    Row{"DescribeAggregateIdFormat", {10, 10}},
    Row{"DescribeIdFormat", {10, 10}},
    Row{"DescribeIdentityIdFormat", {10, 10}},
    Row{"DescribeInstanceTopology", {1, 1}},
    Row{"DescribeMovingAddresses", {1, 1}},
    Row{"DescribePrincipalIdFormat", {10, 10}},
    Row{"DescribeReservedInstancesOfferings", {10, 10}},
    Row{"DescribeSecurityGroupReferences", {20, 5}},
    Row{"DescribeSpotFleetInstances", {100, 5}},
    Row{"DescribeSpotFleetRequests", {50, 3}},
    Row{"DescribeStaleSecurityGroups", {20, 5}},
    Row{"DisableImageBlockPublicAccess", {1, 0.1}},
    Row{"DisableSnapshotBlockPublicAccess", {1, 0.1}},
    Row{"DisassociateIamInstanceProfile", {100, 5}},
    Row{"DisassociateNatGatewayAddress", {10, 1}},
    Row{"EnableImageBlockPublicAccess", {1, 0.1}},
    Row{"EnableSnapshotBlockPublicAccess", {1, 0.1}},
    Row{"ModifyImageAttribute", {100, 5}},
    Row{"ModifyInstanceMetadataDefaults", {2, 2}},
    Row{"ModifyInstanceMetadataOptions", {100, 5}},
    Row{"ModifyLaunchTemplate", {100, 5}},
    Row{"ModifyNetworkInterfaceAttribute", {100, 5}},
    Row{"ModifySnapshotAttribute", {100, 5}},
    Row{"ModifyVpcEndpoint", {4, 0.3}},
    Row{"MoveAddressToVpc", {1, 1}},
    Row{"RestoreAddressToClassic", {1, 1}},
    Row{"RunInstances", {5, 2}},
    Row{"StartInstances", {5, 2}},
    Row{"TerminateInstances", {100, 5}},
    Row{"UnassignPrivateIpAddresses", {100, 5}},
    Row{"UnassignPrivateNatGatewayAddress", {10, 1}},
};

constexpr std::array instance_sizes = {
    Row{"RunInstances", {1000, 2}},
    Row{"StartInstances", {1000, 2}},
    Row{"StopInstances", {1000, 20}},
    Row{"TerminateInstances", {1000, 20}},
};

template <std::size_t count>
constexpr bool is_sorted(const std::array<Row, count>& rows) {
    return std::is_sorted(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.name < b.name; });
}
static_assert(is_sorted(own_sizes) && is_sorted(instance_sizes));

template <std::size_t count>
std::optional<BucketSize> size_in(const std::array<Row, count>& rows, std::string_view name) {
    for (const auto& row : rows)
        if (row.name == name) return row.size;
    return std::nullopt;
}

template <std::size_t count>
bool holds(const std::array<std::string_view, count>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view sort_of(std::string_view action, bool unfiltered) {
    if (unfiltered) return "unfiltered";
    if (holds(resource_intensive_actions, action)) return "resource-intensive";
    for (std::string_view start : {"Describe", "Get", "List", "Search"})
        if (action.starts_with(start)) return "non-mutating";
    return "mutating";
}

// Whether there is such a bucket to size.
bool can_be_given(std::string_view name) {
    if (size_in(sorts, name)) return true;
    if (name.ends_with(unfiltered_suffix))
        return holds(unfiltered_actions, name.substr(0, name.size() - unfiltered_suffix.size()));
    if (name.ends_with(instances_suffix))
        return size_in(instance_sizes, name.substr(0, name.size() - instances_suffix.size())).has_value();
    return known_ec2_action(name);
}

// "5:2".
std::optional<BucketSize> read_size(std::string_view text) {
    constexpr double most = 1e9;
    BucketSize size;
    const auto* end = text.data() + text.size();
    auto first = std::from_chars(text.data(), end, size.capacity);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return std::nullopt;
    auto second = std::from_chars(first.ptr + 1, end, size.per_second);
    if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
    // Written so that what is no number is refused.
    bool good =
        size.capacity >= 0 && size.capacity <= most && size.per_second >= 0 && size.per_second <= most;
    return good ? std::optional(size) : std::nullopt;
}

}  // namespace

Status BucketSizes::put(std::string_view text) {
    auto equals = text.find('=');
    auto name = text.substr(0, equals);
    auto size = equals == std::string_view::npos ? std::nullopt : read_size(text.substr(equals + 1));
    if (!size)
        return fail(ErrorCode::invalid_input,
                    "'" + std::string(text) +
                        "' is no bucket, such as RunInstances=5:2 (tokens at most, and "
                        "how many come back a second)");
    if (!can_be_given(name))
        return fail(ErrorCode::invalid_input,
                    "'" + std::string(name) + "' is no action of EC2's that has such a bucket");
    given_.insert_or_assign(std::string(name), *size);
    return {};
}

BucketSize BucketSizes::of_requests(std::string_view action, bool unfiltered) const {
    if (unfiltered) {
        if (auto own = given(std::string(action) + std::string(unfiltered_suffix))) return *own;
    } else {
        if (auto own = given(action)) return *own;
        if (auto own = size_in(own_sizes, action)) return *own;
    }
    auto sort = sort_of(action, unfiltered);
    if (auto own = given(sort)) return *own;
    return size_in(sorts, sort).value_or(BucketSize());
}

std::optional<BucketSize> BucketSizes::of_instances(std::string_view action) const {
    if (auto own = given(std::string(action) + std::string(instances_suffix))) return own;
    return size_in(instance_sizes, action);
}

bool BucketSizes::counts_unfiltered(std::string_view action) {
    return holds(unfiltered_actions, action);
}

std::optional<BucketSize> BucketSizes::given(std::string_view name) const {
    auto found = given_.find(name);
    return found == given_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace lodge::api

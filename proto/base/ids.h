// Resource IDs as EC2 has them: a prefix and 17 lower-case hexadecimal digits, "i-0123456789abcdef0".
// Each kind is a type of its own, so that an image's ID never passes for an instance's.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/random.h"

namespace lodge {

inline constexpr std::size_t id_digits = 17;

// Whether `text` is `prefix` followed by 17 (or, as of old, 8) lower-case hexadecimal digits.
bool id_well_formed(std::string_view prefix, std::string_view text);

template <class Kind>
class Id {
  public:
    Id() = default;

    static Id make(Random& random) { return Id(std::string(Kind::prefix) + random.hex(id_digits)); }

    // Nothing unless `text` has this kind's prefix and shape.
    static std::optional<Id> parse(std::string_view text) {
        if (!id_well_formed(Kind::prefix, text)) return std::nullopt;
        return Id(std::string(text));
    }

    // For text that this deployment wrote itself, such as a row of its database.
    static Id trusted(std::string text) { return Id(std::move(text)); }

    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    auto operator<=>(const Id&) const = default;

  private:
    explicit Id(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

struct InstanceKind {
    static constexpr std::string_view prefix = "i-";
};
struct GuestKind {
    static constexpr std::string_view prefix = "g-";
};
struct HostKind {
    static constexpr std::string_view prefix = "h-";
};
struct KeyPairKind {
    static constexpr std::string_view prefix = "key-";
};
struct ReservationKind {
    static constexpr std::string_view prefix = "r-";
};
struct VolumeKind {
    static constexpr std::string_view prefix = "vol-";
};
struct SnapshotKind {
    static constexpr std::string_view prefix = "snap-";
};
struct VpcKind {
    static constexpr std::string_view prefix = "vpc-";
};
struct VpcCidrKind {
    static constexpr std::string_view prefix = "vpc-cidr-assoc-";
};
struct SubnetKind {
    static constexpr std::string_view prefix = "subnet-";
};
struct SubnetCidrKind {
    static constexpr std::string_view prefix = "subnet-cidr-assoc-";
};
struct InternetGatewayKind {
    static constexpr std::string_view prefix = "igw-";
};
struct EgressOnlyInternetGatewayKind {
    static constexpr std::string_view prefix = "eigw-";
};
struct NatGatewayKind {
    static constexpr std::string_view prefix = "nat-";
};
struct RouteTableKind {
    static constexpr std::string_view prefix = "rtb-";
};
struct RouteTableAssociationKind {
    static constexpr std::string_view prefix = "rtbassoc-";
};
struct VpcPeeringKind {
    static constexpr std::string_view prefix = "pcx-";
};
struct NetworkAclKind {
    static constexpr std::string_view prefix = "acl-";
};
struct NetworkAclAssociationKind {
    static constexpr std::string_view prefix = "aclassoc-";
};
struct SecurityGroupKind {
    static constexpr std::string_view prefix = "sg-";
};
struct SecurityGroupRuleKind {
    static constexpr std::string_view prefix = "sgr-";
};
struct PrefixListKind {
    static constexpr std::string_view prefix = "pl-";
};
struct NetworkInterfaceKind {
    static constexpr std::string_view prefix = "eni-";
};
struct AttachmentKind {
    static constexpr std::string_view prefix = "eni-attach-";
};
struct AllocationKind {
    static constexpr std::string_view prefix = "eipalloc-";
};
struct AssociationKind {
    static constexpr std::string_view prefix = "eipassoc-";
};
struct VpcEndpointKind {
    static constexpr std::string_view prefix = "vpce-";
};
struct DhcpOptionsKind {
    static constexpr std::string_view prefix = "dopt-";
};
struct LaunchTemplateKind {
    static constexpr std::string_view prefix = "lt-";
};
struct PlacementGroupKind {
    static constexpr std::string_view prefix = "pg-";
};
struct FleetKind {
    static constexpr std::string_view prefix = "fleet-";
};
struct CapacityReservationKind {
    static constexpr std::string_view prefix = "cr-";
};
struct ExportTaskKind {
    static constexpr std::string_view prefix = "export-ami-";
};
// What an account has of a host while it has it to itself; the host's own ID is never shown to accounts.
struct DedicatedHostKind {
    static constexpr std::string_view prefix = "h-";
};

using InstanceId = Id<InstanceKind>;
using GuestId = Id<GuestKind>;
using HostId = Id<HostKind>;
using KeyPairId = Id<KeyPairKind>;
using ReservationId = Id<ReservationKind>;
using VolumeId = Id<VolumeKind>;
using SnapshotId = Id<SnapshotKind>;
using VpcId = Id<VpcKind>;
using VpcCidrId = Id<VpcCidrKind>;
using SubnetId = Id<SubnetKind>;
using SubnetCidrId = Id<SubnetCidrKind>;
using InternetGatewayId = Id<InternetGatewayKind>;
using EgressOnlyInternetGatewayId = Id<EgressOnlyInternetGatewayKind>;
using NatGatewayId = Id<NatGatewayKind>;
using RouteTableId = Id<RouteTableKind>;
using RouteTableAssociationId = Id<RouteTableAssociationKind>;
using VpcPeeringId = Id<VpcPeeringKind>;
using NetworkAclId = Id<NetworkAclKind>;
using NetworkAclAssociationId = Id<NetworkAclAssociationKind>;
using SecurityGroupId = Id<SecurityGroupKind>;
using SecurityGroupRuleId = Id<SecurityGroupRuleKind>;
using PrefixListId = Id<PrefixListKind>;
using NetworkInterfaceId = Id<NetworkInterfaceKind>;
using AttachmentId = Id<AttachmentKind>;
using AllocationId = Id<AllocationKind>;
using AssociationId = Id<AssociationKind>;
using VpcEndpointId = Id<VpcEndpointKind>;
using DhcpOptionsId = Id<DhcpOptionsKind>;
using LaunchTemplateId = Id<LaunchTemplateKind>;
using PlacementGroupId = Id<PlacementGroupKind>;
using FleetId = Id<FleetKind>;
using CapacityReservationId = Id<CapacityReservationKind>;
using ExportTaskId = Id<ExportTaskKind>;
using DedicatedHostId = Id<DedicatedHostKind>;

// An image is a machine image ("ami-"), a kernel ("aki-") or a ramdisk ("ari-"): no one prefix, so that
// ImageId::make() and parse() do not compile.
struct AnyImageKind {};
using ImageId = Id<AnyImageKind>;
enum class ImageType { machine, kernel, ramdisk };
ImageId make_image_id(Random& random, ImageType type);
std::optional<ImageId> parse_image_id(std::string_view text);

// An import task is one of images ("import-ami-") or of snapshots ("import-snap-").
struct AnyImportTaskKind {};
using ImportTaskId = Id<AnyImportTaskKind>;
enum class ImportKind { image, snapshot };
ImportTaskId make_import_task_id(Random& random, ImportKind kind);
// Nothing unless it is one of that kind.
std::optional<ImportTaskId> parse_import_task_id(std::string_view text, ImportKind kind);

// Twelve decimal digits, as AWS numbers its accounts.
using AccountId = std::string;
bool account_id_well_formed(std::string_view text);
AccountId make_account_id(Random& random);

}  // namespace lodge

template <class Kind>
struct std::hash<lodge::Id<Kind>> {
    std::size_t operator()(const lodge::Id<Kind>& id) const noexcept {
        return std::hash<std::string>()(id.str());
    }
};

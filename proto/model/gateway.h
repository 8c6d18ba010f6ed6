#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge {

struct InternetGateway {
    InternetGatewayId id;
    AccountId account_id;
    std::string region;
    std::string vpc_id;  // empty: detached
    UnixMs created_ms = 0;
};

struct EgressOnlyInternetGateway {
    EgressOnlyInternetGatewayId id;
    AccountId account_id;
    std::string region;
    VpcId vpc_id;
    UnixMs created_ms = 0;
};

enum class NatGatewayState { pending, available, failed, deleting, deleted };

template <>
struct EnumText<NatGatewayState> {
    static constexpr std::array words = {std::pair{NatGatewayState::pending, std::string_view("pending")},
                                         std::pair{NatGatewayState::available, std::string_view("available")},
                                         std::pair{NatGatewayState::failed, std::string_view("failed")},
                                         std::pair{NatGatewayState::deleting, std::string_view("deleting")},
                                         std::pair{NatGatewayState::deleted, std::string_view("deleted")}};
};

// Outlives its VPC by an hour as "deleted", as clients expect.
struct NatGateway {
    NatGatewayId id;
    AccountId account_id;
    std::string region;
    VpcId vpc_id;
    SubnetId subnet_id;
    std::string connectivity_type;  // "public", "private"
    NatGatewayState state = NatGatewayState::pending;
    NetworkInterfaceId network_interface_id;
    std::string allocation_id;   // of a public one
    std::string association_id;  // of a public one
    std::string private_ip;
    std::string public_ip;
    std::string failure_code;
    std::string failure_message;
    std::int64_t revision = 0;  // of the VPC: once applied, the present transition is over
    UnixMs created_ms = 0;
    UnixMs deleted_ms = 0;  // when it was asked to go
};

// A peering's life. Source: Amazon VPC Peering Guide, "VPC peering connection lifecycle".
enum class PeeringStatus { pending_acceptance, active, rejected, expired, failed, deleted };

template <>
struct EnumText<PeeringStatus> {
    static constexpr std::array words = {
        std::pair{PeeringStatus::pending_acceptance, std::string_view("pending-acceptance")},
        std::pair{PeeringStatus::active, std::string_view("active")},
        std::pair{PeeringStatus::rejected, std::string_view("rejected")},
        std::pair{PeeringStatus::expired, std::string_view("expired")},
        std::pair{PeeringStatus::failed, std::string_view("failed")},
        std::pair{PeeringStatus::deleted, std::string_view("deleted")}};
};

struct VpcPeering {
    struct Side {
        AccountId account_id;
        std::string region;
        VpcId vpc_id;
        std::string cidrs;          // IPv4 and IPv6, joined by commas, as of the last change of status
        bool resolves_dns = false;  // AllowDnsResolutionFromRemoteVpc
    };
    VpcPeeringId id;
    Side requester;
    Side accepter;
    PeeringStatus status = PeeringStatus::pending_acceptance;
    std::string status_message;
    std::int64_t link_number = 0;  // of the link between the routers; unique among either VPC's peerings
    UnixMs created_ms = 0;
    UnixMs expires_ms = 0;
    UnixMs ended_ms = 0;  // when it became rejected, expired, failed or deleted; 0 before
};

}  // namespace lodge

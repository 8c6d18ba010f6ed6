// CreateVpcPeeringConnection, AcceptVpcPeeringConnection, RejectVpcPeeringConnection,
// DeleteVpcPeeringConnection, DescribeVpcPeeringConnections, ModifyVpcPeeringConnectionOptions.
#include "api/actions/vpc_peerings.h"

#include <algorithm>

#include "api/actions/tagging.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"
#include "proto/base/encoding.h"
#include "proto/ec2/vpc_peerings.h"
#include "scheduler/network/peerings.h"

namespace lodge::api {
namespace {

using describe::Values;
using Side = VpcPeering::Side;

struct PeeringRecord {
    VpcPeering value;
    std::vector<Tag> tags;  // each side has its own
    std::vector<Cidr> requester_cidrs;
    std::vector<Cidr> accepter_cidrs;  // unknown before it was active
};

std::string joined_cidrs(db::Session& session, const VpcId& vpc_id) {
    std::string all;
    for (const auto& cidr : db::vpcs::cidrs_of(session, vpc_id)) all += (all.empty() ? "" : ",") + cidr.cidr;
    return all;
}

std::vector<Cidr> split_cidrs(std::string_view text) {
    std::vector<Cidr> all;
    while (!text.empty()) {
        auto comma = std::min(text.find(','), text.size());
        if (auto cidr = Cidr::parse(text.substr(0, comma))) all.push_back(*cidr);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return all;
}

// While both can change their CIDRs, as they are now.
std::vector<Cidr> cidrs_of(db::Session& session, const VpcPeering& peering, const Side& side) {
    bool live = peering.status == PeeringStatus::active && !side.cidrs.empty();
    return split_cidrs(live ? joined_cidrs(session, side.vpc_id) : side.cidrs);
}

PeeringRecord load(db::Session& session, const RequestContext& context, VpcPeering peering) {
    PeeringRecord record;
    record.tags = db::tags::of(session, context.account_id, peering.id.str());
    record.requester_cidrs = cidrs_of(session, peering, peering.requester);
    record.accepter_cidrs = cidrs_of(session, peering, peering.accepter);
    record.value = std::move(peering);
    return record;
}

bool is_pending(const VpcPeering& peering) {
    return peering.status == PeeringStatus::pending_acceptance;
}

describe::FilterField<PeeringRecord> of_cidrs(std::string_view name,
                                              std::vector<Cidr> PeeringRecord::*cidrs) {
    return {name, [cidrs](const PeeringRecord& record, Values& out) {
                for (const auto& cidr : record.*cidrs)
                    if (!cidr.is_ipv6()) out.push_back(cidr.str());
            }};
}

const describe::FilterTable<PeeringRecord>& peering_filters() {
    static const describe::FilterTable<PeeringRecord> table = {
        of_cidrs("accepter-vpc-info.cidr-block", &PeeringRecord::accepter_cidrs),
        filter<PeeringRecord>("accepter-vpc-info.owner-id",
                              [](const auto& r) { return r.value.accepter.account_id; }),
        filter<PeeringRecord>("accepter-vpc-info.vpc-id",
                              [](const auto& r) { return r.value.accepter.vpc_id.str(); }),
        {"expiration-time",
         [](const PeeringRecord& r, Values& out) {
             if (is_pending(r.value)) out.push_back(format_time(r.value.expires_ms));
         }},
        of_cidrs("requester-vpc-info.cidr-block", &PeeringRecord::requester_cidrs),
        filter<PeeringRecord>("requester-vpc-info.owner-id",
                              [](const auto& r) { return r.value.requester.account_id; }),
        filter<PeeringRecord>("requester-vpc-info.vpc-id",
                              [](const auto& r) { return r.value.requester.vpc_id.str(); }),
        filter<PeeringRecord>("status-code", [](const auto& r) { return to_text(r.value.status); }),
        filter<PeeringRecord>("status-message", [](const auto& r) { return r.value.status_message; }),
        filter<PeeringRecord>("vpc-peering-connection-id", [](const auto& r) { return r.value.id.str(); }),
    };
    return table;
}

ec2::PeeringConnectionOptions options_of(const Side& side) {
    return {side.resolves_dns, false, false};
}

ec2::VpcPeeringConnectionVpcInfo shown(const Side& side, const std::vector<Cidr>& cidrs) {
    ec2::VpcPeeringConnectionVpcInfo out;
    out.owner_id = side.account_id;
    out.vpc_id = side.vpc_id.str();
    out.region = side.region;
    for (const auto& cidr : cidrs) {
        if (cidr.is_ipv6()) {
            out.ipv6_cidr_block_set.push_back({cidr.str()});
        } else {
            out.cidr_block_set.push_back({cidr.str()});
        }
    }
    if (cidrs.empty()) return out;
    out.cidr_block = cidrs.front().str();
    out.peering_options = options_of(side);
    return out;
}

ec2::VpcPeeringConnection shown(const PeeringRecord& record) {
    const auto& peering = record.value;
    ec2::VpcPeeringConnection out;
    out.vpc_peering_connection_id = peering.id.str();
    out.requester_vpc_info = shown(peering.requester, record.requester_cidrs);
    out.accepter_vpc_info = shown(peering.accepter, record.accepter_cidrs);
    out.status =
        ec2::VpcPeeringConnectionStateReason{std::string(to_text(peering.status)), peering.status_message};
    if (is_pending(peering)) out.expiration_time = peering.expires_ms;
    out.tags = to_ec2(record.tags);
    return out;
}

bool is_callers(const RequestContext& context, const Side& side) {
    return side.account_id == context.account_id && side.region == context.region;
}

tl::unexpected<Error> not_allowed(const RequestContext& context, std::string_view verb,
                                  const VpcPeering& peering) {
    return fail(ErrorCode::operation_not_permitted, "User " + context.account_id + " cannot " +
                                                        std::string(verb) + " peering " + peering.id.str());
}

tl::unexpected<Error> no_transition(const VpcPeering& peering, PeeringStatus wanted) {
    return fail(ErrorCode::invalid_state_transition,
                "Invalid state transition for " + peering.id.str() + ", attempted to transition from " +
                    std::string(to_text(peering.status)) + " to " + std::string(to_text(wanted)));
}

// The accepter's word on a request that still stands.
Status check_answer(const RequestContext& context, const VpcPeering& peering, std::string_view verb,
                    PeeringStatus wanted) {
    if (!is_callers(context, peering.accepter)) return not_allowed(context, verb, peering);
    if (!is_pending(peering) || peering.expires_ms <= context.now_ms()) return no_transition(peering, wanted);
    return {};
}

// The two sides as a request names them; whether they can be peers is not looked at here.
Result<VpcPeering> requested(db::Session& session, const RequestContext& context,
                             const ec2::CreateVpcPeeringConnectionRequest& request) {
    LODGE_TRY(auto vpc, find_vpc(session, context, *request.vpc_id));
    VpcPeering peering;
    peering.id = VpcPeeringId::make(context.services.random);
    peering.requester = {context.account_id, context.region, vpc.id, joined_cidrs(session, vpc.id), false};
    peering.accepter.account_id = request.peer_owner_id.value_or(context.account_id);
    peering.accepter.region = request.peer_region.value_or(context.region);
    peering.accepter.vpc_id = VpcId::trusted(*request.peer_vpc_id);
    peering.created_ms = context.now_ms();
    peering.expires_ms = peering.created_ms + network::peering_request_ms;
    peering.status_message = "Pending Acceptance by " + peering.accepter.account_id;
    return peering;
}

// Nobody learns from a request whether another account's VPC is there: it fails as for overlapping CIDRs.
bool can_be_peers(db::Session& session, const VpcPeering& peering) {
    const auto& peer = peering.accepter;
    return db::vpcs::find(session, peer.account_id, peer.region, peer.vpc_id.str()) &&
           !network::overlap(session, peering.requester.vpc_id, peer.vpc_id);
}

Status check_new(db::Session& session, const VpcPeering& wanted) {
    for (const auto& other : db::vpc_peerings::of_vpc(session, wanted.requester.vpc_id)) {
        bool same_pair = other.requester.vpc_id == wanted.accepter.vpc_id ||
                         other.accepter.vpc_id == wanted.accepter.vpc_id;
        if (same_pair && (is_pending(other) || other.status == PeeringStatus::active))
            return fail(ErrorCode::vpc_peering_already_exists, other.id.str());
    }
    return {};
}

constexpr auto failure =
    "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range";  // EC2's words, which tools show

Status check_names(const RequestContext& context, const ec2::CreateVpcPeeringConnectionRequest& request) {
    if (!request.vpc_id) return fail(ErrorCode::missing_parameter, "VpcId");
    if (!request.peer_vpc_id) return fail(ErrorCode::missing_parameter, "PeerVpcId");
    if (!VpcId::parse(*request.peer_vpc_id))
        return fail(ErrorCode::invalid_vpc_id_malformed, *request.peer_vpc_id);
    const auto owner = request.peer_owner_id.value_or(context.account_id);
    if (owner.size() != 12 || owner.find_first_not_of("0123456789") != std::string::npos)
        return fail(ErrorCode::invalid_parameter_value,
                    "Value (" + owner + ") for parameter peerOwnerId is invalid.");
    return check_region(context, request.peer_region.value_or(context.region), "peerRegion");
}

// The options that a request may set: the caller's own side's, of an active peering.
Status set_options(const RequestContext& context, const VpcPeering& peering, Side& side,
                   const std::optional<ec2::PeeringConnectionOptionsRequest>& wanted) {
    if (!wanted) return {};
    if (!is_callers(context, side))
        return not_allowed(context, "modify the other side's options of", peering);
    side.resolves_dns = wanted->allow_dns_resolution_from_remote_vpc.value_or(side.resolves_dns);
    return {};
}

}  // namespace

Result<VpcPeering> find_peering(db::Session& session, const RequestContext& context, const std::string& id) {
    LODGE_TRY(auto found, find_or_fail<VpcPeeringId>(session, context, id, db::vpc_peerings::find,
                                                     ErrorCode::invalid_vpc_peering_id_malformed,
                                                     ErrorCode::invalid_vpc_peering_id_not_found));
    if (!network::sees(found, context.account_id, context.region, context.now_ms()))
        return fail(ErrorCode::invalid_vpc_peering_id_not_found, id);
    return found;
}

Result<ec2::CreateVpcPeeringConnectionResponse> create_vpc_peering_connection(
    RequestContext& context, const ec2::CreateVpcPeeringConnectionRequest& request) {
    LODGE_CHECK(check_names(context, request));
    LODGE_TRY(auto tags,
              tags_for(request.tag_specification, "vpc-peering-connection", {"vpc-peering-connection"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateVpcPeeringConnectionResponse> {
        LODGE_TRY(auto peering, requested(session, context, request));
        LODGE_CHECK(check_new(session, peering));
        db::vpc_peerings::insert(session, peering);
        if (!can_be_peers(session, peering))
            network::end_peering(session, peering, PeeringStatus::failed, failure, context.now_ms());
        put_tags(session, context, peering.id.str(), "vpc-peering-connection", tags);
        auto out = shown(load(session, context, std::move(peering)));
        // What becomes of it is for the next look, as with EC2.
        out.status = ec2::VpcPeeringConnectionStateReason{
            "initiating-request", "Initiating Request to " + *out.accepter_vpc_info->owner_id};
        return ec2::CreateVpcPeeringConnectionResponse{std::move(out)};
    });
}

Result<ec2::AcceptVpcPeeringConnectionResponse> accept_vpc_peering_connection(
    RequestContext& context, const ec2::AcceptVpcPeeringConnectionRequest& request) {
    if (!request.vpc_peering_connection_id)
        return fail(ErrorCode::missing_parameter, "VpcPeeringConnectionId");
    return context.write([&](db::Session& session) -> Result<ec2::AcceptVpcPeeringConnectionResponse> {
        LODGE_TRY(auto peering, find_peering(session, context, *request.vpc_peering_connection_id));
        LODGE_CHECK(check_answer(context, peering, "accept", PeeringStatus::active));
        if (can_be_peers(session, peering)) {
            peering.status = PeeringStatus::active;
            peering.status_message = "Active";
            for (auto* side : {&peering.requester, &peering.accepter}) {
                side->cidrs = joined_cidrs(session, side->vpc_id);
                network_changed(session, context, side->vpc_id);
            }
            db::vpc_peerings::update(session, peering);
        } else {  // CIDRs that overlap were added meanwhile
            network::end_peering(session, peering, PeeringStatus::failed, failure, context.now_ms());
        }
        return ec2::AcceptVpcPeeringConnectionResponse{shown(load(session, context, std::move(peering)))};
    });
}

Result<ec2::RejectVpcPeeringConnectionResponse> reject_vpc_peering_connection(
    RequestContext& context, const ec2::RejectVpcPeeringConnectionRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::RejectVpcPeeringConnectionResponse> {
        LODGE_TRY(auto peering, find_peering(session, context, request.vpc_peering_connection_id));
        LODGE_CHECK(check_answer(context, peering, "reject", PeeringStatus::rejected));
        network::end_peering(session, peering, PeeringStatus::rejected, "Rejected by " + context.account_id,
                             context.now_ms());
        return ec2::RejectVpcPeeringConnectionResponse{true};
    });
}

Result<ec2::DeleteVpcPeeringConnectionResponse> delete_vpc_peering_connection(
    RequestContext& context, const ec2::DeleteVpcPeeringConnectionRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteVpcPeeringConnectionResponse> {
        LODGE_TRY(auto peering, find_peering(session, context, request.vpc_peering_connection_id));
        if (!is_pending(peering) && peering.status != PeeringStatus::active)
            return no_transition(peering, PeeringStatus::deleted);
        if (is_pending(peering) && !is_callers(context, peering.requester))
            return not_allowed(context, "delete", peering);
        if (peering.status == PeeringStatus::active) {
            network_changed(session, context, peering.requester.vpc_id);
            network_changed(session, context, peering.accepter.vpc_id);
        }
        network::end_peering(session, peering, PeeringStatus::deleted, "Deleted by " + context.account_id,
                             context.now_ms());
        return ec2::DeleteVpcPeeringConnectionResponse{true};
    });
}

Result<ec2::DescribeVpcPeeringConnectionsResponse> describe_vpc_peering_connections(
    RequestContext& context, const ec2::DescribeVpcPeeringConnectionsRequest& request) {
    auto is_seen = [&](const VpcPeering& peering) {
        return network::sees(peering, context.account_id, context.region, context.now_ms());
    };
    describe::Resource<PeeringRecord> resource{
        [](std::string_view id) { return VpcPeeringId::parse(id).has_value(); },
        ErrorCode::invalid_vpc_peering_id_malformed,
        ErrorCode::invalid_vpc_peering_id_not_found,
        peering_filters(),
        [](const PeeringRecord& record) -> const std::vector<Tag>& { return record.tags; },
        [](const PeeringRecord& record) { return record.value.id.str(); },
        [&](db::Session& session, const std::string& id) -> std::optional<PeeringRecord> {
            auto found = db::vpc_peerings::find(session, context.account_id, context.region, id);
            if (!found || !is_seen(*found)) return std::nullopt;
            return load(session, context, std::move(*found));
        },
        [&](db::Session& session, const std::string& after, std::int64_t limit) {
            std::vector<PeeringRecord> records;
            for (auto& each :
                 db::vpc_peerings::list(session, context.account_id, context.region, after, limit))
                records.push_back(load(session, context, std::move(each)));
            return records;
        },
        [&](const PeeringRecord& record) { return is_seen(record.value); }};
    LODGE_TRY(auto page, describe::describe<PeeringRecord>(context,
                                                           {request.vpc_peering_connection_id, request.filter,
                                                            request.max_results, request.next_token},
                                                           resource));
    ec2::DescribeVpcPeeringConnectionsResponse response;
    for (const auto& record : page.records) response.vpc_peering_connections.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::ModifyVpcPeeringConnectionOptionsResponse> modify_vpc_peering_connection_options(
    RequestContext& context, const ec2::ModifyVpcPeeringConnectionOptionsRequest& request) {
    const auto& for_requester = request.requester_peering_connection_options;
    const auto& for_accepter = request.accepter_peering_connection_options;
    if (!for_requester && !for_accepter)
        return fail(ErrorCode::missing_parameter, "RequesterPeeringConnectionOptions");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyVpcPeeringConnectionOptionsResponse> {
        LODGE_TRY(auto peering, find_peering(session, context, request.vpc_peering_connection_id));
        if (peering.status != PeeringStatus::active)
            return fail(ErrorCode::operation_not_permitted,
                        "Peering " + peering.id.str() +
                            " is not active. Peering options can be added only to active peerings.");
        LODGE_CHECK(set_options(context, peering, peering.requester, for_requester));
        LODGE_CHECK(set_options(context, peering, peering.accepter, for_accepter));
        db::vpc_peerings::update(session, peering);
        network_changed(session, context, peering.requester.vpc_id);
        network_changed(session, context, peering.accepter.vpc_id);
        ec2::ModifyVpcPeeringConnectionOptionsResponse out;
        if (for_requester) out.requester_peering_connection_options = options_of(peering.requester);
        if (for_accepter) out.accepter_peering_connection_options = options_of(peering.accepter);
        return out;
    });
}

}  // namespace lodge::api

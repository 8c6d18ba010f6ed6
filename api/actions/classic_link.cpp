// DescribeVpcClassicLink, DescribeVpcClassicLinkDnsSupport: every VPC, and that it has none.
#include "proto/ec2/classic_link.h"

#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/vpcs.h"

namespace lodge::api {
namespace {

using VpcRecord = Tagged<Vpc>;

Result<describe::Page<VpcRecord>> vpcs_of(RequestContext& context, const describe::Query& query) {
    static const describe::FilterTable<VpcRecord> filters = {
        filter<VpcRecord>("is-classic-link-enabled", [](const VpcRecord&) { return word(false); })};
    return describe::describe<VpcRecord>(
        context, query,
        resource_of<VpcId, Vpc, VpcRecord>(context, ErrorCode::invalid_vpc_id_malformed,
                                           ErrorCode::invalid_vpc_id_not_found, filters, db::vpcs::find,
                                           db::vpcs::list, with_tags));
}

}  // namespace

Result<ec2::DescribeVpcClassicLinkResponse> describe_vpc_classic_link(
    RequestContext& context, const ec2::DescribeVpcClassicLinkRequest& request) {
    LODGE_TRY(auto page, vpcs_of(context, {request.vpc_id, request.filter, std::nullopt, std::nullopt}));
    ec2::DescribeVpcClassicLinkResponse response;
    for (const auto& record : page.records)
        response.vpcs.push_back({false, to_ec2(record.tags), record.value.id.str()});
    return response;
}

Result<ec2::DescribeVpcClassicLinkDnsSupportResponse> describe_vpc_classic_link_dns_support(
    RequestContext& context, const ec2::DescribeVpcClassicLinkDnsSupportRequest& request) {
    LODGE_TRY(auto page, vpcs_of(context, {request.vpc_ids, {}, request.max_results, request.next_token}));
    ec2::DescribeVpcClassicLinkDnsSupportResponse response;
    for (const auto& record : page.records) response.vpcs.push_back({false, record.value.id.str()});
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

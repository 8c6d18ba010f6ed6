// DescribeVpcEndpoints: there is no endpoint to be found.
#include "proto/ec2/vpc_endpoints.h"

#include "api/describe/engine.h"

namespace lodge::api {
namespace {

struct Endpoint {};

const describe::FilterTable<Endpoint>& endpoint_filters() {
    auto none = [](const Endpoint&, describe::Values&) {};
    static const describe::FilterTable<Endpoint> table = {
        {"ip-address-type", none},    {"service-name", none},      {"vpc-endpoint-id", none},
        {"vpc-endpoint-state", none}, {"vpc-endpoint-type", none}, {"vpc-id", none},
    };
    return table;
}

const std::vector<Tag>& no_tags(const Endpoint&) {
    static const std::vector<Tag> none;
    return none;
}

describe::Resource<Endpoint> endpoints() {
    return {[](std::string_view id) { return VpcEndpointId::parse(id).has_value(); },
            ErrorCode::invalid_vpc_endpoint_id_malformed,
            ErrorCode::invalid_vpc_endpoint_id_not_found,
            endpoint_filters(),
            no_tags,
            [](const Endpoint&) { return std::string(); },
            [](db::Session&, const std::string&) { return std::optional<Endpoint>(); },
            [](db::Session&, const std::string&, std::int64_t) { return std::vector<Endpoint>(); }};
}

}  // namespace

Result<ec2::DescribeVpcEndpointsResponse> describe_vpc_endpoints(
    RequestContext& context, const ec2::DescribeVpcEndpointsRequest& request) {
    LODGE_TRY(auto page,
              describe::describe<Endpoint>(
                  context, {request.vpc_endpoint_id, request.filter, request.max_results, request.next_token},
                  endpoints()));
    ec2::DescribeVpcEndpointsResponse response;
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

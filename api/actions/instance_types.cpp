// DescribeInstanceTypes.
#include "proto/ec2/instance_types.h"
#include "api/actions/instance_type_info.h"
#include "api/catalogue/type_filters.h"
#include "api/describe/engine.h"

namespace lodge::api {
namespace {

using catalogue::InstanceType;

const describe::FilterTable<InstanceType>& type_filters() {
    static const describe::FilterTable<InstanceType> table = [] {
        describe::FilterTable<InstanceType> made;
        for (auto name : catalogue::filter_names()) {
            made.push_back({name, [name](const InstanceType& type, describe::Values& out) {
                                for (auto& value : catalogue::filter_values(type, name))
                                    out.push_back(std::move(value));
                            }});
        }
        return made;
    }();
    return table;
}

Result<std::vector<const InstanceType*>> select(const RequestContext& context,
                                                const ec2::DescribeInstanceTypesRequest& request) {
    std::vector<const InstanceType*> found;
    if (request.instance_type.empty()) {
        for (const auto& type : context.services.catalogue.all()) found.push_back(&type);
        return found;
    }
    for (const auto& name : request.instance_type) {
        const auto* type = context.services.catalogue.find(name);
        if (!type) return fail(ErrorCode::invalid_instance_type, name);
        if (std::find(found.begin(), found.end(), type) == found.end()) found.push_back(type);
    }
    return found;
}

}  // namespace

Result<ec2::DescribeInstanceTypesResponse> describe_instance_types(
    RequestContext& context, const ec2::DescribeInstanceTypesRequest& request) {
    LODGE_CHECK(describe::check_combination(
        {request.instance_type, request.filter, request.max_results, request.next_token}));
    LODGE_TRY(auto filters, describe::Filters<InstanceType>::make(request.filter, type_filters(), nullptr));
    LODGE_TRY(auto types, select(context, request));
    std::string after;
    if (request.next_token && !request.next_token->empty()) {
        LODGE_TRY(after, describe::read_token(context, *request.next_token));
    }
    ec2::DescribeInstanceTypesResponse response;
    for (const auto* type : types) {
        if ((!after.empty() && type->name <= after) || !filters.accept(*type)) continue;
        if (request.max_results &&
            response.instance_types.size() == static_cast<std::size_t>(*request.max_results)) {
            response.next_token = describe::make_token(context, response.instance_types.back().instance_type);
            break;
        }
        response.instance_types.push_back(to_ec2(*type));
    }
    return response;
}

}  // namespace lodge::api

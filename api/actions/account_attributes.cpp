// DescribeAccountAttributes.
#include "proto/ec2/account_attributes.h"

#include <algorithm>

#include "api/actions/account_limits.h"
#include "api/actions/interface_parts.h"
#include "db/store/vpcs.h"

namespace lodge::api {
namespace {

using Show = std::string (*)(db::Session&, const RequestContext&);

struct Attribute {
    std::string_view name;
    Show show;
};

std::string default_vpc(db::Session& session, const RequestContext& context) {
    auto found = db::vpcs::find_default(session, context.account_id, context.region);
    return found ? found->id.str() : "none";
}

std::string elastic_ips(db::Session& session, const RequestContext& context) {
    return std::to_string(max_elastic_ips(session, context));
}

const Attribute attributes[] = {
    {"supported-platforms", [](auto&, auto&) { return std::string("VPC"); }},
    {"vpc-max-security-groups-per-interface",
     [](auto&, auto&) { return std::to_string(max_groups_per_interface); }},
    {"max-elastic-ips", elastic_ips},
    {"max-instances",
     [](db::Session& session, const RequestContext& context) {
         return std::to_string(account_limits(session, context).instances);
     }},
    {"vpc-max-elastic-ips", elastic_ips},
    {"default-vpc", default_vpc},
};

Status check_names(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        bool known = std::any_of(std::begin(attributes), std::end(attributes),
                                 [&](const Attribute& each) { return each.name == name; });
        if (!known)
            return fail(ErrorCode::invalid_parameter_value,
                        "Value (" + name + ") for parameter attributeName is invalid. Unknown attribute.");
    }
    return {};
}

}  // namespace

Result<ec2::DescribeAccountAttributesResponse> describe_account_attributes(
    RequestContext& context, const ec2::DescribeAccountAttributesRequest& request) {
    const auto& names = request.attribute_name;
    LODGE_CHECK(check_names(names));
    return context.read([&](db::Session& session) -> Result<ec2::DescribeAccountAttributesResponse> {
        ec2::DescribeAccountAttributesResponse out;
        for (const auto& [name, show] : attributes) {
            if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
            auto& shown = out.account_attributes.emplace_back();
            shown.attribute_name = std::string(name);
            shown.attribute_values.emplace_back().attribute_value = show(session, context);
        }
        return out;
    });
}

}  // namespace lodge::api

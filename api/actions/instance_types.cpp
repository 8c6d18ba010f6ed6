// DescribeInstanceTypes, GetInstanceTypesFromInstanceRequirements.
#include "proto/ec2/instance_types.h"

#include <algorithm>

#include "api/actions/instance_type_info.h"
#include "api/actions/type_requirements.h"
#include "api/catalogue/type_filters.h"
#include "api/describe/engine.h"

namespace lodge::api {
namespace {

using Type = const catalogue::InstanceType*;

const describe::FilterTable<Type>& type_filters() {
    static const describe::FilterTable<Type> table = [] {
        describe::FilterTable<Type> made;
        for (auto name : catalogue::filter_names()) {
            made.push_back({name, [name](const Type& type, describe::Values& out) {
                                for (auto& value : catalogue::filter_values(*type, name))
                                    out.push_back(std::move(value));
                            }});
        }
        return made;
    }();
    return table;
}

bool any_name(std::string_view) {
    return true;
}

std::string sort_key(const Type& type) {
    return type->name;
}

describe::Resource<Type> resource(const catalogue::Catalogue& catalogue) {
    describe::Resource<Type> made{any_name,
                                  ErrorCode::invalid_instance_type,
                                  ErrorCode::invalid_instance_type,
                                  type_filters(),
                                  nullptr,
                                  sort_key,
                                  [&catalogue](db::Session&, const std::string& name) -> std::optional<Type> {
                                      Type type = catalogue.find(name);
                                      return type ? std::optional(type) : std::nullopt;
                                  },
                                  [&catalogue](db::Session&, const std::string& after, std::int64_t) {
                                      std::vector<Type> types;
                                      for (const auto& type : catalogue.all())
                                          if (type.name > after) types.push_back(&type);
                                      return types;
                                  }};
    made.single_batch = true;
    return made;
}

bool any_of(const std::vector<std::string>& wanted, const std::vector<std::string>& offered) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& word) {
        return std::find(offered.begin(), offered.end(), word) != offered.end();
    });
}

}  // namespace

Result<ec2::DescribeInstanceTypesResponse> describe_instance_types(
    RequestContext& context, const ec2::DescribeInstanceTypesRequest& request) {
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.instance_type, request.filter, request.max_results, request.next_token},
                  resource(context.services.catalogue)));
    ec2::DescribeInstanceTypesResponse response;
    for (const auto* type : page.records) response.instance_types.push_back(to_ec2(*type));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::GetInstanceTypesFromInstanceRequirementsResponse> get_instance_types_from_instance_requirements(
    RequestContext& context, const ec2::GetInstanceTypesFromInstanceRequirementsRequest& request) {
    LODGE_CHECK(check_requirements(request.instance_requirements));
    auto chosen = resource(context.services.catalogue);
    chosen.wanted = [&](const Type& type) {
        return any_of(request.architecture_type, type->architectures) &&
               any_of(request.virtualization_type, type->virtualization_types) &&
               meets(*type, request.instance_requirements);
    };
    const std::vector<std::string> no_ids;
    const std::vector<ec2::Filter> no_filters;
    LODGE_TRY(auto page, describe::describe(
                             context, {no_ids, no_filters, request.max_results, request.next_token}, chosen));
    ec2::GetInstanceTypesFromInstanceRequirementsResponse out;
    for (const auto* type : page.records) out.instance_types.push_back({type->name});
    out.next_token = page.next_token;
    return out;
}

}  // namespace lodge::api

// DescribeInstanceTypes.
#include "proto/ec2/instance_types.h"
#include "api/actions/instance_type_info.h"
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

}  // namespace

Result<ec2::DescribeInstanceTypesResponse> describe_instance_types(
    RequestContext& context, const ec2::DescribeInstanceTypesRequest& request) {
    const auto& catalogue = context.services.catalogue;
    describe::Resource<Type> resource{any_name,
                                      ErrorCode::invalid_instance_type,
                                      ErrorCode::invalid_instance_type,
                                      type_filters(),
                                      nullptr,
                                      sort_key,
                                      [&](db::Session&, const std::string& name) -> std::optional<Type> {
                                          Type type = catalogue.find(name);
                                          return type ? std::optional(type) : std::nullopt;
                                      },
                                      [&](db::Session&, const std::string& after, std::int64_t) {
                                          std::vector<Type> types;
                                          for (const auto& type : catalogue.all())
                                              if (type.name > after) types.push_back(&type);
                                          return types;
                                      }};
    resource.single_batch = true;
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.instance_type, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeInstanceTypesResponse response;
    for (const auto* type : page.records) response.instance_types.push_back(to_ec2(*type));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

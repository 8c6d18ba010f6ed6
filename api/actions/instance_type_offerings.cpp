// DescribeInstanceTypeOfferings: what the catalogue has is offered in every zone.
#include <algorithm>

#include "api/describe/engine.h"
#include "proto/ec2/instance_types.h"

namespace lodge::api {
namespace {

struct Offering {
    std::string type;
    std::string location;
};

const describe::FilterTable<Offering>& offering_filters() {
    static const describe::FilterTable<Offering> table = {
        {"instance-type",
         [](const Offering& offering, describe::Values& out) { out.push_back(offering.type); }},
        {"location",
         [](const Offering& offering, describe::Values& out) { out.push_back(offering.location); }},
    };
    return table;
}

// In the order of types, since no name has a blank in it.
std::string sort_key(const Offering& offering) {
    return offering.type + " " + offering.location;
}

std::vector<std::string> locations(const RequestContext& context, std::string_view kind) {
    if (kind == "region") return {context.region};
    std::vector<std::string> found;
    if (kind == "outpost") return found;  // there are none
    for (const auto& zone : context.services.settings.zones_of(context.region))
        found.push_back(kind == "availability-zone" ? zone.name : zone.id);
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<Offering> offerings_after(const RequestContext& context, std::string_view kind,
                                      const std::string& after) {
    std::vector<Offering> all;
    auto places = locations(context, kind);
    for (const auto& type : context.services.catalogue.all())
        for (const auto& place : places)
            if (Offering offering{type.name, place}; sort_key(offering) > after)
                all.push_back(std::move(offering));
    return all;
}

}  // namespace

Result<ec2::DescribeInstanceTypeOfferingsResponse> describe_instance_type_offerings(
    RequestContext& context, const ec2::DescribeInstanceTypeOfferingsRequest& request) {
    auto kind = request.location_type.value_or("region");
    describe::Resource<Offering> resource{[](std::string_view) { return true; },
                                          ErrorCode::invalid_parameter_value,
                                          ErrorCode::invalid_parameter_value,
                                          offering_filters(),
                                          nullptr,
                                          sort_key,
                                          {},
                                          [&](db::Session&, const std::string& after, std::int64_t) {
                                              return offerings_after(context, kind, after);
                                          }};
    resource.single_batch = true;
    const std::vector<std::string> no_ids;
    LODGE_TRY(auto page,
              describe::describe(context, {no_ids, request.filter, request.max_results, request.next_token},
                                 resource));
    ec2::DescribeInstanceTypeOfferingsResponse out;
    for (const auto& each : page.records)
        out.instance_type_offerings.push_back({each.type, kind, each.location});
    out.next_token = page.next_token;
    return out;
}

}  // namespace lodge::api

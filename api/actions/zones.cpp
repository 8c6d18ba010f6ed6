// DescribeRegions, DescribeAvailabilityZones: the configuration, as EC2 tells it.
#include <algorithm>
#include <set>

#include "api/describe/filters.h"
#include "api/pipeline/context.h"
#include "proto/ec2/zones.h"

namespace lodge::api {
namespace {

using describe::Values;

template <class R, class F>
describe::FilterField<R> text(std::string_view name, F value) {
    return {name, [value](const R& record, Values& out) { out.emplace_back(value(record)); }};
}

const describe::FilterTable<ec2::Region>& region_filters() {
    static const describe::FilterTable<ec2::Region> table = {
        text<ec2::Region>("endpoint", [](const auto& r) { return *r.endpoint; }),
        text<ec2::Region>("opt-in-status", [](const auto& r) { return *r.opt_in_status; }),
        text<ec2::Region>("region-name", [](const auto& r) { return *r.region_name; }),
    };
    return table;
}

const describe::FilterTable<ec2::AvailabilityZone>& zone_filters() {
    using Zone = ec2::AvailabilityZone;
    static const describe::FilterTable<Zone> table = {
        text<Zone>("group-long-name", [](const auto& z) { return *z.group_name; }),
        text<Zone>("group-name", [](const auto& z) { return *z.group_name; }),
        {"message", [](const Zone&, Values&) {}},
        text<Zone>("opt-in-status", [](const auto& z) { return *z.opt_in_status; }),
        {"parent-zone-id", [](const Zone&, Values&) {}},
        {"parent-zone-name", [](const Zone&, Values&) {}},
        text<Zone>("region-name", [](const auto& z) { return *z.region_name; }),
        text<Zone>("state", [](const auto& z) { return *z.state; }),
        text<Zone>("zone-id", [](const auto& z) { return *z.zone_id; }),
        text<Zone>("zone-name", [](const auto& z) { return *z.zone_name; }),
        text<Zone>("zone-type", [](const auto& z) { return *z.zone_type; }),
    };
    return table;
}

ec2::AvailabilityZone to_ec2(const Zone& zone) {
    ec2::AvailabilityZone out;
    out.state = "available";
    out.opt_in_status = "opt-in-not-required";
    out.region_name = zone.region;
    out.zone_name = zone.name;
    out.zone_id = zone.id;
    out.group_name = zone.region;
    out.network_border_group = zone.region;
    out.zone_type = "availability-zone";
    return out;
}

// The first name that no zone has.
Status check_zone_names(const std::vector<std::string>& names, const std::vector<Zone>& zones,
                        std::string Zone::*member) {
    for (const auto& name : names) {
        bool known =
            std::any_of(zones.begin(), zones.end(), [&](const Zone& zone) { return zone.*member == name; });
        if (!known)
            return fail(ErrorCode::invalid_parameter_value, "Invalid availability zone: [" + name + "]");
    }
    return {};
}

bool named(const std::vector<std::string>& names, const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<ec2::DescribeRegionsResponse> describe_regions(RequestContext& context,
                                                      const ec2::DescribeRegionsRequest& request) {
    LODGE_TRY(auto filters, describe::Filters<ec2::Region>::make(request.filter, region_filters(), nullptr));
    std::set<std::string> names;
    for (const auto& zone : context.services.settings.zones) names.insert(zone.region);
    for (const auto& name : request.region_name)
        if (!names.contains(name))
            return fail(ErrorCode::invalid_parameter_value, "Invalid region name: [" + name + "]");
    ec2::DescribeRegionsResponse response;
    for (const auto& name : names) {
        ec2::Region region{name, context.services.settings.host_and_port(), "opt-in-not-required"};
        if (named(request.region_name, name) && filters.accept(region))
            response.regions.push_back(std::move(region));
    }
    return response;
}

Result<ec2::DescribeAvailabilityZonesResponse> describe_availability_zones(
    RequestContext& context, const ec2::DescribeAvailabilityZonesRequest& request) {
    LODGE_TRY(auto filters,
              describe::Filters<ec2::AvailabilityZone>::make(request.filter, zone_filters(), nullptr));
    auto zones = context.services.settings.zones_of(context.region);
    LODGE_CHECK(check_zone_names(request.zone_name, zones, &Zone::name));
    LODGE_CHECK(check_zone_names(request.zone_id, zones, &Zone::id));
    ec2::DescribeAvailabilityZonesResponse response;
    for (const auto& zone : zones) {
        auto shown = to_ec2(zone);
        if (named(request.zone_name, zone.name) && named(request.zone_id, zone.id) && filters.accept(shown))
            response.availability_zones.push_back(std::move(shown));
    }
    return response;
}

}  // namespace lodge::api

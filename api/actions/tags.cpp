// CreateTags, DeleteTags, DescribeTags.
#include "db/store/tags.h"

#include <algorithm>
#include <set>

#include "api/actions/instance_view.h"
#include "api/actions/metadata_options.h"
#include "api/actions/tagging.h"
#include "api/describe/engine.h"
#include "db/store/addresses.h"
#include "db/store/capacity_reservations.h"
#include "db/store/dedicated_hosts.h"
#include "db/store/dhcp_options.h"
#include "db/store/egress_only_internet_gateways.h"
#include "db/store/export_tasks.h"
#include "db/store/fleets.h"
#include "db/store/images.h"
#include "db/store/import_tasks.h"
#include "db/store/instances.h"
#include "db/store/internet_gateways.h"
#include "db/store/key_pairs.h"
#include "db/store/launch_templates.h"
#include "db/store/nat_gateways.h"
#include "db/store/network_acls.h"
#include "db/store/network_interfaces.h"
#include "db/store/placement_groups.h"
#include "db/store/prefix_lists.h"
#include "db/store/route_tables.h"
#include "db/store/security_groups.h"
#include "db/store/snapshots.h"
#include "db/store/subnets.h"
#include "db/store/volumes.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"
#include "proto/ec2/tags.h"

namespace lodge::api {
namespace {

constexpr std::size_t max_resources = 1000;

// What can be tagged: how to tell by the ID, EC2's word for it, the code for a missing one, and whether it is
// there.
struct Taggable {
    std::string_view prefix;
    std::string_view type;
    ErrorCode not_found;
    bool (*exists)(db::Session&, const RequestContext&, const std::string& id);
};

template <auto find>
bool is_there(db::Session& session, const RequestContext& context, const std::string& id) {
    return find(session, context.account_id, context.region, id).has_value();
}

const Taggable taggables[] = {
    {"i-", "instance", ErrorCode::invalid_instance_id_not_found, is_there<db::instances::find>},
    {"vol-", "volume", ErrorCode::invalid_volume_not_found, is_there<db::volumes::find>},
    {"snap-", "snapshot", ErrorCode::invalid_snapshot_not_found, is_there<db::snapshots::find_visible>},
    {"lt-", "launch-template", ErrorCode::invalid_launch_template_id_not_found,
     is_there<db::launch_templates::find>},
    {"fleet-", "fleet", ErrorCode::invalid_fleet_id_not_found, is_there<db::fleets::find>},
    {"pg-", "placement-group", ErrorCode::placement_group_unknown, is_there<db::placement_groups::find>},
    {"cr-", "capacity-reservation", ErrorCode::invalid_capacity_reservation_id_not_found,
     is_there<db::capacity_reservations::find>},
    {"h-", "dedicated-host", ErrorCode::invalid_host_id_not_found, is_there<db::dedicated_hosts::find>},
    {"key-", "key-pair", ErrorCode::invalid_key_pair_not_found, is_there<db::key_pairs::find>},
    {"ami-", "image", ErrorCode::invalid_ami_id_not_found, is_there<db::images::find_visible>},
    {"aki-", "image", ErrorCode::invalid_ami_id_not_found, is_there<db::images::find_visible>},
    {"ari-", "image", ErrorCode::invalid_ami_id_not_found, is_there<db::images::find_visible>},
    {"import-ami-", "import-image-task", ErrorCode::invalid_conversion_task_id,
     is_there<db::import_tasks::find>},
    {"import-snap-", "import-snapshot-task", ErrorCode::invalid_conversion_task_id,
     is_there<db::import_tasks::find>},
    {"export-ami-", "export-image-task", ErrorCode::invalid_export_task_id_not_found,
     is_there<db::export_tasks::find>},
    {"vpc-", "vpc", ErrorCode::invalid_vpc_id_not_found, is_there<db::vpcs::find>},
    {"subnet-", "subnet", ErrorCode::invalid_subnet_id_not_found, is_there<db::subnets::find>},
    {"dopt-", "dhcp-options", ErrorCode::invalid_dhcp_options_id_not_found, is_there<db::dhcp_options::find>},
    {"igw-", "internet-gateway", ErrorCode::invalid_internet_gateway_id_not_found,
     is_there<db::internet_gateways::find>},
    {"eigw-", "egress-only-internet-gateway", ErrorCode::invalid_egress_only_internet_gateway_id_not_found,
     is_there<db::egress_only_internet_gateways::find>},
    {"nat-", "natgateway", ErrorCode::nat_gateway_not_found, is_there<db::nat_gateways::find>},
    {"rtb-", "route-table", ErrorCode::invalid_route_table_id_not_found, is_there<db::route_tables::find>},
    {"pcx-", "vpc-peering-connection", ErrorCode::invalid_vpc_peering_id_not_found,
     is_there<db::vpc_peerings::find>},
    {"acl-", "network-acl", ErrorCode::invalid_network_acl_id_not_found, is_there<db::network_acls::find>},
    {"sg-", "security-group", ErrorCode::invalid_group_not_found, is_there<db::security_groups::find>},
    {"sgr-", "security-group-rule", ErrorCode::invalid_security_group_rule_id_not_found,
     is_there<db::security_groups::find_rule>},
    {"pl-", "prefix-list", ErrorCode::invalid_prefix_list_id_not_found, is_there<db::prefix_lists::find>},
    {"eni-", "network-interface", ErrorCode::invalid_network_interface_id_not_found,
     is_there<db::network_interfaces::find>},
    {"eipalloc-", "elastic-ip", ErrorCode::invalid_allocation_id_not_found, is_there<db::addresses::find>},
};

Result<const Taggable*> find_taggable(db::Session& session, const RequestContext& context,
                                      const std::string& id) {
    for (const auto& each : taggables) {
        if (!id_well_formed(each.prefix, id)) continue;
        if (!each.exists(session, context, id)) return fail(each.not_found, id);
        return &each;
    }
    return fail(ErrorCode::invalid_id, id);
}

// The IDs of a request, each once: what is written is bounded by resources times tags.
Result<std::set<std::string>> resources_of(const std::vector<std::string>& ids) {
    if (ids.size() <= max_resources) return std::set(ids.begin(), ids.end());
    return fail(ErrorCode::invalid_parameter_value,
                "At most " + std::to_string(max_resources) + " resources can be given.");
}

// Whether it is an instance whose metadata holds its tags; if so, its host is told that they change.
bool serves_its_tags(db::Session& session, const RequestContext& context, const std::string& id) {
    if (!InstanceId::parse(id)) return false;
    auto row = db::instances::find(session, context.account_id, context.region, id);
    if (!row || !row->instance.metadata.instance_tags) return false;
    wake_host(session, context, row->instance.host_id);
    return true;
}

// A tag of its own record for DescribeTags.
template <class F>
describe::FilterField<Tag> text(std::string_view name, F value) {
    return {name, [value](const Tag& tag, describe::Values& out) { out.push_back(value(tag)); }};
}

const describe::FilterTable<Tag>& tag_filters() {
    static const describe::FilterTable<Tag> table = {
        text("key", [](const Tag& t) { return t.key; }),
        text("resource-id", [](const Tag& t) { return t.resource_id; }),
        text("resource-type", [](const Tag& t) { return t.resource_type; }),
        text("value", [](const Tag& t) { return t.value; }),
    };
    return table;
}

// "tag:KEY" is a filter of DescribeTags too, and matches on one tag.
struct KeyFilter {
    std::string key;
    std::vector<describe::Pattern> patterns;
};

// Takes those out of the request's filters.
std::vector<KeyFilter> split_key_filters(std::vector<ec2::Filter>& filters) {
    std::vector<KeyFilter> found;
    std::erase_if(filters, [&](const ec2::Filter& filter) {
        if (!filter.name.starts_with("tag:")) return false;
        found.push_back({filter.name.substr(4), describe::patterns_of(filter)});
        return true;
    });
    return found;
}

bool accepts(const std::vector<KeyFilter>& filters, const Tag& tag) {
    return std::all_of(filters.begin(), filters.end(), [&](const KeyFilter& filter) {
        return tag.key == filter.key && describe::any_match(filter.patterns, {tag.value});
    });
}

std::string sort_key(const Tag& tag) {
    return tag.resource_id + "/" + tag.key;
}

bool never_an_id(std::string_view) {
    return false;
}

}  // namespace

Result<ec2::CreateTagsResponse> create_tags(RequestContext& context, const ec2::CreateTagsRequest& request) {
    LODGE_TRY(auto resources, resources_of(request.resource_id));
    LODGE_CHECK(check_tags(request.tag));
    return context.write([&](db::Session& session) -> Result<ec2::CreateTagsResponse> {
        for (const auto& id : resources) {
            LODGE_TRY(const Taggable* resource, find_taggable(session, context, id));
            if (serves_its_tags(session, context, id))
                for (const auto& tag : request.tag) LODGE_CHECK(check_metadata_key(*tag.key));
            auto all = put_tags(session, context, id, resource->type, request.tag);
            std::erase_if(all, [](const ec2::Tag& tag) { return is_reserved(*tag.key); });
            if (all.size() > max_tags) return fail(ErrorCode::tag_limit_exceeded, std::to_string(max_tags));
        }
        return ec2::CreateTagsResponse{};
    });
}

Result<ec2::DeleteTagsResponse> delete_tags(RequestContext& context, const ec2::DeleteTagsRequest& request) {
    LODGE_TRY(auto resources, resources_of(request.resource_id));
    if (request.tag.size() > max_tags) return fail(ErrorCode::tag_limit_exceeded, std::to_string(max_tags));
    for (const auto& tag : request.tag) {
        if (!tag.key) return fail(ErrorCode::missing_parameter, "Tag.1.Key");
        LODGE_CHECK(check_not_reserved(*tag.key));
    }
    return context.write([&](db::Session& session) -> Result<ec2::DeleteTagsResponse> {
        for (const auto& id : resources) {
            LODGE_CHECK(find_taggable(session, context, id).map([](auto&&) {}));
            serves_its_tags(session, context, id);
            // No tags named: all of the user's own go. A key with a value, even an empty one, goes only with
            // that value.
            auto doomed = request.tag;
            if (doomed.empty())
                for (const auto& tag : db::tags::of(session, context.account_id, id))
                    if (!is_reserved(tag.key)) doomed.push_back({tag.key, std::nullopt});
            for (const auto& tag : doomed)
                db::tags::erase(session, context.account_id, id, *tag.key, tag.value ? &*tag.value : nullptr);
        }
        return ec2::DeleteTagsResponse{};
    });
}

Result<ec2::DescribeTagsResponse> describe_tags(RequestContext& context,
                                                const ec2::DescribeTagsRequest& request) {
    LODGE_CHECK(describe::check_filters(request.filter));
    auto plain = request.filter;
    auto by_key = split_key_filters(plain);
    describe::Resource<Tag> resource{
        never_an_id,
        ErrorCode::invalid_id,
        ErrorCode::invalid_id,
        tag_filters(),
        nullptr,
        sort_key,
        [](db::Session&, const std::string&) -> std::optional<Tag> { return std::nullopt; },
        [&](db::Session& session, const std::string& after, std::int64_t limit) {
            auto slash = after.find('/');
            auto resource_id = after.substr(0, slash);
            auto key = slash == std::string::npos ? std::string() : after.substr(slash + 1);
            return db::tags::list(session, context.account_id, context.region, resource_id, key, limit);
        }};
    resource.wanted = [&](const Tag& tag) { return accepts(by_key, tag); };
    LODGE_TRY(auto page,
              describe::describe(context, {{}, plain, request.max_results, request.next_token}, resource));
    ec2::DescribeTagsResponse response;
    for (const auto& tag : page.records)
        response.tags.push_back({tag.resource_id, tag.resource_type, tag.key, tag.value});
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

#include "api/actions/launch_template_data.h"

#include <algorithm>

#include "api/actions/launch_network.h"
#include "api/actions/launch_request.h"
#include "api/actions/launch_templates.h"
#include "api/actions/tagging.h"
#include "api/query/decode.h"
#include "api/query/parameters.h"
#include "proto/base/encoding.h"

namespace lodge::api {
namespace {

using query::Parameters;

constexpr std::string_view any_image = "ami-00000000000000000";  // for checks that do not look at it

template <class R>
Result<R> decoded(const Parameters& parameters, const ec2::StructTable& table) {
    LODGE_TRY(auto tree, query::ParameterTree::build(parameters));
    R out;
    LODGE_CHECK(query::decode(tree, table, &out, "LaunchTemplateData"));
    return out;
}

bool is_part_of(std::string_view key, std::string_view parameter) {
    return key == parameter || (key.starts_with(parameter) && key[parameter.size()] == '.');
}

bool is_group(const query::Parameter& parameter) {
    return is_part_of(parameter.key, "SecurityGroup") || is_part_of(parameter.key, "SecurityGroupId");
}

bool is_capacity(const query::Parameter& parameter) {
    return is_part_of(parameter.key, "CapacityReservationSpecification");
}

// Groups by name and by ID are one choice, and so are a preference and a target among capacity reservations.
Parameters laid_over(const ec2::StructTable& table, Parameters base, const Parameters& over) {
    for (auto choice : {is_group, is_capacity})
        if (std::any_of(over.begin(), over.end(), choice)) std::erase_if(base, choice);
    return query::overlay(table, base, over);
}

// RunInstances spells one name differently.
void rename_ramdisk(Parameters& parameters) {
    for (auto& parameter : parameters)
        if (parameter.key == "RamDiskId") parameter.key = "RamdiskId";
}

Result<Parameters> run_parameters(const std::string& kept) {
    LODGE_TRY(auto parameters, query::parse_form(kept));
    rename_ramdisk(parameters);
    return parameters;
}

Status check_user_data(const ec2::LaunchTemplateData& data) {
    if (!data.user_data) return {};
    auto bytes = base64_decode(*data.user_data);
    if (!bytes) return fail(ErrorCode::invalid_user_data_malformed, "Invalid BASE64 encoding of user data.");
    if (bytes->size() <= max_user_data_bytes) return {};
    return fail(ErrorCode::invalid_user_data_malformed, "User data is limited to 16384 bytes.");
}

Status check_alias(const ec2::LaunchTemplateData& data) {
    if (!data.image_id || !data.image_id->starts_with("resolve:")) return {};
    return fail(
        ErrorCode::unsupported_operation,
        "The parameter LaunchTemplateData.ImageId is supported with the ID of an image only: there is "
        "no parameter store.");
}

// The template's tags, but for keys that the request gives the same kind of resource.
void add_tags(const ec2::TagSpecification& given, std::vector<ec2::TagSpecification>& out) {
    ec2::TagSpecification rest{given.resource_type, {}};
    for (const auto& tag : given.tag) {
        bool said = std::any_of(out.begin(), out.end(), [&](const ec2::TagSpecification& each) {
            return each.resource_type == given.resource_type &&
                   std::any_of(each.tag.begin(), each.tag.end(),
                               [&](const ec2::Tag& other) { return other.key == tag.key; });
        });
        if (!said) rest.tag.push_back(tag);
    }
    if (!rest.tag.empty()) out.push_back(std::move(rest));
}

void add_error(const Error& error, ec2::ValidationWarning& out) {
    out.errors.push_back({std::string(wire_code(error.code)), error.message});
}

}  // namespace

Result<std::string> write_template_data(const ec2::LaunchTemplateData& data) {
    LODGE_CHECK(check_alias(data));
    LODGE_CHECK(check_user_data(data));
    LODGE_CHECK(
        tags_for(data.tag_specification, "", {"instance", "volume", "network-interface"}).map([](auto&&) {}));
    auto parameters = query::parameters_of(ec2::launch_template_data_table, &data);
    if (parameters.empty()) return fail(ErrorCode::missing_parameter, "LaunchTemplateData");
    auto kept = query::form_text(parameters);
    LODGE_CHECK(launch_of(kept).map([](auto&&) {}));
    return kept;
}

Result<ec2::LaunchTemplateData> read_template_data(const std::string& kept) {
    LODGE_TRY(auto parameters, query::parse_form(kept));
    return decoded<ec2::LaunchTemplateData>(parameters, ec2::launch_template_data_table);
}

Result<ec2::LaunchTemplateData> changed_template_data(const std::string& source,
                                                      const ec2::LaunchTemplateData& changes) {
    const auto& table = ec2::launch_template_data_table;
    LODGE_TRY(auto base, query::parse_form(source));
    return decoded<ec2::LaunchTemplateData>(
        laid_over(table, std::move(base), query::parameters_of(table, &changes)), table);
}

Result<ec2::RunInstancesRequest> launch_of(const std::string& kept) {
    LODGE_TRY(auto parameters, run_parameters(kept));
    parameters.push_back({"MinCount", "1"});
    parameters.push_back({"MaxCount", "1"});
    return decoded<ec2::RunInstancesRequest>(parameters, ec2::run_instances_request_table);
}

Result<ec2::RunInstancesRequest> launch_over(const std::string& kept,
                                             const ec2::RunInstancesRequest& request) {
    const auto& table = ec2::run_instances_request_table;
    LODGE_TRY(auto base, run_parameters(kept));
    LODGE_TRY(auto alone, launch_of(kept));
    LODGE_TRY(auto merged,
              decoded<ec2::RunInstancesRequest>(
                  laid_over(table, std::move(base), query::parameters_of(table, &request)), table));
    merged.tag_specification = request.tag_specification;
    for (const auto& given : alone.tag_specification) add_tags(given, merged.tag_specification);
    return merged;
}

Result<TemplatedLaunch> with_template(RequestContext& context, const ec2::RunInstancesRequest& request) {
    if (!request.launch_template) return TemplatedLaunch{request, {}};
    const auto& wanted = *request.launch_template;
    return context.read([&](db::Session& session) -> Result<TemplatedLaunch> {
        LODGE_TRY(auto record, find_launch_template(session, context, wanted.launch_template_id,
                                                    wanted.launch_template_name));
        LODGE_TRY(auto version, find_template_version(session, record, wanted.version.value_or("$Default")));
        LODGE_TRY(auto merged, launch_over(version.data, request));
        return TemplatedLaunch{std::move(merged),
                               {{"aws:ec2launchtemplate:id", record.id.str()},
                                {"aws:ec2launchtemplate:version", std::to_string(version.version)}}};
    });
}

std::optional<ec2::ValidationWarning> warning_of(db::Session& session, const RequestContext& context,
                                                 const std::string& kept) {
    ec2::ValidationWarning warning;
    auto launch = launch_of(kept);
    if (!launch) return std::nullopt;
    bool has_image = launch->image_id.has_value();
    if (!has_image) launch->image_id = any_image;
    auto wish = check_launch(context, *launch);
    if (!wish) {
        add_error(wish.error(), warning);
        return warning;
    }
    if (has_image) {
        auto images = resolve_images(session, context, *launch, *wish);
        if (!images) add_error(images.error(), warning);
    }
    auto network = LaunchNetwork(session, context, wish->interfaces, wish->interface_tags)
                       .resolve(wish->zones, launch->placement && launch->placement->availability_zone);
    if (!network) add_error(network.error(), warning);
    if (warning.errors.empty()) return std::nullopt;
    return warning;
}

}  // namespace lodge::api

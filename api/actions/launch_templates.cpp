// CreateLaunchTemplate, ModifyLaunchTemplate, DeleteLaunchTemplate, DescribeLaunchTemplates.
#include "api/actions/launch_templates.h"

#include <algorithm>

#include "api/actions/launch_template_data.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/launch_templates.h"
#include "proto/base/encoding.h"
#include "proto/base/number.h"

namespace lodge::api {
namespace {

using TemplateRecord = Tagged<LaunchTemplate>;

constexpr std::int64_t max_templates = 5'000;

const describe::FilterTable<TemplateRecord>& template_filters() {
    static const describe::FilterTable<TemplateRecord> table = {
        filter<TemplateRecord>("create-time", [](const auto& r) { return format_time(r.value.created_ms); }),
        filter<TemplateRecord>("launch-template-name", [](const auto& r) { return r.value.name; }),
    };
    return table;
}

ec2::LaunchTemplate shown(const TemplateRecord& record) {
    const auto& value = record.value;
    return {value.id.str(),        value.name,           value.created_ms,   creator_of(value),
            value.default_version, value.latest_version, to_ec2(record.tags)};
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("().-/_").find(c) != std::string_view::npos;
}

Status check_name(const std::string& name) {
    bool fits =
        name.size() >= 3 && name.size() <= 128 && std::all_of(name.begin(), name.end(), is_name_character);
    if (fits) return {};
    return fail(ErrorCode::invalid_launch_template_name_malformed,
                "A launch template's name has 3 to 128 characters: letters, digits, ( ) . / _ and -.");
}

Result<LaunchTemplate> make(db::Session& session, const RequestContext& context,
                            const ec2::CreateLaunchTemplateRequest& request, const std::string& data) {
    if (db::launch_templates::find_by_name(session, context.account_id, context.region,
                                           request.launch_template_name))
        return fail(ErrorCode::invalid_launch_template_name_exists, request.launch_template_name);
    if (db::launch_templates::count(session, context.account_id, context.region) >= max_templates)
        return fail(ErrorCode::max_template_limit_exceeded, std::to_string(max_templates));
    LaunchTemplate made;
    made.id = LaunchTemplateId::make(context.services.random);
    made.account_id = context.account_id;
    made.region = context.region;
    made.name = request.launch_template_name;
    made.created_ms = context.now_ms();
    db::launch_templates::insert(session, made);
    db::launch_templates::insert_version(
        session, {made.id, 1, request.version_description.value_or(""), data, made.created_ms});
    return made;
}

Result<LaunchTemplate> find_by_name(db::Session& session, const RequestContext& context,
                                    const std::string& name) {
    return find_launch_template(session, context, std::nullopt, name);
}

}  // namespace

std::string creator_of(const LaunchTemplate& record) {
    return "arn:aws:iam::" + record.account_id + ":root";
}

Result<LaunchTemplate> find_launch_template(db::Session& session, const RequestContext& context,
                                            const std::optional<std::string>& id,
                                            const std::optional<std::string>& name) {
    if (id && name)
        return fail(ErrorCode::invalid_parameter_combination,
                    "A launch template is named by LaunchTemplateId or LaunchTemplateName, not by both.");
    if (id)
        return find_or_fail<LaunchTemplateId>(session, context, *id, db::launch_templates::find,
                                              ErrorCode::invalid_launch_template_id_malformed,
                                              ErrorCode::invalid_launch_template_id_not_found);
    if (!name) return fail(ErrorCode::missing_parameter, "LaunchTemplateId or LaunchTemplateName");
    auto found = db::launch_templates::find_by_name(session, context.account_id, context.region, *name);
    if (!found) return fail(ErrorCode::invalid_launch_template_name_not_found, *name);
    return std::move(*found);
}

Result<std::int64_t> version_number(const LaunchTemplate& record, const std::string& text) {
    if (text == "$Default") return record.default_version;
    if (text == "$Latest") return record.latest_version;
    const auto number = parse_number<std::int64_t>(text);
    if (number && *number >= 1) return *number;
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + text.substr(0, 100) +
                    ") is not a launch template's version: it is a number, $Default or $Latest.");
}

Result<LaunchTemplateVersion> find_template_version(db::Session& session, const LaunchTemplate& record,
                                                    const std::string& text) {
    LODGE_TRY(auto number, version_number(record, text));
    auto found = db::launch_templates::find_version(session, record.id, number);
    if (!found)
        return fail(ErrorCode::invalid_launch_template_version_not_found, record.id.str(),
                    std::to_string(number));
    return std::move(*found);
}

Result<ec2::CreateLaunchTemplateResponse> create_launch_template(
    RequestContext& context, const ec2::CreateLaunchTemplateRequest& request) {
    LODGE_CHECK(check_name(request.launch_template_name));
    LODGE_TRY(auto data, write_template_data(request.launch_template_data));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "launch-template", {"launch-template"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateLaunchTemplateResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) {
            LODGE_TRY(auto made, find_launch_template(session, context, *earlier, std::nullopt));
            return ec2::CreateLaunchTemplateResponse{shown(with_tags(session, std::move(made))),
                                                     warning_of(session, context, data)};
        }
        LODGE_TRY(auto made, make(session, context, request, data));
        put_tags(session, context, made.id.str(), "launch-template", tags);
        remember(session, context, request.client_token, made.id.str());
        return ec2::CreateLaunchTemplateResponse{shown(with_tags(session, std::move(made))),
                                                 warning_of(session, context, data)};
    });
}

Result<ec2::ModifyLaunchTemplateResponse> modify_launch_template(
    RequestContext& context, const ec2::ModifyLaunchTemplateRequest& request) {
    if (!request.set_default_version) return fail(ErrorCode::missing_parameter, "SetDefaultVersion");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyLaunchTemplateResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        LODGE_TRY(auto record, find_launch_template(session, context, request.launch_template_id,
                                                    request.launch_template_name));
        if (!earlier) {
            LODGE_TRY(auto version, find_template_version(session, record, *request.set_default_version));
            record.default_version = version.version;
            db::launch_templates::update(session, record);
            remember(session, context, request.client_token, record.id.str());
        }
        return ec2::ModifyLaunchTemplateResponse{shown(with_tags(session, std::move(record)))};
    });
}

Result<ec2::DeleteLaunchTemplateResponse> delete_launch_template(
    RequestContext& context, const ec2::DeleteLaunchTemplateRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteLaunchTemplateResponse> {
        LODGE_TRY(auto record, find_launch_template(session, context, request.launch_template_id,
                                                    request.launch_template_name));
        auto gone = with_tags(session, std::move(record));
        db::launch_templates::erase(session, gone.value.id);
        db::tags::erase_all(session, gone.value.id.str());
        return ec2::DeleteLaunchTemplateResponse{shown(gone)};
    });
}

Result<ec2::DescribeLaunchTemplatesResponse> describe_launch_templates(
    RequestContext& context, const ec2::DescribeLaunchTemplatesRequest& request) {
    auto resource = resource_of<LaunchTemplateId, LaunchTemplate, TemplateRecord>(
        context, ErrorCode::invalid_launch_template_id_malformed,
        ErrorCode::invalid_launch_template_id_not_found, template_filters(), db::launch_templates::find,
        db::launch_templates::list, with_tags<LaunchTemplate>);
    LODGE_TRY(auto ids,
              ids_of(context, request.launch_template_id, request.launch_template_name, find_by_name));
    LODGE_TRY(auto page,
              describe::describe<TemplateRecord>(
                  context, {ids, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeLaunchTemplatesResponse response;
    for (const auto& record : page.records) response.launch_templates.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

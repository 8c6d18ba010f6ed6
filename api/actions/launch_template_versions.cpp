// CreateLaunchTemplateVersion, DeleteLaunchTemplateVersions, DescribeLaunchTemplateVersions.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "api/actions/launch_template_data.h"
#include "api/actions/launch_templates.h"
#include "api/actions/network.h"
#include "db/store/launch_templates.h"
#include "proto/base/encoding.h"

namespace lodge::api {
namespace {

using Describe = ec2::DescribeLaunchTemplateVersionsRequest;

constexpr std::int64_t max_versions = 10'000;
constexpr std::size_t max_deletions = 200;  // of one request
constexpr std::int64_t no_version = std::numeric_limits<std::int64_t>::max();

struct VersionRecord {
    LaunchTemplate of;
    LaunchTemplateVersion value;
    ec2::LaunchTemplateData data;
};

VersionRecord record_of(const LaunchTemplate& of, LaunchTemplateVersion value) {
    auto data = read_template_data(value.data).value_or(ec2::LaunchTemplateData());
    return {of, std::move(value), std::move(data)};
}

// A filter over one value that not every version has.
template <class F>
describe::FilterField<VersionRecord> maybe(std::string_view name, F value) {
    return {name, [value](const VersionRecord& record, describe::Values& out) {
                if (auto found = value(record.data)) out.push_back(*found);
            }};
}

std::optional<std::string> word_of(const std::optional<bool>& flag) {
    return flag ? std::optional(word(*flag)) : std::nullopt;
}

std::optional<std::string> option_of(const ec2::LaunchTemplateData& data,
                                     std::optional<std::string> ec2::LaunchTemplateMetadataOptions::*member) {
    return data.metadata_options ? (*data.metadata_options).*member : std::nullopt;
}

void card_indexes(const VersionRecord& record, describe::Values& out) {
    for (const auto& interface : record.data.network_interface)
        if (interface.network_card_index) out.push_back(std::to_string(*interface.network_card_index));
}

const describe::FilterTable<VersionRecord>& version_filters() {
    using Options = ec2::LaunchTemplateMetadataOptions;
    static const describe::FilterTable<VersionRecord> table = {
        filter<VersionRecord>("create-time", [](const auto& r) { return format_time(r.value.created_ms); }),
        filter<VersionRecord>("is-default-version",
                              [](const auto& r) { return word(r.value.version == r.of.default_version); }),
        maybe("ebs-optimized", [](const auto& d) { return word_of(d.ebs_optimized); }),
        maybe("http-endpoint", [](const auto& d) { return option_of(d, &Options::http_endpoint); }),
        maybe("http-tokens", [](const auto& d) { return option_of(d, &Options::http_tokens); }),
        maybe("image-id", [](const auto& d) { return d.image_id; }),
        maybe("instance-type", [](const auto& d) { return d.instance_type; }),
        maybe("kernel-id", [](const auto& d) { return d.kernel_id; }),
        maybe("ram-disk-id", [](const auto& d) { return d.ram_disk_id; }),
        {"network-card-index", card_indexes},
        // What no template here can hold.
        none<VersionRecord>("host-resource-group-arn"),
        none<VersionRecord>("http-protocol-ipv4"),
        none<VersionRecord>("iam-instance-profile"),
        none<VersionRecord>("license-configuration-arn"),
    };
    return table;
}

ec2::LaunchTemplateVersion shown(const VersionRecord& record) {
    ec2::LaunchTemplateVersion out;
    out.launch_template_id = record.of.id.str();
    out.launch_template_name = record.of.name;
    out.version_number = record.value.version;
    if (!record.value.description.empty()) out.version_description = record.value.description;
    out.create_time = record.value.created_ms;
    out.created_by = creator_of(record.of);
    out.default_version = record.value.version == record.of.default_version;
    out.launch_template_data = record.data;
    return out;
}

// --- Making

Result<std::string> data_of(db::Session& session, const LaunchTemplate& record,
                            const ec2::CreateLaunchTemplateVersionRequest& request) {
    auto data = request.launch_template_data.value_or(ec2::LaunchTemplateData());
    if (request.source_version) {
        LODGE_TRY(auto source, find_template_version(session, record, *request.source_version));
        LODGE_TRY(data, changed_template_data(source.data, data));
    }
    return write_template_data(data);
}

Result<LaunchTemplateVersion> make(db::Session& session, const RequestContext& context,
                                   LaunchTemplate& record, const std::string& description,
                                   const std::string& data) {
    if (db::launch_templates::count_versions(session, record.id) >= max_versions)
        return fail(ErrorCode::max_template_version_limit_exceeded, std::to_string(max_versions));
    LaunchTemplateVersion made{record.id, ++record.last_version, description, data, context.now_ms()};
    record.latest_version = made.version;
    db::launch_templates::insert_version(session, made);
    db::launch_templates::update(session, record);
    return made;
}

// --- Deleting

ec2::UndeletedLaunchTemplateVersion undeleted(const LaunchTemplate& record, std::int64_t number,
                                              std::string code, std::string message) {
    return {record.id.str(), record.name, number,
            ec2::LaunchTemplateResponseError{std::move(code), std::move(message)}};
}

void erase_one(db::Session& session, const LaunchTemplate& record, std::int64_t number,
               ec2::DeleteLaunchTemplateVersionsResponse& out) {
    if (!db::launch_templates::find_version(session, record.id, number)) {
        out.unsuccessfully_deleted_launch_template_versions.push_back(
            undeleted(record, number, "launchTemplateVersionDoesNotExist",
                      "The launch template has no version " + std::to_string(number) + "."));
    } else if (number == record.default_version) {
        out.unsuccessfully_deleted_launch_template_versions.push_back(
            undeleted(record, number, "unexpectedError",
                      "The default version of a launch template cannot be deleted: make another one the "
                      "default first."));
    } else {
        db::launch_templates::erase_version(session, record.id, number);
        out.successfully_deleted_launch_template_versions.push_back({record.id.str(), record.name, number});
    }
}

// --- Describing

// Newest first within a template.
std::string sort_key(const VersionRecord& record) {
    return fmt::format("{}/{:020}", record.of.id.str(), no_version - record.value.version);
}

std::int64_t version_in(const std::string& key) {
    auto slash = key.find('/');
    return slash == std::string::npos ? no_version : no_version - std::stoll(key.substr(slash + 1));
}

bool names_template(const Describe& request) {
    return request.launch_template_id || request.launch_template_name;
}

Status check_describe(const Describe& request) {
    const auto& versions = request.launch_template_version;
    bool range = request.min_version || request.max_version;
    if (range && !versions.empty())
        return fail(ErrorCode::invalid_parameter_combination,
                    "Versions may not be specified together with MinVersion or MaxVersion.");
    if (names_template(request)) return {};
    if (versions.empty() || range)
        return fail(ErrorCode::missing_parameter, "LaunchTemplateId or LaunchTemplateName");
    for (const auto& text : versions)
        if (text != "$Latest" && text != "$Default")
            return fail(ErrorCode::invalid_parameter_combination,
                        "Without a launch template, Versions may be $Latest and $Default only.");
    return {};
}

using Records = std::vector<VersionRecord>;

// The versions asked for, each once.
Result<Records> pick(db::Session& session, const LaunchTemplate& of, const std::vector<std::string>& texts) {
    std::set<std::int64_t> seen;
    Records found;
    for (const auto& text : texts) {
        LODGE_TRY(auto version, find_template_version(session, of, text));
        if (seen.insert(version.version).second) found.push_back(record_of(of, std::move(version)));
    }
    return found;
}

Result<Records> pick_of_all(db::Session& session, const RequestContext& context,
                            const std::vector<std::string>& texts) {
    Records found;
    for (const auto& of :
         db::launch_templates::list(session, context.account_id, context.region, "", no_version)) {
        LODGE_TRY(auto some, pick(session, of, texts));
        std::move(some.begin(), some.end(), std::back_inserter(found));
    }
    return found;
}

std::function<Records(db::Session&, const std::string&, std::int64_t)> from(Records picked) {
    auto earlier = [](const auto& a, const auto& b) { return sort_key(a) < sort_key(b); };
    std::sort(picked.begin(), picked.end(), earlier);
    return [picked = std::move(picked)](db::Session&, const std::string& after, std::int64_t) {
        auto rest = picked;
        std::erase_if(rest, [&](const auto& record) { return sort_key(record) <= after; });
        return rest;
    };
}

struct VersionRange {
    std::int64_t least = 1;
    std::int64_t most = no_version - 1;
};

Result<VersionRange> range_of(const LaunchTemplate& of, const Describe& request) {
    VersionRange range;
    if (request.min_version) {
        LODGE_TRY(range.least, version_number(of, *request.min_version));
    }
    if (request.max_version) {
        LODGE_TRY(range.most, version_number(of, *request.max_version));
    }
    return range;
}

// How the engine gets at what the request asks for.
Result<std::function<Records(db::Session&, const std::string&, std::int64_t)>> lister(
    db::Session& session, const RequestContext& context, const Describe& request) {
    const auto& texts = request.launch_template_version;
    if (!names_template(request)) {
        LODGE_TRY(auto picked, pick_of_all(session, context, texts));
        return from(std::move(picked));
    }
    LODGE_TRY(auto of, find_launch_template(session, context, request.launch_template_id,
                                            request.launch_template_name));
    if (!texts.empty()) {
        LODGE_TRY(auto picked, pick(session, of, texts));
        return from(std::move(picked));
    }
    LODGE_TRY(auto range, range_of(of, request));
    return [of, range](db::Session& later, const std::string& after, std::int64_t limit) {
        Records found;
        auto before = std::min(range.most + 1, version_in(after));
        for (auto& version : db::launch_templates::versions_before(later, of.id, before, range.least, limit))
            found.push_back(record_of(of, std::move(version)));
        return found;
    };
}

bool never_an_id(std::string_view) {
    return false;
}

}  // namespace

Result<ec2::CreateLaunchTemplateVersionResponse> create_launch_template_version(
    RequestContext& context, const ec2::CreateLaunchTemplateVersionRequest& request) {
    using Response = ec2::CreateLaunchTemplateVersionResponse;
    return context.write([&](db::Session& session) -> Result<Response> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        LODGE_TRY(auto record, find_launch_template(session, context, request.launch_template_id,
                                                    request.launch_template_name));
        if (earlier) {
            LODGE_TRY(auto version, find_template_version(session, record, *earlier));
            auto warning = warning_of(session, context, version.data);
            return Response{shown(record_of(record, std::move(version))), std::move(warning)};
        }
        LODGE_TRY(auto data, data_of(session, record, request));
        LODGE_TRY(auto made, make(session, context, record, request.version_description.value_or(""), data));
        remember(session, context, request.client_token, std::to_string(made.version));
        return Response{shown(record_of(record, std::move(made))), warning_of(session, context, data)};
    });
}

Result<ec2::DeleteLaunchTemplateVersionsResponse> delete_launch_template_versions(
    RequestContext& context, const ec2::DeleteLaunchTemplateVersionsRequest& request) {
    if (request.launch_template_version.size() > max_deletions)
        return fail(ErrorCode::invalid_parameter_value,
                    "At most " + std::to_string(max_deletions) + " versions can be deleted in one request.");
    return context.write([&](db::Session& session) -> Result<ec2::DeleteLaunchTemplateVersionsResponse> {
        LODGE_TRY(auto record, find_launch_template(session, context, request.launch_template_id,
                                                    request.launch_template_name));
        std::set<std::int64_t> numbers;
        for (const auto& text : request.launch_template_version) {
            LODGE_TRY(auto number, version_number(record, text));
            numbers.insert(number);
        }
        ec2::DeleteLaunchTemplateVersionsResponse response;
        for (auto number : numbers) erase_one(session, record, number, response);
        record.latest_version =
            db::launch_templates::versions_before(session, record.id, no_version, 1, 1).front().version;
        db::launch_templates::update(session, record);
        return response;
    });
}

Result<ec2::DescribeLaunchTemplateVersionsResponse> describe_launch_template_versions(
    RequestContext& context, const Describe& request) {
    LODGE_CHECK(check_describe(request));
    LODGE_TRY(auto list,
              context.read([&](db::Session& session) { return lister(session, context, request); }));
    bool single_batch = !names_template(request) || !request.launch_template_version.empty();
    describe::Resource<VersionRecord> resource{
        never_an_id,
        ErrorCode::invalid_launch_template_id_malformed,
        ErrorCode::invalid_launch_template_id_not_found,
        version_filters(),
        nullptr,
        sort_key,
        [](db::Session&, const std::string&) -> std::optional<VersionRecord> { return std::nullopt; },
        std::move(list),
        {},
        single_batch};
    LODGE_TRY(auto page,
              describe::describe<VersionRecord>(
                  context, {{}, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeLaunchTemplateVersionsResponse response;
    for (const auto& record : page.records) response.launch_template_versions.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

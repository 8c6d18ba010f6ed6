// ModifyInstanceMetadataOptions, GetInstanceMetadataDefaults, ModifyInstanceMetadataDefaults.
#include "api/actions/metadata_options.h"

#include <algorithm>

#include "api/actions/instance_view.h"
#include "api/actions/words.h"
#include "db/store/metadata_defaults.h"
#include "db/store/tags.h"
#include "proto/ec2/instance_attributes.h"

namespace lodge::api {
namespace {

constexpr std::string_view enabled = "enabled";
constexpr std::string_view disabled = "disabled";
constexpr std::string_view no_preference = "no-preference";

// Of a request; what is not said stays.
template <class Request>
void put(const Request& request, MetadataOptions& out) {
    if (request.http_tokens) out.http_tokens = *request.http_tokens;
    if (request.http_endpoint) out.http_endpoint = *request.http_endpoint == enabled;
    if (request.http_put_response_hop_limit) out.hop_limit = *request.http_put_response_hop_limit;
    if (request.instance_metadata_tags) out.instance_tags = *request.instance_metadata_tags == enabled;
}

bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("+-=.,_:@").find(c) != std::string_view::npos;
}

Status check_keys(db::Session& session, const Instance& instance) {
    for (const auto& tag : db::tags::of(session, instance.account_id, instance.id.str()))
        LODGE_CHECK(check_metadata_key(tag.key));
    return {};
}

void put_preference(const std::optional<std::string>& given, std::string& out) {
    if (given) out = *given == no_preference ? "" : *given;
}

}  // namespace

MetadataOptions launch_options(db::Session& session, const RequestContext& context,
                               const std::optional<ec2::MetadataOptionsRequest>& request) {
    MetadataOptions options;
    auto preferred = db::metadata_defaults::get(session, context.account_id, context.region);
    if (!preferred.http_tokens.empty()) options.http_tokens = preferred.http_tokens;
    if (!preferred.http_endpoint.empty()) options.http_endpoint = preferred.http_endpoint == enabled;
    if (preferred.hop_limit > 0) options.hop_limit = preferred.hop_limit;
    if (!preferred.instance_tags.empty()) options.instance_tags = preferred.instance_tags == enabled;
    if (request) put(*request, options);
    return options;
}

ec2::InstanceMetadataOptionsResponse to_ec2(const MetadataOptions& options) {
    ec2::InstanceMetadataOptionsResponse out;
    out.state = "applied";
    out.http_tokens = options.http_tokens;
    out.http_put_response_hop_limit = options.hop_limit;
    out.http_endpoint = able(options.http_endpoint);
    out.http_protocol_ipv6 = able(options.http_ipv6);
    out.instance_metadata_tags = able(options.instance_tags);
    return out;
}

Status check_metadata_key(const std::string& key) {
    bool fits = std::all_of(key.begin(), key.end(), is_key_character);
    if (fits && key != "." && key != ".." && key != "_index") return {};
    return fail(ErrorCode::invalid_parameter_value,
                "'" + key +
                    "' is not a valid tag key. Tag keys must match pattern "
                    "([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index')");
}

Result<ec2::ModifyInstanceMetadataOptionsResponse> modify_instance_metadata_options(
    RequestContext& context, const ec2::ModifyInstanceMetadataOptionsRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ModifyInstanceMetadataOptionsResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        put(request, row.instance.metadata);
        if (row.instance.metadata.instance_tags) LODGE_CHECK(check_keys(session, row.instance));
        db::instances::update_attributes(session, row.instance);
        wake_host(session, context, row.instance.host_id);
        return ec2::ModifyInstanceMetadataOptionsResponse{request.instance_id, to_ec2(row.instance.metadata)};
    });
}

Result<ec2::GetInstanceMetadataDefaultsResponse> get_instance_metadata_defaults(
    RequestContext& context, const ec2::GetInstanceMetadataDefaultsRequest&) {
    return context.read([&](db::Session& session) -> Result<ec2::GetInstanceMetadataDefaultsResponse> {
        auto preferred = db::metadata_defaults::get(session, context.account_id, context.region);
        ec2::InstanceMetadataDefaults out;
        out.http_tokens = unless_empty(preferred.http_tokens);
        out.http_endpoint = unless_empty(preferred.http_endpoint);
        out.instance_metadata_tags = unless_empty(preferred.instance_tags);
        if (preferred.hop_limit > 0) out.http_put_response_hop_limit = preferred.hop_limit;
        return ec2::GetInstanceMetadataDefaultsResponse{std::move(out)};
    });
}

Result<ec2::ModifyInstanceMetadataDefaultsResponse> modify_instance_metadata_defaults(
    RequestContext& context, const ec2::ModifyInstanceMetadataDefaultsRequest& request) {
    auto hops = request.http_put_response_hop_limit;
    if (hops == 0)
        return fail(ErrorCode::invalid_parameter_value,
                    "Value (0) for parameter HttpPutResponseHopLimit is invalid. It is 1 to 64, or -1 for no "
                    "preference.");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyInstanceMetadataDefaultsResponse> {
        auto preferred = db::metadata_defaults::get(session, context.account_id, context.region);
        put_preference(request.http_tokens, preferred.http_tokens);
        put_preference(request.http_endpoint, preferred.http_endpoint);
        put_preference(request.instance_metadata_tags, preferred.instance_tags);
        if (hops) preferred.hop_limit = *hops < 0 ? 0 : *hops;
        db::metadata_defaults::put(session, preferred);
        return ec2::ModifyInstanceMetadataDefaultsResponse{true};
    });
}

}  // namespace lodge::api

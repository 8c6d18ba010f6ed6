// CreateDhcpOptions, AssociateDhcpOptions, DeleteDhcpOptions, DescribeDhcpOptions.
#include "db/store/dhcp_options.h"

#include <algorithm>

#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/vpcs.h"
#include "proto/ec2/dhcp_options.h"

namespace lodge::api {
namespace {

using describe::Values;

constexpr std::size_t max_servers = 4;

struct OptionsRecord {
    DhcpOptions value;
    std::vector<Tag> tags;
    std::vector<DhcpOptionValue> options;
};

OptionsRecord load(db::Session& session, DhcpOptions options) {
    auto tags = db::tags::of(session, options.account_id, options.id.str());
    auto values = db::dhcp_options::values_of(session, options.id.str());
    return {std::move(options), std::move(tags), std::move(values)};
}

const describe::FilterTable<OptionsRecord>& options_filters() {
    static const describe::FilterTable<OptionsRecord> table = {
        filter<OptionsRecord>("dhcp-options-id", [](const auto& r) { return r.value.id.str(); }),
        {"key",
         [](const OptionsRecord& r, Values& out) {
             for (const auto& option : r.options) out.push_back(option.key);
         }},
        {"value",
         [](const OptionsRecord& r, Values& out) {
             for (const auto& option : r.options) out.push_back(option.value);
         }},
        filter<OptionsRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
    };
    return table;
}

ec2::DhcpOptions shown(const OptionsRecord& record) {
    ec2::DhcpOptions out;
    out.dhcp_options_id = record.value.id.str();
    out.owner_id = record.value.account_id;
    for (const auto& option : record.options) {
        auto& configurations = out.dhcp_configurations;
        if (configurations.empty() || configurations.back().key != option.key)
            configurations.push_back({option.key, {}});
        configurations.back().values.push_back({option.value});
    }
    out.tags = to_ec2(record.tags);
    return out;
}

// Names reach the guests' DHCP replies: letters, digits, dots, dashes and underscores, nothing else. (OVN
// takes other text without a word and then answers no DHCP at all.)
bool is_domain_name(std::string_view name) {
    auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '.' || c == '_';
    };
    return !name.empty() && name.size() <= 253 && name.front() != '.' &&
           name.find("..") == std::string_view::npos && std::all_of(name.begin(), name.end(), fits);
}

bool is_ipv4(std::string_view text) {
    auto address = IpAddress::parse(text);
    return address && !address->is_ipv6();
}

bool fits(std::string_view key, const std::string& value) {
    if (key == "domain-name") return is_domain_name(value);
    if (key == "domain-name-servers") return value == "AmazonProvidedDNS" || IpAddress::parse(value);
    if (key == "netbios-node-type") return value == "1" || value == "2" || value == "4" || value == "8";
    return is_ipv4(value);  // ntp-servers, netbios-name-servers
}

// Source: Amazon VPC User Guide, "DHCP option sets": the keys, and how many values each takes.
Status check(const ec2::NewDhcpConfiguration& configuration) {
    const auto& key = configuration.key;
    bool many = key == "domain-name-servers" || key == "ntp-servers" || key == "netbios-name-servers";
    if (!many && key != "domain-name" && key != "netbios-node-type")
        return fail(
            ErrorCode::invalid_parameter_value,
            "Value (" + key + ") for parameter Key is invalid. It is not a DHCP option that can be set.");
    if (configuration.value.size() > (many ? max_servers : 1))
        return fail(ErrorCode::invalid_parameter_value, "The DHCP option " + key + " has too many values.");
    for (const auto& value : configuration.value)
        if (!fits(key, value))
            return fail(
                ErrorCode::invalid_parameter_value,
                "Value (" + value + ") for parameter value is invalid. Invalid DHCP option value for " + key);
    return {};
}

// One comma-separated value is several, as some clients send them.
std::vector<ec2::NewDhcpConfiguration> split(std::vector<ec2::NewDhcpConfiguration> configurations) {
    for (auto& configuration : configurations) {
        if (configuration.value.size() != 1) continue;
        std::string rest = configuration.value.front();
        std::vector<std::string> values;
        for (std::size_t comma = 0; (comma = rest.find(',')) != std::string::npos; rest.erase(0, comma + 1))
            values.push_back(rest.substr(0, comma));
        values.push_back(rest);
        for (auto& value : values) value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
        configuration.value = std::move(values);
    }
    return configurations;
}

Status check_all(const std::vector<ec2::NewDhcpConfiguration>& configurations) {
    for (std::size_t i = 0; i < configurations.size(); ++i) {
        LODGE_CHECK(check(configurations[i]));
        for (std::size_t j = 0; j < i; ++j)
            if (configurations[i].key == configurations[j].key)
                return fail(ErrorCode::invalid_parameter_value,
                            "The DHCP option " + configurations[i].key + " is there twice.");
    }
    return {};
}

Result<DhcpOptions> find_options(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<DhcpOptionsId>(session, context, id, db::dhcp_options::find,
                                       ErrorCode::invalid_dhcp_options_id_malformed,
                                       ErrorCode::invalid_dhcp_options_id_not_found);
}

}  // namespace

Result<ec2::CreateDhcpOptionsResponse> create_dhcp_options(RequestContext& context,
                                                           const ec2::CreateDhcpOptionsRequest& request) {
    auto configurations = split(request.dhcp_configuration);
    LODGE_CHECK(check_all(configurations));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "dhcp-options", {"dhcp-options"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateDhcpOptionsResponse> {
        DhcpOptions made{DhcpOptionsId::make(context.services.random), context.account_id, context.region,
                         context.now_ms()};
        db::dhcp_options::insert(session, made);
        for (const auto& configuration : configurations) {
            std::int64_t position = 0;
            for (const auto& value : configuration.value)
                db::dhcp_options::insert_value(session, {made.id, configuration.key, position++, value});
        }
        put_tags(session, context, made.id.str(), "dhcp-options", tags);
        return ec2::CreateDhcpOptionsResponse{shown(load(session, std::move(made)))};
    });
}

Result<ec2::AssociateDhcpOptionsResponse> associate_dhcp_options(
    RequestContext& context, const ec2::AssociateDhcpOptionsRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::AssociateDhcpOptionsResponse> {
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        vpc.dhcp_options_id = "";
        if (request.dhcp_options_id != "default") {
            LODGE_TRY(auto options, find_options(session, context, request.dhcp_options_id));
            vpc.dhcp_options_id = options.id.str();
        }
        db::vpcs::update(session, vpc);
        network_changed(session, context, vpc.id);
        return ec2::AssociateDhcpOptionsResponse{};
    });
}

Result<ec2::DeleteDhcpOptionsResponse> delete_dhcp_options(RequestContext& context,
                                                           const ec2::DeleteDhcpOptionsRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteDhcpOptionsResponse> {
        LODGE_TRY(auto options, find_options(session, context, request.dhcp_options_id));
        const auto& id = options.id.str();
        if (!db::vpcs::of_dhcp_options(session, id).empty())
            return fail(ErrorCode::dependency_violation,
                        "The dhcpOptions '" + id + "' has dependencies and cannot be deleted.");
        db::dhcp_options::erase_values(session, options.id);
        db::dhcp_options::erase(session, options.id);
        db::tags::erase_all(session, id);
        return ec2::DeleteDhcpOptionsResponse{};
    });
}

Result<ec2::DescribeDhcpOptionsResponse> describe_dhcp_options(
    RequestContext& context, const ec2::DescribeDhcpOptionsRequest& request) {
    auto resource = resource_of<DhcpOptionsId, DhcpOptions, OptionsRecord>(
        context, ErrorCode::invalid_dhcp_options_id_malformed, ErrorCode::invalid_dhcp_options_id_not_found,
        options_filters(), db::dhcp_options::find, db::dhcp_options::list, load);
    LODGE_TRY(auto page,
              describe::describe<OptionsRecord>(
                  context, {request.dhcp_options_id, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeDhcpOptionsResponse response;
    for (const auto& record : page.records) response.dhcp_options.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

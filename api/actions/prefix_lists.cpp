// Managed prefix lists: their life, entries, versions and associations.
#include "db/store/prefix_lists.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/actions/group_rules.h"
#include "api/actions/tagging.h"
#include "db/store/route_tables.h"
#include "db/store/security_groups.h"
#include "proto/ec2/prefix_lists.h"

namespace lodge::api {
namespace {

constexpr std::size_t max_changes = 100;      // of one request
constexpr std::int64_t versions_kept = 1000;  // older ones cannot be brought back

using ListRecord = Tagged<PrefixList>;
using EntriesByCidr = std::map<std::string, PrefixListEntry>;

const describe::FilterTable<ListRecord>& list_filters() {
    static const describe::FilterTable<ListRecord> table = {
        filter<ListRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<ListRecord>("prefix-list-id", [](const auto& r) { return r.value.id.str(); }),
        filter<ListRecord>("prefix-list-name", [](const auto& r) { return r.value.name; }),
    };
    return table;
}

ec2::ManagedPrefixList shown(const ListRecord& record) {
    const auto& list = record.value;
    ec2::ManagedPrefixList out;
    out.prefix_list_id = list.id.str();
    out.address_family = list.address_family;
    out.state = list.state;
    out.prefix_list_arn =
        "arn:aws:ec2:" + list.region + ":" + list.account_id + ":prefix-list/" + list.id.str();
    out.prefix_list_name = list.name;
    out.max_entries = list.max_entries;
    out.version = list.version;
    out.tags = to_ec2(record.tags);
    out.owner_id = list.account_id;
    return out;
}

Result<PrefixList> find_list(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<PrefixListId>(session, context, id, db::prefix_lists::find,
                                      ErrorCode::invalid_prefix_list_id_malformed,
                                      ErrorCode::invalid_prefix_list_id_not_found);
}

Status check_name(const std::string& name) {
    if (!name.starts_with("com.amazonaws")) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + name +
                    ") for parameter prefixListName is invalid. Names cannot start with com.amazonaws.");
}

Status check_count(std::size_t entries) {
    if (entries <= max_changes) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "At most " + std::to_string(max_changes) + " entries can be changed in one request.");
}

Result<std::string> canonical(const PrefixList& list, const std::string& text) {
    LODGE_TRY(auto cidr, parse_cidr(text, "cidr"));
    if (cidr.is_ipv6() != (list.address_family == "IPv6"))
        return fail(
            ErrorCode::invalid_parameter_value,
            "The CIDR " + text + " is not of the prefix list's address family " + list.address_family + ".");
    return cidr.str();
}

Status add(EntriesByCidr& entries, const PrefixList& list,
           const std::vector<ec2::AddPrefixListEntry>& added) {
    for (const auto& each : added) {
        LODGE_TRY(auto cidr, canonical(list, each.cidr));
        PrefixListEntry entry{list.id, 0, cidr, each.description.value_or("")};
        if (!entries.emplace(cidr, entry).second)
            return fail(ErrorCode::invalid_parameter_value,
                        "The prefix list has the CIDR " + cidr + " already, or the request has it twice.");
    }
    return {};
}

Status remove(EntriesByCidr& entries, const PrefixList& list,
              const std::vector<ec2::RemovePrefixListEntry>& removed) {
    for (const auto& each : removed) {
        LODGE_TRY(auto cidr, canonical(list, each.cidr));
        if (entries.erase(cidr) == 0)
            return fail(ErrorCode::invalid_parameter_value,
                        "The prefix list does not have the CIDR " + cidr + ".");
    }
    return {};
}

Status check_fits(const PrefixList& list, std::size_t entries) {
    if (static_cast<std::int64_t>(entries) <= list.max_entries) return {};
    return fail(ErrorCode::prefix_list_max_entries_exceeded,
                "The prefix list " + list.id.str() + " may have " + std::to_string(list.max_entries) +
                    " entries at most.");
}

// The entries become the list's present version.
Status put_entries(db::Session& session, const PrefixList& list, const EntriesByCidr& entries) {
    LODGE_CHECK(check_fits(list, entries.size()));
    for (auto [cidr, entry] : entries) {
        entry.version = list.version;
        db::prefix_lists::insert_entry(session, entry);
    }
    db::prefix_lists::erase_versions_before(session, list.id, list.version - versions_kept + 1);
    return {};
}

Status check_version(const PrefixList& list, std::int64_t version) {
    if (version == list.version) return {};
    return fail(ErrorCode::prefix_list_version_mismatch,
                "The prefix list " + list.id.str() + " has the version " + std::to_string(list.version) +
                    ", not " + std::to_string(version) + ".");
}

Status check_kept(const PrefixList& list, std::int64_t version) {
    if (version >= 1 && version <= list.version && version > list.version - versions_kept) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "The prefix list " + list.id.str() + " has no version " + std::to_string(version) + ".");
}

struct Association {
    std::string resource_id;
    AccountId owner;
    VpcId vpc_id;
};

// The groups and route tables that name the list, each once, by ID.
std::vector<Association> associations_of(db::Session& session, const PrefixList& list) {
    std::map<std::string, Association> found;
    for (const auto& rule : db::security_groups::rules_naming_prefix_list(session, list.id.str()))
        if (auto group = db::security_groups::find_any(session, rule.group_id.str()))
            found[group->id.str()] = {group->id.str(), group->account_id, group->vpc_id};
    for (const auto& route : db::route_tables::routes_for(session, list.id.str()))
        if (auto table = db::route_tables::find_any(session, route.route_table_id.str()))
            found[table->id.str()] = {table->id.str(), table->account_id, table->vpc_id};
    std::vector<Association> out;
    for (auto& [id, association] : found) out.push_back(std::move(association));
    return out;
}

void networks_changed(db::Session& session, const RequestContext& context, const PrefixList& list) {
    std::set<VpcId> vpcs;
    for (const auto& association : associations_of(session, list)) vpcs.insert(association.vpc_id);
    for (const auto& id : vpcs) network_changed(session, context, id);
}

// A list with more room takes more of the rules that its groups may have.
Status resize(db::Session& session, PrefixList& list, std::int64_t max_entries) {
    list.max_entries = max_entries;
    LODGE_CHECK(check_fits(list, db::prefix_lists::entries_of(session, list.id.str(), list.version).size()));
    db::prefix_lists::update(session, list);
    for (const auto& rule : db::security_groups::rules_naming_prefix_list(session, list.id.str()))
        LODGE_CHECK(check_rule_count(session, rule.group_id));
    return {};
}

Status change_entries(db::Session& session, PrefixList& list,
                      const ec2::ModifyManagedPrefixListRequest& request) {
    EntriesByCidr entries;
    for (auto& entry : db::prefix_lists::entries_of(session, list.id.str(), list.version))
        entries.emplace(entry.cidr, entry);
    auto before = entries;
    LODGE_CHECK(add(entries, list, request.add_entry));
    for (const auto& each : request.remove_entry) {
        LODGE_TRY(auto cidr, canonical(list, each.cidr));
        if (entries.contains(cidr) && !before.contains(cidr))
            return fail(ErrorCode::invalid_parameter_value,
                        "The CIDR " + cidr + " cannot be added and removed in the same request.");
    }
    LODGE_CHECK(remove(entries, list, request.remove_entry));
    ++list.version;
    return put_entries(session, list, entries);
}

Status check_modification(const ec2::ModifyManagedPrefixListRequest& request) {
    bool entries = !request.add_entry.empty() || !request.remove_entry.empty();
    if (!entries && !request.max_entries && !request.prefix_list_name)
        return fail(ErrorCode::missing_parameter, "AddEntries, RemoveEntries, MaxEntries or PrefixListName");
    if (entries && request.max_entries)
        return fail(ErrorCode::invalid_parameter_combination,
                    "You cannot modify the entries and the maximum entries for the prefix list in the same "
                    "request.");
    if (entries && !request.current_version) return fail(ErrorCode::missing_parameter, "CurrentVersion");
    LODGE_CHECK(check_count(request.add_entry.size()));
    LODGE_CHECK(check_count(request.remove_entry.size()));
    return check_name(request.prefix_list_name.value_or(""));
}

bool never_an_id(std::string_view) {
    return false;
}

// What belongs to one list, as the engine pages through it: `list` gives all of it, in the order of `key`.
template <class Record>
describe::Resource<Record> part_of(const describe::FilterTable<Record>& filters,
                                   std::string (*key)(const Record&),
                                   std::function<std::vector<Record>(db::Session&)> list) {
    return {never_an_id,
            ErrorCode::invalid_prefix_list_id_malformed,
            ErrorCode::invalid_prefix_list_id_not_found,
            filters,
            nullptr,
            key,
            [](db::Session&, const std::string&) -> std::optional<Record> { return std::nullopt; },
            [key, list](db::Session& session, const std::string& after, std::int64_t) {
                auto all = list(session);
                std::erase_if(all, [&](const Record& record) { return key(record) <= after; });
                return all;
            },
            {},
            true};
}

}  // namespace

Result<ec2::CreateManagedPrefixListResponse> create_managed_prefix_list(
    RequestContext& context, const ec2::CreateManagedPrefixListRequest& request) {
    LODGE_CHECK(check_name(request.prefix_list_name));
    LODGE_CHECK(check_count(request.entry.size()));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "prefix-list", {"prefix-list"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateManagedPrefixListResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) {
            LODGE_TRY(auto list, find_list(session, context, *earlier));
            return ec2::CreateManagedPrefixListResponse{shown(with_tags(session, std::move(list)))};
        }
        PrefixList list;
        list.id = PrefixListId::make(context.services.random);
        list.account_id = context.account_id;
        list.region = context.region;
        list.name = request.prefix_list_name;
        list.address_family = request.address_family;
        list.max_entries = request.max_entries;
        list.state = "create-complete";
        list.created_ms = context.now_ms();
        EntriesByCidr entries;
        LODGE_CHECK(add(entries, list, request.entry));
        db::prefix_lists::insert(session, list);
        LODGE_CHECK(put_entries(session, list, entries));
        put_tags(session, context, list.id.str(), "prefix-list", tags);
        remember(session, context, request.client_token, list.id.str());
        return ec2::CreateManagedPrefixListResponse{shown(with_tags(session, std::move(list)))};
    });
}

Result<ec2::DeleteManagedPrefixListResponse> delete_managed_prefix_list(
    RequestContext& context, const ec2::DeleteManagedPrefixListRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteManagedPrefixListResponse> {
        LODGE_TRY(auto list, find_list(session, context, request.prefix_list_id));
        auto users = associations_of(session, list);
        if (!users.empty())
            return fail(ErrorCode::dependency_violation, "The prefix list '" + list.id.str() +
                                                             "' is used by " + users.front().resource_id +
                                                             " and cannot be deleted.");
        list.state = "delete-complete";
        auto record = with_tags(session, list);
        db::prefix_lists::erase_entries(session, list.id);
        db::prefix_lists::erase(session, list.id);
        db::tags::erase_all(session, list.id.str());
        return ec2::DeleteManagedPrefixListResponse{shown(record)};
    });
}

Result<ec2::ModifyManagedPrefixListResponse> modify_managed_prefix_list(
    RequestContext& context, const ec2::ModifyManagedPrefixListRequest& request) {
    LODGE_CHECK(check_modification(request));
    return context.write([&](db::Session& session) -> Result<ec2::ModifyManagedPrefixListResponse> {
        LODGE_TRY(auto list, find_list(session, context, request.prefix_list_id));
        if (request.current_version) LODGE_CHECK(check_version(list, *request.current_version));
        if (request.prefix_list_name) list.name = *request.prefix_list_name;
        if (request.max_entries) {
            LODGE_CHECK(resize(session, list, *request.max_entries));
        } else if (!request.add_entry.empty() || !request.remove_entry.empty()) {
            LODGE_CHECK(change_entries(session, list, request));
            networks_changed(session, context, list);
        }
        list.state = "modify-complete";
        db::prefix_lists::update(session, list);
        return ec2::ModifyManagedPrefixListResponse{shown(with_tags(session, std::move(list)))};
    });
}

Result<ec2::RestoreManagedPrefixListVersionResponse> restore_managed_prefix_list_version(
    RequestContext& context, const ec2::RestoreManagedPrefixListVersionRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::RestoreManagedPrefixListVersionResponse> {
        LODGE_TRY(auto list, find_list(session, context, request.prefix_list_id));
        LODGE_CHECK(check_version(list, request.current_version));
        LODGE_CHECK(check_kept(list, request.previous_version));
        EntriesByCidr entries;
        for (auto& entry : db::prefix_lists::entries_of(session, list.id.str(), request.previous_version))
            entries.emplace(entry.cidr, entry);
        ++list.version;
        LODGE_CHECK(put_entries(session, list, entries));
        list.state = "restore-complete";
        db::prefix_lists::update(session, list);
        networks_changed(session, context, list);
        return ec2::RestoreManagedPrefixListVersionResponse{shown(with_tags(session, std::move(list)))};
    });
}

Result<ec2::DescribeManagedPrefixListsResponse> describe_managed_prefix_lists(
    RequestContext& context, const ec2::DescribeManagedPrefixListsRequest& request) {
    auto resource = resource_of<PrefixListId, PrefixList, ListRecord>(
        context, ErrorCode::invalid_prefix_list_id_malformed, ErrorCode::invalid_prefix_list_id_not_found,
        list_filters(), db::prefix_lists::find, db::prefix_lists::list, with_tags<PrefixList>);
    LODGE_TRY(auto page,
              describe::describe<ListRecord>(
                  context, {request.prefix_list_id, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeManagedPrefixListsResponse response;
    for (const auto& record : page.records) response.prefix_lists.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribePrefixListsResponse> describe_prefix_lists(
    RequestContext& context, const ec2::DescribePrefixListsRequest& request) {
    using Service = ec2::ServicePrefixList;
    const describe::FilterTable<Service> filters = {
        filter<Service>("prefix-list-id", [](const auto& r) { return r.prefix_list_id.value_or(""); }),
        filter<Service>("prefix-list-name", [](const auto& r) { return r.prefix_list_name.value_or(""); }),
    };
    auto resource = part_of<Service>(
        filters, [](const Service& r) { return r.prefix_list_id.value_or(""); },
        [](db::Session&) { return std::vector<Service>(); });
    resource.well_formed = [](std::string_view id) { return PrefixListId::parse(id).has_value(); };
    LODGE_TRY(auto page,
              describe::describe<Service>(
                  context, {request.prefix_list_id, request.filter, request.max_results, request.next_token},
                  resource));
    return ec2::DescribePrefixListsResponse{page.next_token, std::move(page.records)};
}

Result<ec2::GetManagedPrefixListEntriesResponse> get_managed_prefix_list_entries(
    RequestContext& context, const ec2::GetManagedPrefixListEntriesRequest& request) {
    LODGE_TRY(auto list, context.read([&](db::Session& session) {
        return find_list(session, context, request.prefix_list_id);
    }));
    auto version = request.target_version.value_or(list.version);
    LODGE_CHECK(check_kept(list, version));
    const describe::FilterTable<PrefixListEntry> filters;
    auto resource = part_of<PrefixListEntry>(
        filters, [](const PrefixListEntry& entry) { return entry.cidr; },
        [&](db::Session& session) { return db::prefix_lists::entries_of(session, list.id.str(), version); });
    LODGE_TRY(auto page, describe::describe<PrefixListEntry>(
                             context, {{}, {}, request.max_results, request.next_token}, resource));
    ec2::GetManagedPrefixListEntriesResponse response;
    for (const auto& entry : page.records) response.entries.push_back({entry.cidr, entry.description});
    response.next_token = page.next_token;
    return response;
}

Result<ec2::GetManagedPrefixListAssociationsResponse> get_managed_prefix_list_associations(
    RequestContext& context, const ec2::GetManagedPrefixListAssociationsRequest& request) {
    LODGE_TRY(auto list, context.read([&](db::Session& session) {
        return find_list(session, context, request.prefix_list_id);
    }));
    const describe::FilterTable<Association> filters;
    auto resource = part_of<Association>(
        filters, [](const Association& association) { return association.resource_id; },
        [&](db::Session& session) { return associations_of(session, list); });
    LODGE_TRY(auto page, describe::describe<Association>(
                             context, {{}, {}, request.max_results, request.next_token}, resource));
    ec2::GetManagedPrefixListAssociationsResponse response;
    for (const auto& each : page.records)
        response.prefix_list_associations.push_back({each.resource_id, each.owner});
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

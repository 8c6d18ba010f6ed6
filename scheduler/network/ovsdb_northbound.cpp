#include "scheduler/network/ovsdb_northbound.h"

#include <algorithm>

namespace lodge::network {
namespace {

Json columns(const std::vector<std::string>& names) {
    return names;
}

// What render() writes, and the columns of parents that hold others. Not what northd reports there, such as
// whether a port is up: that would be noise.
std::map<std::string, Json> northbound_columns() {
    return {
        {"NB_Global", columns({"nb_cfg", "external_ids"})},
        {"Logical_Router",
         columns({"name", "options", "ports", "static_routes", "policies", "nat", "external_ids"})},
        {"Logical_Router_Port", columns({"name", "mac", "networks", "options", "ipv6_ra_configs",
                                         "ha_chassis_group", "peer", "external_ids"})},
        {"Logical_Router_Static_Route",
         columns({"route_table", "ip_prefix", "nexthop", "output_port", "external_ids"})},
        {"Logical_Router_Policy",
         columns({"priority", "match", "action", "chain", "jump_chain", "external_ids"})},
        {"NAT",
         columns({"type", "external_ip", "logical_ip", "external_mac", "logical_port", "external_ids"})},
        {"Logical_Switch", columns({"name", "dns_records", "ports", "external_ids"})},
        {"Logical_Switch_Port", columns({"name", "type", "addresses", "port_security", "options",
                                         "dhcpv4_options", "dhcpv6_options", "external_ids"})},
        {"DHCP_Options", columns({"cidr", "options", "external_ids"})},
        {"DNS", columns({"records", "external_ids"})},
        {"Port_Group", columns({"name", "ports", "acls", "external_ids"})},
        {"ACL", columns({"direction", "priority", "match", "action", "external_ids"})},
        {"Address_Set", columns({"name", "addresses", "external_ids"})},
        {"HA_Chassis_Group", columns({"name", "ha_chassis", "external_ids"})},
        {"HA_Chassis", columns({"chassis_name", "priority", "external_ids"})},
    };
}

ovsdb::Options options_of(const OvnRemotes& remotes, const std::string& remote, const std::string& database,
                          std::map<std::string, Json> monitored) {
    ovsdb::Options options;
    options.remote = remote;
    options.tls = remotes.tls;
    options.database = database;
    options.monitored = std::move(monitored);
    return options;
}

constexpr std::string_view cloud_entry = "lodge-cloud";

Json claim(const std::string& cloud_id) {
    auto entry = map_of({{std::string(cloud_entry), cloud_id}});
    return {{"op", "mutate"},
            {"table", "NB_Global"},
            {"where", Json::array()},
            {"mutations", Json::array({Json::array({"external_ids", "insert", entry})})}};
}

bool touches_more_than_counts(const Json& updates) {
    for (const auto& [table, rows] : updates.items())
        if (table != "NB_Global") return true;
    return false;
}

}  // namespace

OvsdbNorthbound::OvsdbNorthbound(const OvnRemotes& remotes, std::string cloud_id)
    : cloud_id_(std::move(cloud_id)) {
    northbound_ = std::make_unique<ovsdb::Client>(
        options_of(remotes, remotes.northbound, "OVN_Northbound", northbound_columns()), northbound_events());
    southbound_ =
        std::make_unique<ovsdb::Client>(options_of(remotes, remotes.southbound, "OVN_Southbound",
                                                   {{"Chassis_Private", columns({"name", "nb_cfg"})}}),
                                        southbound_events());
}

OvsdbNorthbound::~OvsdbNorthbound() = default;

// Calls come on the client's thread, outside of mutex_.
ovsdb::Events OvsdbNorthbound::northbound_events() {
    ovsdb::Events events;
    events.connected = [this](const Json& updates) {
        {
            std::lock_guard lock(mutex_);
            replica_.clear();
            replica_.apply(updates);
            note_owner(updates);
            northbound_known_ = true;
        }
        tell();
    };
    events.updated = [this](const Json& updates) {
        bool others = false;
        {
            std::lock_guard lock(mutex_);
            replica_.apply(updates);
            note_owner(updates);
            others = own_transactions_ == 0 && touches_more_than_counts(updates);
        }
        if (others) tell();
    };
    events.lost = [this] {
        std::lock_guard lock(mutex_);
        northbound_known_ = false;
    };
    return events;
}

ovsdb::Events OvsdbNorthbound::southbound_events() {
    ovsdb::Events events;
    events.connected = [this](const Json& updates) {
        std::lock_guard lock(mutex_);
        chassis_.clear();
        chassis_.apply(updates);
        southbound_known_ = true;
    };
    events.updated = [this](const Json& updates) {
        std::lock_guard lock(mutex_);
        chassis_.apply(updates);
    };
    events.lost = [this] {
        std::lock_guard lock(mutex_);
        southbound_known_ = false;
    };
    return events;
}

void OvsdbNorthbound::note_owner(const Json& updates) {
    auto global = updates.find("NB_Global");
    if (global == updates.end()) return;
    for (const auto& [uuid, change] : global->items())
        if (change.contains("new") && change["new"].contains("external_ids"))
            owner_ = map_entry(canonical(change["new"]["external_ids"]), cloud_entry);
}

void OvsdbNorthbound::tell() {
    std::lock_guard lock(listener_mutex_);
    if (listener_) listener_();
}

bool OvsdbNorthbound::read(const std::function<void(const Replica&)>& look) {
    std::lock_guard lock(mutex_);
    if (!is_known()) return false;
    look(replica_);
    return true;
}

Status OvsdbNorthbound::transact(const Json& operations) {
    Json all = operations;
    {
        std::lock_guard lock(mutex_);
        if (!is_known()) return fail(ErrorCode::service_unavailable, "OVN's Northbound database is not ours");
        if (owner_.empty()) all.push_back(claim(cloud_id_));
        ++own_transactions_;
    }
    auto done = northbound_->transact(std::move(all));
    std::lock_guard lock(mutex_);
    --own_transactions_;
    return done.map([](auto&&) {});
}

std::optional<std::int64_t> OvsdbNorthbound::followed(const Counts& counts) {
    std::vector<std::pair<std::string, std::int64_t>> all;
    std::int64_t own = 0;
    {
        std::lock_guard lock(mutex_);
        if (!is_known() || !southbound_known_) return std::nullopt;
        own = global_count(replica_, "nb_cfg");
        for (const auto& [uuid, columns] : chassis_.rows("Chassis_Private")) {
            auto name = columns.find("name");
            auto count = columns.find("nb_cfg");
            if (name != columns.end() && count != columns.end() && name->second.is_string() &&
                count->second.is_number_integer())
                all.emplace_back(name->second, count->second);
        }
    }
    auto slowest = own;
    for (const auto& [name, count] : all)
        if (counts(name)) slowest = std::min(slowest, count);
    return slowest;
}

void OvsdbNorthbound::on_change(std::function<void()> call) {
    std::lock_guard lock(listener_mutex_);
    listener_ = std::move(call);
}

std::string OvsdbNorthbound::problem() const {
    for (const auto* client : {northbound_.get(), southbound_.get()})
        if (auto problem = client->problem(); !problem.empty()) return problem;
    std::lock_guard lock(mutex_);
    if (owner_.empty() || owner_ == cloud_id_) return "";
    return "OVN's Northbound database belongs to another cloud (" + owner_ +
           "): give each its own, or set ovn-northbound = \"\"";
}

}  // namespace lodge::network

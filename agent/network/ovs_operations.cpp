#include "agent/network/ovs_operations.h"

#include <algorithm>

#include "agent/network/own_address.h"

namespace lodge::agent {
namespace {

Json map_of(const Words& words) {
    Json items = Json::array();
    for (const auto& [key, value] : words) items.push_back({key, value});
    return {"map", items};
}

Json where_uuid(const std::string& uuid) {
    return Json::array({Json::array({"_uuid", "==", Json::array({"uuid", uuid})})});
}

std::string value_of(const Words& words, const std::string& key) {
    const auto found = words.find(key);
    return found == words.end() ? std::string() : found->second;
}

// "net1:bridge1,net2:bridge2" with ours in it.
std::string with_mapping(const std::string& known, const std::string& network, const std::string& bridge) {
    std::string mappings;
    std::size_t at = 0;
    while (at < known.size()) {
        const std::size_t end = std::min(known.find(',', at), known.size());
        const std::string each = known.substr(at, end - at);
        if (!each.starts_with(network + ":")) mappings += each + ",";
        at = end + 1;
    }
    return mappings + network + ":" + bridge;
}

bool has_mapping(const std::string& known, const std::string& mapping) {
    return ("," + known + ",").find("," + mapping + ",") != std::string::npos;
}

// As the control plane says, else as it is.
std::string wanted_remote(const OvsView& view, const ChassisWish& wish) {
    const std::string& said = wish.settings.southbound_remote;
    return said.empty() ? remote_of(view) : said;
}

bool is_tls(const std::string& remote) {
    return remote.starts_with("ssl:");
}

Words wanted_ids(const OvsView& view, const ChassisWish& wish) {
    const Words& known = view.root()->external_ids;
    const std::string remote = wanted_remote(view, wish);
    Words wanted;
    if (!remote.empty()) wanted["ovn-remote"] = remote;
    if (is_tls(remote) || value_of(known, "system-id").empty()) wanted["system-id"] = wish.system_id;
    if (value_of(known, "ovn-encap-type").empty()) wanted["ovn-encap-type"] = "geneve";
    if (!wish.encap_ip.empty())
        wanted["ovn-encap-ip"] = wish.encap_ip;
    else if (value_of(known, "ovn-encap-ip").empty())
        wanted["ovn-encap-ip"] = own_address(remote);
    const std::string& network = wish.settings.provider_network;
    const std::string mappings = value_of(known, "ovn-bridge-mappings");
    if (!network.empty() && view.has_bridge(wish.public_bridge) &&
        !has_mapping(mappings, network + ":" + wish.public_bridge))
        wanted["ovn-bridge-mappings"] = with_mapping(mappings, network, wish.public_bridge);
    return wanted;
}

Json set_ids(const OvsRoot& root, const Words& wanted) {
    Json keys = Json::array();
    Words changed;
    for (const auto& [key, value] : wanted) {
        const auto known = root.external_ids.find(key);
        if (known != root.external_ids.end() && known->second == value) continue;
        changed[key] = value;
        keys.push_back(key);
    }
    if (changed.empty()) return nullptr;
    return {{"op", "mutate"},
            {"table", "Open_vSwitch"},
            {"where", where_uuid(root.uuid)},
            {"mutations", Json::array({Json::array({"external_ids", "delete", Json::array({"set", keys})}),
                                       Json::array({"external_ids", "insert", map_of(changed)})})}};
}

}  // namespace

std::string remote_of(const OvsView& view) {
    return view.root() ? value_of(view.root()->external_ids, "ovn-remote") : "";
}

Json configure_chassis(const OvsView& view, const ChassisWish& wish) {
    Json operations = Json::array();
    if (!view.root()) return operations;
    if (Json ids = set_ids(*view.root(), wanted_ids(view, wish)); !ids.is_null())
        operations.push_back(std::move(ids));
    if (!is_tls(wanted_remote(view, wish)) || view.tls() == wish.tls) return operations;
    operations.push_back({{"op", "insert"},
                          {"table", "SSL"},
                          {"uuid-name", "tls"},
                          {"row",
                           {{"private_key", wish.tls.private_key},
                            {"certificate", wish.tls.certificate},
                            {"ca_cert", wish.tls.ca_cert}}}});
    operations.push_back({{"op", "update"},
                          {"table", "Open_vSwitch"},
                          {"where", where_uuid(view.root()->uuid)},
                          {"row", {{"ssl", Json::array({"named-uuid", "tls"})}}}});
    return operations;
}

Json add_port(const std::string& name, const Words& external_ids) {
    return Json::array(
        {{{"op", "insert"},
          {"table", "Interface"},
          {"uuid-name", "interface"},
          {"row", {{"name", name}, {"external_ids", map_of(external_ids)}}}},
         {{"op", "insert"},
          {"table", "Port"},
          {"uuid-name", "port"},
          {"row", {{"name", name}, {"interfaces", Json::array({"named-uuid", "interface"})}}}},
         {{"op", "mutate"},
          {"table", "Bridge"},
          {"where", Json::array({Json::array({"name", "==", integration_bridge})})},
          {"mutations",
           Json::array({Json::array({"ports", "insert", Json::array({"named-uuid", "port"})})})}}});
}

Json with_sequence(const OvsView& view, Json operations) {
    if (!view.root()) return operations;
    const Json where = where_uuid(view.root()->uuid);
    operations.push_back({{"op", "mutate"},
                          {"table", "Open_vSwitch"},
                          {"where", where},
                          {"mutations", Json::array({Json::array({"next_cfg", "+=", 1})})}});
    operations.push_back({{"op", "select"},
                          {"table", "Open_vSwitch"},
                          {"where", where},
                          {"columns", Json::array({"next_cfg"})}});
    return operations;
}

Json remove_ports(const OvsView& view, const std::vector<std::string>& names) {
    Json operations = Json::array();
    for (const std::string& name : names) {
        const auto place = view.place_of(name);
        if (!place) continue;
        operations.push_back(
            {{"op", "mutate"},
             {"table", "Bridge"},
             {"where", where_uuid(place->bridge_uuid)},
             {"mutations",
              Json::array({Json::array({"ports", "delete", Json::array({"uuid", place->port_uuid})})})}});
    }
    return operations;
}

}  // namespace lodge::agent

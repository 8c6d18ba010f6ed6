#include "agent/network/ovs_view.h"

namespace lodge::agent {
namespace {

// OVSDB's notation (RFC 7047, section 5.1): a set of one is its element, others and maps are tagged arrays.
std::vector<Json> items_of(const Json& value, const char* tag) {
    if (!value.is_array() || value.size() != 2 || !value[0].is_string()) return {value};
    if (value[0] == tag && value[1].is_array()) return {value[1].begin(), value[1].end()};
    if (value[0] == "set" || value[0] == "map") return {};
    return {value};
}

const Json& column(const Json& row, const char* name) {
    static const Json none;
    const auto found = row.find(name);
    return found == row.end() ? none : *found;
}

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t number_of(const Json& value) {
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

Words words_of(const Json& value) {
    Words words;
    for (const Json& item : items_of(value, "map"))
        if (item.is_array() && item.size() == 2) words[text_of(item[0])] = text_of(item[1]);
    return words;
}

std::set<std::string> uuids_of(const Json& value) {
    std::set<std::string> uuids;
    for (const Json& item : items_of(value, "set"))
        if (item.is_array() && item.size() == 2 && item[0] == "uuid") uuids.insert(text_of(item[1]));
    return uuids;
}

std::string only(const std::set<std::string>& uuids) {
    return uuids.empty() ? std::string() : *uuids.begin();
}

}  // namespace

std::string OvsInterface::id(const std::string& key) const {
    const auto found = external_ids.find(key);
    return found == external_ids.end() ? std::string() : found->second;
}

std::map<std::string, Json> OvsView::monitored() {
    return {{"Open_vSwitch", Json::array({"external_ids", "ssl", "cur_cfg"})},
            {"SSL", Json::array({"private_key", "certificate", "ca_cert"})},
            {"Bridge", Json::array({"name", "ports"})},
            {"Port", Json::array({"name"})},
            {"Interface", Json::array({"name", "external_ids", "error"})}};
}

void OvsView::reset(const Json& table_updates) {
    *this = OvsView();
    update(table_updates);
}

void OvsView::take_interface(const std::string& uuid, const Json* row) {
    if (const auto known = interfaces_.find(uuid); known != interfaces_.end()) {
        by_iface_id_[known->second.id("iface-id")].erase(uuid);
        interfaces_.erase(known);
    }
    if (row == nullptr) return;
    OvsInterface& made = interfaces_[uuid];
    made = {text_of(column(*row, "name")), words_of(column(*row, "external_ids")),
            text_of(column(*row, "error"))};
    by_iface_id_[made.id("iface-id")].insert(uuid);
}

void OvsView::update(const Json& table_updates) {
    const auto each = [&](const char* table, const auto& take) {
        const Json& rows = column(table_updates, table);
        if (!rows.is_object()) return;
        for (const auto& [uuid, change] : rows.items()) {
            const auto row = change.find("new");
            take(uuid, row == change.end() ? nullptr : &*row);
        }
    };
    each("Interface", [&](const std::string& uuid, const Json* row) { take_interface(uuid, row); });
    each("Port", [&](const std::string& uuid, const Json* row) {
        ports_.erase(uuid);
        if (row != nullptr) ports_[uuid] = text_of(column(*row, "name"));
    });
    each("Bridge", [&](const std::string& uuid, const Json* row) {
        bridges_.erase(uuid);
        if (row != nullptr) bridges_[uuid] = {text_of(column(*row, "name")), uuids_of(column(*row, "ports"))};
    });
    each("SSL", [&](const std::string& uuid, const Json* row) {
        tls_.erase(uuid);
        if (row != nullptr)
            tls_[uuid] = {text_of(column(*row, "private_key")), text_of(column(*row, "certificate")),
                          text_of(column(*row, "ca_cert"))};
    });
    each("Open_vSwitch", [&](const std::string& uuid, const Json* row) {
        root_.reset();
        if (row != nullptr)
            root_ = OvsRoot{uuid, words_of(column(*row, "external_ids")), only(uuids_of(column(*row, "ssl"))),
                            number_of(column(*row, "cur_cfg"))};
    });
}

std::optional<OvsTls> OvsView::tls() const {
    const auto found = root_ ? tls_.find(root_->ssl) : tls_.end();
    return found == tls_.end() ? std::nullopt : std::optional(found->second);
}

bool OvsView::has_bridge(const std::string& name) const {
    for (const auto& [uuid, bridge] : bridges_)
        if (bridge.name == name) return true;
    return false;
}

std::vector<const OvsInterface*> OvsView::plugged(const std::string& iface_id) const {
    std::vector<const OvsInterface*> found;
    const auto uuids = by_iface_id_.find(iface_id);
    if (iface_id.empty() || uuids == by_iface_id_.end()) return found;
    for (const std::string& uuid : uuids->second) found.push_back(&interfaces_.at(uuid));
    return found;
}

std::optional<OvsView::Place> OvsView::place_of(const std::string& port_name) const {
    for (const auto& [port, name] : ports_) {
        if (name != port_name) continue;
        for (const auto& [uuid, bridge] : bridges_)
            if (bridge.ports.contains(port)) return Place{port, uuid, bridge.name};
    }
    return std::nullopt;
}

}  // namespace lodge::agent

// What a host's Open vSwitch database holds, as far as Lodge looks at it, kept from the monitor's updates.
// One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lodge::agent {

using Json = nlohmann::json;
using Words = std::map<std::string, std::string>;

struct OvsInterface {
    std::string name;
    Words external_ids;
    std::string error;  // why ovs-vswitchd cannot use it

    // Empty if there is none.
    std::string id(const std::string& key) const;
};

// Open vSwitch's own row.
struct OvsRoot {
    std::string uuid;
    Words external_ids;
    std::string ssl;           // the row's UUID; empty: none
    std::int64_t cur_cfg = 0;  // the next_cfg that ovs-vswitchd has followed
};

struct OvsTls {
    std::string private_key;
    std::string certificate;
    std::string ca_cert;

    bool operator==(const OvsTls&) const = default;
};

class OvsView {
  public:
    // For ovsdb::Options.
    static std::map<std::string, Json> monitored();

    // The monitor's first answer, and its updates.
    void reset(const Json& table_updates);
    void update(const Json& table_updates);

    const std::optional<OvsRoot>& root() const { return root_; }
    std::optional<OvsTls> tls() const;
    bool has_bridge(const std::string& name) const;
    const std::map<std::string, OvsInterface>& interfaces() const { return interfaces_; }  // by UUID
    // All with this external_ids:iface-id.
    std::vector<const OvsInterface*> plugged(const std::string& iface_id) const;
    // The port of that name, with the bridge it is in; nothing if there is none.
    struct Place {
        std::string port_uuid;
        std::string bridge_uuid;
        std::string bridge;
    };
    std::optional<Place> place_of(const std::string& port_name) const;

  private:
    struct Bridge {
        std::string name;
        std::set<std::string> ports;
    };

    void take_interface(const std::string& uuid, const Json* row);

    std::optional<OvsRoot> root_;
    std::map<std::string, OvsTls> tls_;
    std::map<std::string, Bridge> bridges_;
    std::map<std::string, std::string> ports_;  // their names
    std::map<std::string, OvsInterface> interfaces_;
    std::map<std::string, std::set<std::string>> by_iface_id_;
};

}  // namespace lodge::agent

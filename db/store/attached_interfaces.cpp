#include "db/store/attached_interfaces.h"

#include <unordered_map>

#include "db/store/addresses.h"
#include "db/store/network_interfaces.h"

namespace lodge::db::attached_interfaces {
namespace {

// Which instances, as a condition on them (i) with its values.
struct Choice {
    std::string_view condition;
    std::vector<Value> values;
};

Choice in_span(const instances::Span& span) {
    return {
        "i.account_id = ? AND i.region = ? AND (i.reservation_id, i.id) >= (?, ?) "
        "AND (i.reservation_id, i.id) <= (?, ?)",
        {span.account_id, span.region, span.first.reservation_id, span.first.instance_id,
         span.last.reservation_id, span.last.instance_id}};
}

// Loads interfaces, and then part by part what belongs to them.
class Loader {
  public:
    Loader(Session& session, Choice choice) : session_(session), choice_(std::move(choice)) {}

    std::vector<AttachedInterface> run(bool with_tags) {
        load_interfaces();
        if (all_.empty()) return std::move(all_);
        load_addresses();
        load_groups();
        load_elastic();
        if (with_tags) load_tags();
        return std::move(all_);
    }

  private:
    // n: the interfaces; `join` adds what belongs to them.
    void each(const std::string& columns, std::string_view join, std::string_view order,
              const std::function<void(const Row&)>& take) {
        auto sql = "SELECT " + columns +
                   " FROM instances i JOIN network_interfaces n ON n.instance_id = i.id " +
                   std::string(join) + " WHERE " + std::string(choice_.condition) + " ORDER BY " +
                   std::string(order);
        session_.query_list(sql, choice_.values.data(), choice_.values.size(), take);
    }

    void load_interfaces() {
        static const std::string columns = network_interfaces::table().columns("n");
        each(columns, "", "n.instance_id, n.device_index",
             [&](const Row& row) { network_interfaces::table().read(all_.emplace_back().interface, row); });
        for (auto& loaded : all_) by_id_[loaded.interface.id.str()] = &loaded;
    }

    void load_addresses() {
        static const std::string columns = network_interfaces::address_table().columns("a");
        each(columns, "JOIN network_interface_addresses a ON a.network_interface_id = n.id",
             "a.is_ipv6, a.position, a.address", [&](const Row& row) {
                 InterfaceAddress address;
                 network_interfaces::address_table().read(address, row);
                 if (auto* owner = find(address.network_interface_id.str()))
                     owner->addresses.push_back(std::move(address));
             });
    }

    void load_groups() {
        each("m.network_interface_id, s.id, s.name",
             "JOIN network_interface_groups m ON m.network_interface_id = n.id "
             "JOIN security_groups s ON s.id = m.group_id",
             "m.position", [&](const Row& row) {
                 if (auto* owner = find(row.text(0)))
                     owner->groups.push_back(
                         {SecurityGroupId::trusted(std::string(row.text(1))), std::string(row.text(2))});
             });
    }

    void load_elastic() {
        static const std::string columns = addresses::table().columns("e");
        each(columns, "JOIN addresses e ON e.network_interface_id = n.id", "e.private_ip",
             [&](const Row& row) {
                 Address address;
                 addresses::table().read(address, row);
                 if (auto* owner = find(address.network_interface_id))
                     owner->elastic.push_back(std::move(address));
             });
    }

    void load_tags() {
        each("t.resource_id, t.resource_type, t.key, t.value",
             "JOIN tags t ON t.resource_id = n.id AND t.account_id = n.account_id", "t.key",
             [&](const Row& row) {
                 if (auto* owner = find(row.text(0)))
                     owner->tags.push_back({std::string(row.text(0)), std::string(row.text(1)),
                                            std::string(row.text(2)), std::string(row.text(3))});
             });
    }

    AttachedInterface* find(std::string_view id) {
        auto found = by_id_.find(id);
        return found == by_id_.end() ? nullptr : found->second;
    }

    Session& session_;
    const Choice choice_;
    std::vector<AttachedInterface> all_;
    std::unordered_map<std::string_view, AttachedInterface*> by_id_;
};

}  // namespace

std::vector<AttachedInterface> of_instances(Session& session, const instances::Span& span) {
    return Loader(session, in_span(span)).run(true);
}

std::vector<AttachedInterface> of_instance(Session& session, const InstanceId& id) {
    return Loader(session, {"i.id = ?", {id.str()}}).run(true);
}

std::vector<AttachedInterface> of_host(Session& session, const HostId& id) {
    return Loader(session, {"i.host_id = ?", {id.str()}}).run(false);
}

}  // namespace lodge::db::attached_interfaces

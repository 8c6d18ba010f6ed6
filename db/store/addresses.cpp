#include "db/store/addresses.h"

namespace lodge::db::addresses {

const Records<Address>& table() {
    static const Records<Address> records(
        "addresses", {field("id", &Address::id), field("account_id", &Address::account_id),
                      field("region", &Address::region), field("public_ip", &Address::public_ip),
                      field("association_id", &Address::association_id),
                      field("network_interface_id", &Address::network_interface_id),
                      field("private_ip", &Address::private_ip), field("created_ms", &Address::created_ms)});
    return records;
}

void insert(Session& session, const Address& record) {
    table().insert(session, record);
}

void update(Session& session, const Address& record) {
    table().update(session, record);
}

void erase(Session& session, const AllocationId& id) {
    table().erase_id(session, id.str());
}

std::optional<Address> find(Session& session, const AccountId& account_id, std::string_view region,
                            std::string_view id) {
    return table().find(session, account_id, region, id);
}

std::optional<Address> find_any(Session& session, std::string_view id) {
    return table().find_any(session, id);
}

std::vector<Address> list(Session& session, const AccountId& account_id, std::string_view region,
                          std::string_view after, std::int64_t limit) {
    return table().list(session, account_id, region, after, limit);
}

std::optional<Address> find_by_ip(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view public_ip) {
    return table().one(session, "public_ip = ? AND account_id = ? AND region = ?",
                       {public_ip, account_id, region});
}

std::optional<Address> find_by_association(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view association_id) {
    return table().one(session, "association_id = ? AND account_id = ? AND region = ?",
                       {association_id, account_id, region});
}

std::int64_t count(Session& session, const AccountId& account_id, std::string_view region) {
    std::int64_t total = 0;
    session.query("SELECT COUNT(*) FROM addresses WHERE account_id = ? AND region = ?", {account_id, region},
                  [&](const Row& row) { total = row.integer(0); });
    return total;
}

std::vector<Address> of_interface(Session& session, const NetworkInterfaceId& id) {
    return table().all(session, "network_interface_id = ? ORDER BY private_ip", {id.str()});
}

bool any_mapped_in(Session& session, const VpcId& vpc_id) {
    bool any = false;
    auto found = [&](const Row&) { any = true; };
    session.query("SELECT 1 FROM network_interfaces WHERE vpc_id = ? AND public_ip <> '' LIMIT 1",
                  {vpc_id.str()}, found);
    session.query(
        "SELECT 1 FROM network_interfaces JOIN addresses ON network_interface_id = network_interfaces.id "
        "WHERE vpc_id = ? LIMIT 1",
        {vpc_id.str()}, found);
    return any;
}

bool take(Session& session, std::string_view address, std::string_view owner_id) {
    bool is_taken = false;
    session.query("SELECT 1 FROM public_ips WHERE address = ?", {address},
                  [&](const Row&) { is_taken = true; });
    if (is_taken) return false;
    session.execute("INSERT INTO public_ips (address, owner_id) VALUES (?, ?)", {address, owner_id});
    return true;
}

void give_back(Session& session, std::string_view address) {
    session.execute("DELETE FROM public_ips WHERE address = ?", {address});
}

std::optional<std::string> taken_by(Session& session, std::string_view owner_id) {
    std::optional<std::string> address;
    session.query("SELECT address FROM public_ips WHERE owner_id = ?", {owner_id},
                  [&](const Row& row) { address = row.text(0); });
    return address;
}

std::optional<std::string> owner_of(Session& session, std::string_view address) {
    std::optional<std::string> owner;
    session.query("SELECT owner_id FROM public_ips WHERE address = ?", {address},
                  [&](const Row& row) { owner = row.text(0); });
    return owner;
}

std::vector<std::string> taken(Session& session) {
    std::vector<std::string> all;
    session.query("SELECT address FROM public_ips ORDER BY address", {},
                  [&](const Row& row) { all.emplace_back(row.text(0)); });
    return all;
}

}  // namespace lodge::db::addresses

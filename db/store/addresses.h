#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/store/records.h"
#include "proto/model/network_interface.h"

namespace lodge::db::addresses {

// For joins.
const Records<Address>& table();

void insert(Session& session, const Address& record);
void update(Session& session, const Address& record);
void erase(Session& session, const AllocationId& id);
std::optional<Address> find(Session& session, const AccountId& account_id, std::string_view region,
                            std::string_view id);
std::optional<Address> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<Address> list(Session& session, const AccountId& account_id, std::string_view region,
                          std::string_view after, std::int64_t limit);
std::int64_t count(Session& session, const AccountId& account_id, std::string_view region);
std::optional<Address> find_by_ip(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view public_ip);
std::optional<Address> find_by_association(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view association_id);
std::vector<Address> of_interface(Session& session, const NetworkInterfaceId& id);
// Whether any interface in the VPC has a public address, elastic or given at launch.
bool any_mapped_in(Session& session, const VpcId& vpc_id);

// The pool of public addresses: taken ones, each with its owner's ID. take() is false if it is taken already.
bool take(Session& session, std::string_view address, std::string_view owner_id);
void give_back(Session& session, std::string_view address);
std::optional<std::string> taken_by(Session& session, std::string_view owner_id);
std::optional<std::string> owner_of(Session& session, std::string_view address);
std::vector<std::string> taken(Session& session);

}  // namespace lodge::db::addresses

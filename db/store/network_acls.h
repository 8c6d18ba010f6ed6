#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/network_acl.h"

namespace lodge::db::network_acls {

void insert(Session& session, const NetworkAcl& record);
void update(Session& session, const NetworkAcl& record);
void erase(Session& session, const NetworkAclId& id);
std::optional<NetworkAcl> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id);
std::optional<NetworkAcl> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<NetworkAcl> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit);
std::vector<NetworkAcl> of_vpc(Session& session, const VpcId& vpc_id);

void insert_entry(Session& session, const NetworkAclEntry& record);
void update_entry(Session& session, const NetworkAclEntry& record);
void erase_entry(Session& session, const NetworkAclId& id, bool is_egress, std::int64_t rule_number);
void erase_entries(Session& session, const NetworkAclId& id);
// By direction (ingress first) and number.
std::vector<NetworkAclEntry> entries_of(Session& session, const NetworkAclId& id);

void insert_association(Session& session, const NetworkAclAssociation& record);
void erase_association(Session& session, const NetworkAclAssociationId& id);
void erase_association_of(Session& session, const SubnetId& subnet_id);
std::optional<NetworkAclAssociation> find_association(Session& session, std::string_view id);
std::optional<NetworkAclAssociation> association_of(Session& session, const SubnetId& subnet_id);
std::vector<NetworkAclAssociation> associations_of(Session& session, const NetworkAclId& id);

}  // namespace lodge::db::network_acls

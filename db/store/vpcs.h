#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/vpc.h"

namespace lodge::db::vpcs {

void insert(Session& session, const Vpc& record);
void update(Session& session, const Vpc& record);
void erase(Session& session, const VpcId& id);
std::optional<Vpc> find(Session& session, const AccountId& account_id, std::string_view region,
                        std::string_view id);
std::optional<Vpc> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<Vpc> list(Session& session, const AccountId& account_id, std::string_view region,
                      std::string_view after, std::int64_t limit);
std::optional<Vpc> find_default(Session& session, const AccountId& account_id, std::string_view region);
std::vector<Vpc> of_dhcp_options(Session& session, std::string_view dhcp_options_id);
// All accounts' and regions', by ID, for reconciling.
std::vector<Vpc> list_all(Session& session);
// Raises the revision: what the VPC's network must look like has changed. Returns the new one. Announced, as
// are insert() and erase().
std::int64_t touch(Session& session, const VpcId& id);

// CIDRs, the primary one first.
void insert_cidr(Session& session, const VpcCidr& record);
void erase_cidr(Session& session, const VpcCidrId& id);
void erase_cidrs(Session& session, const VpcId& vpc_id);
std::vector<VpcCidr> cidrs_of(Session& session, const VpcId& vpc_id);
std::optional<VpcCidr> find_cidr(Session& session, std::string_view id);
// Every IPv6 CIDR of every VPC: they come out of one pool.
std::vector<VpcCidr> ipv6_cidrs(Session& session);

// The account's default set of DHCP options, made along with its default VPC; nothing before that.
std::optional<DhcpOptionsId> default_dhcp_options(Session& session, const AccountId& account_id,
                                                  std::string_view region);
void set_default_dhcp_options(Session& session, const AccountId& account_id, std::string_view region,
                              const DhcpOptionsId& id, UnixMs now_ms);

}  // namespace lodge::db::vpcs

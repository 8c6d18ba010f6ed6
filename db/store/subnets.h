#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/vpc.h"

namespace lodge::db::subnets {

void insert(Session& session, const Subnet& record);
void update(Session& session, const Subnet& record);
void erase(Session& session, const SubnetId& id);
std::optional<Subnet> find(Session& session, const AccountId& account_id, std::string_view region,
                           std::string_view id);
std::optional<Subnet> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<Subnet> list(Session& session, const AccountId& account_id, std::string_view region,
                         std::string_view after, std::int64_t limit);
std::vector<Subnet> of_vpc(Session& session, const VpcId& vpc_id);
std::optional<Subnet> find_default(Session& session, const AccountId& account_id, std::string_view zone);

void insert_ipv6_cidr(Session& session, const SubnetIpv6Cidr& record);
void erase_ipv6_cidr(Session& session, const SubnetCidrId& id);
void erase_ipv6_cidrs(Session& session, const SubnetId& subnet_id);
std::vector<SubnetIpv6Cidr> ipv6_cidrs_of(Session& session, const SubnetId& subnet_id);
std::optional<SubnetIpv6Cidr> find_ipv6_cidr(Session& session, std::string_view id);

}  // namespace lodge::db::subnets

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/vpc.h"

namespace lodge::db::dhcp_options {

// A set without its values; see insert_value().
void insert(Session& session, const DhcpOptions& record);
void update(Session& session, const DhcpOptions& record);
void erase(Session& session, const DhcpOptionsId& id);
std::optional<DhcpOptions> find(Session& session, const AccountId& account_id, std::string_view region,
                                std::string_view id);
std::optional<DhcpOptions> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<DhcpOptions> list(Session& session, const AccountId& account_id, std::string_view region,
                              std::string_view after, std::int64_t limit);
void insert_value(Session& session, const DhcpOptionValue& record);
void erase_values(Session& session, const DhcpOptionsId& id);
std::vector<DhcpOptionValue> values_of(Session& session, std::string_view dhcp_options_id);

}  // namespace lodge::db::dhcp_options

#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "db/store/instances.h"
#include "proto/model/dedicated_host.h"

namespace lodge::db::dedicated_hosts {

void insert(Session& session, const DedicatedHost& record);
void update(Session& session, const DedicatedHost& record);
std::optional<DedicatedHost> find(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<DedicatedHost> list(Session& session, const AccountId& account_id, std::string_view region,
                                std::string_view after, std::int64_t limit);
// Those that are not released: the account's in the region, everybody's, and the one that a machine is.
std::vector<DedicatedHost> held(Session& session, const AccountId& account_id, std::string_view region);
std::vector<DedicatedHost> all_held(Session& session);
std::optional<DedicatedHost> of_machine(Session& session, const HostId& host_id);
// Forgets those that were released before, with their tags.
void erase_released(Session& session, UnixMs before_ms);

// Instances that hold capacity on it.
std::vector<instances::WithGuest> instances_on(Session& session, const DedicatedHost& record);

// Machines that hold guests of the tenancy "dedicated" now, and whose.
struct Tenant {
    HostId host_id;
    AccountId account_id;
};
std::vector<Tenant> tenants(Session& session);

}  // namespace lodge::db::dedicated_hosts

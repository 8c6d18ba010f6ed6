#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/launch_template.h"

namespace lodge::db::launch_templates {

void insert(Session& session, const LaunchTemplate& record);
void update(Session& session, const LaunchTemplate& record);
// With all of its versions.
void erase(Session& session, const LaunchTemplateId& id);
std::optional<LaunchTemplate> find(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view id);
std::optional<LaunchTemplate> find_by_name(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view name);
// By ID, from behind `after`; at most `limit`.
std::vector<LaunchTemplate> list(Session& session, const AccountId& account_id, std::string_view region,
                                 std::string_view after, std::int64_t limit);
std::int64_t count(Session& session, const AccountId& account_id, std::string_view region);

void insert_version(Session& session, const LaunchTemplateVersion& record);
void erase_version(Session& session, const LaunchTemplateId& id, std::int64_t version);
std::optional<LaunchTemplateVersion> find_version(Session& session, const LaunchTemplateId& id,
                                                  std::int64_t version);
// The newest first, those below `before` (exclusive) and not below `least`; at most `limit`.
std::vector<LaunchTemplateVersion> versions_before(Session& session, const LaunchTemplateId& id,
                                                   std::int64_t before, std::int64_t least,
                                                   std::int64_t limit);
std::int64_t count_versions(Session& session, const LaunchTemplateId& id);

}  // namespace lodge::db::launch_templates

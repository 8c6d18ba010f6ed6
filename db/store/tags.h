#pragma once

#include <vector>

#include "db/driver/session.h"
#include "db/store/instance_span.h"
#include "proto/model/tag.h"

namespace lodge::db::tags {

// Adds the tag or replaces its value.
void put(Session& session, const AccountId& account_id, std::string_view region, const Tag& tag);
// Takes a tag away; with `value`, only if that is its value.
void erase(Session& session, const AccountId& account_id, std::string_view resource_id, std::string_view key,
           const std::string* value);
void erase_all(Session& session, std::string_view resource_id);
// Those of one resource, by key.
std::vector<Tag> of(Session& session, const AccountId& account_id, std::string_view resource_id);
// Those of a run of instances, by instance and key.
std::vector<Tag> of_instances(Session& session, const instances::Span& span);
// All of an account in a region, by resource and key, after (resource, key); at most `limit`.
std::vector<Tag> list(Session& session, const AccountId& account_id, std::string_view region,
                      std::string_view after_resource, std::string_view after_key, std::int64_t limit);

}  // namespace lodge::db::tags

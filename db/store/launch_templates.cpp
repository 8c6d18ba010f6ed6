#include "db/store/launch_templates.h"

#include "db/store/records.h"

namespace lodge::db::launch_templates {
namespace {

const Records<LaunchTemplate>& templates() {
    static const Records<LaunchTemplate> records(
        "launch_templates",
        {field("id", &LaunchTemplate::id), field("account_id", &LaunchTemplate::account_id),
         field("region", &LaunchTemplate::region), field("name", &LaunchTemplate::name),
         field("default_version", &LaunchTemplate::default_version),
         field("latest_version", &LaunchTemplate::latest_version),
         field("last_version", &LaunchTemplate::last_version),
         field("created_ms", &LaunchTemplate::created_ms)});
    return records;
}

const Records<LaunchTemplateVersion>& versions() {
    static const Records<LaunchTemplateVersion> records(
        "launch_template_versions",
        {field("launch_template_id", &LaunchTemplateVersion::launch_template_id),
         field("version", &LaunchTemplateVersion::version),
         field("description", &LaunchTemplateVersion::description),
         field("data", &LaunchTemplateVersion::data),
         field("created_ms", &LaunchTemplateVersion::created_ms)},
        2);
    return records;
}

}  // namespace

void insert(Session& session, const LaunchTemplate& record) {
    templates().insert(session, record);
}

void update(Session& session, const LaunchTemplate& record) {
    templates().update(session, record);
}

void erase(Session& session, const LaunchTemplateId& id) {
    versions().erase(session, "launch_template_id = ?", {id.str()});
    templates().erase_id(session, id.str());
}

std::optional<LaunchTemplate> find(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view id) {
    return templates().find(session, account_id, region, id);
}

std::optional<LaunchTemplate> find_by_name(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view name) {
    return templates().one(session, "account_id = ? AND region = ? AND name = ?", {account_id, region, name});
}

std::vector<LaunchTemplate> list(Session& session, const AccountId& account_id, std::string_view region,
                                 std::string_view after, std::int64_t limit) {
    return templates().list(session, account_id, region, after, limit);
}

std::int64_t count(Session& session, const AccountId& account_id, std::string_view region) {
    std::int64_t total = 0;
    session.query("SELECT COUNT(*) FROM launch_templates WHERE account_id = ? AND region = ?",
                  {account_id, region}, [&](const Row& row) { total = row.integer(0); });
    return total;
}

void insert_version(Session& session, const LaunchTemplateVersion& record) {
    versions().insert(session, record);
}

void erase_version(Session& session, const LaunchTemplateId& id, std::int64_t version) {
    versions().erase(session, "launch_template_id = ? AND version = ?", {id.str(), version});
}

std::optional<LaunchTemplateVersion> find_version(Session& session, const LaunchTemplateId& id,
                                                  std::int64_t version) {
    return versions().one(session, "launch_template_id = ? AND version = ?", {id.str(), version});
}

std::vector<LaunchTemplateVersion> versions_before(Session& session, const LaunchTemplateId& id,
                                                   std::int64_t before, std::int64_t least,
                                                   std::int64_t limit) {
    return versions().all(
        session, "launch_template_id = ? AND version < ? AND version >= ? ORDER BY version DESC LIMIT ?",
        {id.str(), before, least, limit});
}

std::int64_t count_versions(Session& session, const LaunchTemplateId& id) {
    std::int64_t total = 0;
    session.query("SELECT COUNT(*) FROM launch_template_versions WHERE launch_template_id = ?", {id.str()},
                  [&](const Row& row) { total = row.integer(0); });
    return total;
}

}  // namespace lodge::db::launch_templates

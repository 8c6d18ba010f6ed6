#include "api/pipeline/access_keys.h"

#include "db/store/accounts.h"

namespace lodge::api {

Result<std::optional<AccessKey>> AccessKeys::find(db::Database& database, const std::string& id) {
    const auto version = database.version();
    {
        std::lock_guard lock(mutex_);
        if (version != version_) {
            known_.clear();
            version_ = version;
        }
        if (auto found = known_.find(id); found != known_.end()) return found->second;
    }
    auto key = database.read([&](db::Session& session) -> Result<std::optional<AccessKey>> {
        return db::accounts::find_key(session, id);
    });
    if (!key || !*key) return key;
    std::lock_guard lock(mutex_);
    // What was read is at least as new as `version`, and only that is what it may stand for.
    if (version == version_ && known_.size() < most) known_.emplace(id, **key);
    return key;
}

}  // namespace lodge::api

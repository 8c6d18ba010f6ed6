#include "api/pipeline/access_keys.h"

#include "db/store/accounts.h"

namespace lodge::api {

Result<std::optional<AccessKey>> AccessKeys::find(db::Database& database, const std::string& id) {
    const auto version = database.version();
    if (auto known = known_.find(version, id)) return *std::static_pointer_cast<const AccessKey>(known);
    auto key = database.read([&](db::Session& session) -> Result<std::optional<AccessKey>> {
        return db::accounts::find_key(session, id);
    });
    if (key && *key) known_.put(version, id, std::make_shared<const AccessKey>(**key));
    return key;
}

}  // namespace lodge::api

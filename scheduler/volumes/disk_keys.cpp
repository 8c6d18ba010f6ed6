#include "scheduler/volumes/disk_keys.h"

#include "db/store/disk_keys.h"

namespace lodge::volumes {
namespace {

constexpr std::size_t passphrase_digits = 64;  // 256 bits, so that few rounds suffice to derive keys from it

}  // namespace

Result<std::string> make_key(db::Session& session, const KeyRing& ring, const AccountId& account_id,
                             UnixMs now_ms, Random& random) {
    const auto id = random.uuid();
    LODGE_TRY(const auto wrapped, ring.wrap(id, random.hex(passphrase_digits), random));
    db::disk_keys::insert(session, {id, account_id, wrapped, now_ms});
    return id;
}

link::DiskKey key_of(db::Session& session, const KeyRing& ring, const std::string& id) {
    if (id.empty()) return {};
    const auto record = db::disk_keys::find(session, id);
    return {id, record ? ring.unwrap(id, record->wrapped).value_or("") : ""};
}

}  // namespace lodge::volumes

#include "api/pipeline/access_keys.h"

#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::api {
namespace {

class AccessKeysTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(db::migrate(*database));
        write([](db::Session& session) {
            db::accounts::insert(session, {"111111111111", "one", 0});
            db::accounts::insert_key(session, {"AKIAONE0000000000000", "111111111111", "secret", true, 0});
        });
    }

    void write(const std::function<void(db::Session&)>& change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }
    std::optional<AccessKey> find(const std::string& id = "AKIAONE0000000000000") {
        auto found = keys.find(*database, id);
        EXPECT_TRUE(found);
        return found.value_or(std::nullopt);
    }

    TemporaryFolder folder;
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    AccessKeys keys;
};

TEST_F(AccessKeysTest, FindsWhatTheStoreHas) {
    for (int i = 0; i < 2; ++i) {
        auto key = find();
        ASSERT_TRUE(key);
        EXPECT_EQ(key->secret, "secret");
        EXPECT_TRUE(key->active);
        EXPECT_FALSE(find("AKIATWO0000000000000"));
    }
}

TEST_F(AccessKeysTest, ChangesCountAtOnce) {
    ASSERT_TRUE(find());
    write([](db::Session& session) { db::accounts::set_key_active(session, "AKIAONE0000000000000", false); });
    EXPECT_FALSE(find()->active);
    write([](db::Session& session) {
        db::accounts::erase_key(session, "AKIAONE0000000000000");
        db::accounts::insert_key(session, {"AKIATWO0000000000000", "111111111111", "other", true, 0});
    });
    EXPECT_FALSE(find());
    EXPECT_TRUE(find("AKIATWO0000000000000"));
}

}  // namespace
}  // namespace lodge::api

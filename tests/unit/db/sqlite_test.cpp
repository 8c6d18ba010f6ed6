#include "db/driver/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "db/schema/migrate.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::db {
namespace {

class Sqlite : public ::testing::Test {
  protected:
    void SetUp() override {
        auto opened = open_sqlite(folder.path() / "test.db");
        ASSERT_TRUE(opened) << opened.error().message;
        database = std::move(*opened);
        ASSERT_TRUE(database->write([](Session& session) -> Status {
            session.execute("CREATE TABLE numbers (value BIGINT PRIMARY KEY)");
            return {};
        }));
    }

    std::vector<std::int64_t> numbers() {
        return *database->read([](Session& session) -> Result<std::vector<std::int64_t>> {
            std::vector<std::int64_t> all;
            session.query("SELECT value FROM numbers ORDER BY value", {},
                          [&](const Row& row) { all.push_back(row.integer(0)); });
            return all;
        });
    }

    Status insert(std::int64_t value) {
        return database->write([&](Session& session) -> Status {
            session.execute("INSERT INTO numbers (value) VALUES (?)", {value});
            return {};
        });
    }

    TemporaryFolder folder;
    std::unique_ptr<Database> database;
};

TEST_F(Sqlite, WritesAreThereForTheNextRead) {
    ASSERT_TRUE(insert(1));
    EXPECT_EQ(numbers(), std::vector<std::int64_t>{1});
}

TEST_F(Sqlite, TheVersionGrowsWithWhatWasCommittedAndChangedSomething) {
    const auto before = database->version();
    EXPECT_FALSE(database->write([](Session& session) -> Status {
        session.execute("INSERT INTO numbers (value) VALUES (1)");
        return fail(ErrorCode::not_found);
    }));
    EXPECT_TRUE(database->write([](Session&) -> Status { return {}; }));
    EXPECT_EQ(numbers(), std::vector<std::int64_t>());
    const auto unchanged = database->version();
    ASSERT_TRUE(insert(1));
    EXPECT_GT(database->version(), unchanged);
    EXPECT_GE(unchanged, before);
}

TEST_F(Sqlite, AnnouncementsComeAfterTheCommitAndOnlyThen) {
    std::vector<std::string> told;  // on the writer thread, before write() returns
    database->on_announcement([&](const std::string& id) { told.push_back(id); });
    ASSERT_TRUE(database->write([&](Session& session) -> Status {
        session.announce("vpc-1");
        EXPECT_TRUE(told.empty());
        return {};
    }));
    EXPECT_EQ(told, std::vector<std::string>{"vpc-1"});
    EXPECT_FALSE(database->write([](Session& session) -> Status {
        session.announce("vpc-2");
        return fail(ErrorCode::conflict);
    }));
    database->on_announcement(nullptr);
    ASSERT_TRUE(database->write([](Session& session) -> Status {
        session.announce("vpc-3");
        return {};
    }));
    EXPECT_EQ(told, std::vector<std::string>{"vpc-1"});
}

TEST_F(Sqlite, AnErrorRollsBackItsOwnRequestAlone) {
    bool undone = false;
    bool after = false;
    auto refused = database->write([&](Session& session) -> Status {
        session.execute("INSERT INTO numbers (value) VALUES (7)");
        session.on_rollback([&] { undone = true; });
        session.after_commit([&] { after = true; });
        return fail(ErrorCode::invalid_parameter_value, "no");
    });
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_parameter_value);
    EXPECT_TRUE(undone);
    EXPECT_FALSE(after);
    EXPECT_TRUE(numbers().empty());
}

TEST_F(Sqlite, AFailedStatementPoisonsTheRequest) {
    ASSERT_TRUE(insert(1));
    auto failed = database->write([&](Session& session) -> Status {
        session.execute("INSERT INTO numbers (value) VALUES (2)");
        session.execute("INSERT INTO numbers (value) VALUES (1)");  // taken
        session.execute("INSERT INTO numbers (value) VALUES (3)");  // not run
        return {};
    });
    EXPECT_EQ(failed.error().code, ErrorCode::internal_error);
    EXPECT_EQ(numbers(), std::vector<std::int64_t>{1});
    EXPECT_TRUE(insert(4)) << "the next request is well again";
    EXPECT_EQ(database
                  ->read([](Session& session) -> Status {
                      session.query("SELECT nothing FROM nowhere", {}, [](const Row&) {});
                      return {};
                  })
                  .error()
                  .code,
              ErrorCode::internal_error);
}

TEST_F(Sqlite, AFailedStatementIsNeverTheHandlersOwnError) {
    auto failed = database->write([&](Session& session) -> Status {
        bool found = false;
        session.query("SELECT nothing FROM nowhere", {}, [&](const Row&) { found = true; });
        if (!found) return fail(ErrorCode::not_found, "there is none");
        return {};
    });
    EXPECT_EQ(failed.error().code, ErrorCode::internal_error);
}

TEST_F(Sqlite, AChangeThatThrowsFailsAlone) {
    bool undone = false;
    auto thrown = database->write([&](Session& session) -> Status {
        session.execute("INSERT INTO numbers (value) VALUES (7)");
        session.on_rollback([&] { undone = true; });
        throw std::bad_alloc();
    });
    EXPECT_EQ(thrown.error().code, ErrorCode::internal_error);
    EXPECT_TRUE(undone);
    EXPECT_TRUE(numbers().empty());
    EXPECT_TRUE(insert(1));
}

TEST(OpenSqlite, WithoutAWriteAheadLogItIsRefused) {
    auto opened = open_sqlite(":memory:");
    std::filesystem::remove(":memory:");
    std::filesystem::remove(":memory:.lock");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr("write-ahead log"));
}

TEST_F(Sqlite, ManyWritersShareCommitsAndLoseNothing) {
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 16; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 25; ++i) {
                auto value = t * 100 + i;
                auto done = database->write([&](Session& session) -> Status {
                    session.execute("INSERT INTO numbers (value) VALUES (?)", {std::int64_t{value}});
                    if (i % 5 == 0) return fail(ErrorCode::invalid_input, "every fifth");
                    return {};
                });
                if (!done) ++refused;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(refused, 16 * 5);
    auto all = numbers();
    EXPECT_EQ(all.size(), 16U * 20U);
    for (auto value : all) EXPECT_NE(value % 5, 0);
}

TEST_F(Sqlite, ASecondProcessIsRefused) {
    auto second = open_sqlite(folder.path() / "test.db");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::conflict);
    database.reset();
    EXPECT_TRUE(open_sqlite(folder.path() / "test.db"));
}

TEST_F(Sqlite, ABackupIsConsistentAndRefusesToOverwrite) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(insert(i));
    ASSERT_TRUE(database->backup(folder.path() / "copy.db"));
    EXPECT_EQ(database->backup(folder.path() / "copy.db").error().code, ErrorCode::conflict);
    auto unusable = folder.path() / std::string(300, 'x') / "copy.db";
    EXPECT_EQ(database->backup(unusable).error().code, ErrorCode::io_failure);
    database = std::move(*open_sqlite(folder.path() / "copy.db"));
    EXPECT_EQ(numbers().size(), 50U);
}

TEST_F(Sqlite, WhatWasAcknowledgedSurvivesReopening) {
    ASSERT_TRUE(insert(42));
    database.reset();
    database = std::move(*open_sqlite(folder.path() / "test.db"));
    EXPECT_EQ(numbers(), std::vector<std::int64_t>{42});
}

// A column that was added later stands on the line of the one before.
std::string without_blanks(std::string_view sql) {
    std::string out;
    for (char c : sql)
        if (c != ' ' && c != '\n') out += c;
    return out;
}

std::set<std::string> schema_of(Database& database) {
    std::set<std::string> all;
    static_cast<void>(database.read([&](Session& session) -> Status {
        session.query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'schema_version'", {},
                      [&](const Row& row) { all.insert(without_blanks(row.text(0))); });
        return {};
    }));
    return all;
}

TEST(Schema, MigrationsAmountToTheFullSchema) {
    TemporaryFolder folder;
    auto migrated = std::move(*open_sqlite(folder.path() / "migrated.db"));
    ASSERT_TRUE(migrate(*migrated));
    ASSERT_TRUE(migrate(*migrated)) << "twice is once";
    auto full = std::move(*open_sqlite(folder.path() / "full.db"));
    ASSERT_TRUE(full->write([](Session& session) -> Status {
        run_script(session, full_schema());
        return {};
    }));
    EXPECT_EQ(schema_of(*migrated), schema_of(*full));
    EXPECT_GT(schema_of(*full).size(), 10U);
}

// A row with what is said, and blanks and zeros.
void insert_row(Session& session, const std::string& table, const std::map<std::string, std::string>& said) {
    std::string names;
    std::string values;
    session.query("SELECT name, type FROM pragma_table_info(?)", {table}, [&](const Row& row) {
        const std::string name(row.text(0));
        auto found = said.find(name);
        names += (names.empty() ? "" : ", ") + name;
        values += (values.empty() ? "" : ", ");
        values += found != said.end() ? "'" + found->second + "'" : row.text(1) == "BIGINT" ? "0" : "''";
    });
    session.execute("INSERT INTO " + table + " (" + names + ") VALUES (" + values + ")");
}

TEST(Schema, RootDisksOfAnOlderDatabaseBecomeVolumes) {
    TemporaryFolder folder;
    auto database = std::move(*open_sqlite(folder.path() / "older.db"));
    constexpr int with_volumes = 12;
    ASSERT_TRUE(database->write([&](Session& session) -> Status {
        session.execute("CREATE TABLE schema_version (number BIGINT NOT NULL)");
        for (const auto& migration : migrations())
            if (migration.number < with_volumes) run_script(session, migration.sql);
        session.execute("INSERT INTO schema_version (number) VALUES (?)", {std::int64_t{with_volumes - 1}});
        session.execute("PRAGMA defer_foreign_keys = ON");
        insert_row(session, "accounts", {{"id", "a"}});
        insert_row(session, "hosts", {{"id", "h"}});
        insert_row(session, "reservations", {{"id", "r"}, {"account_id", "a"}});
        for (std::string name : {"lives", "gone"}) {
            insert_row(session, "instances",
                       {{"id", "i-" + name},
                        {"account_id", "a"},
                        {"reservation_id", "r"},
                        {"region", "x"},
                        {"zone", "xa"},
                        {"host_id", "h"},
                        {"guest_id", "g-" + name},
                        {"root_volume_id", "vol-" + name},
                        {"root_size_bytes", "5"},
                        {"root_device_name", "/dev/vda"},
                        {"root_attached_ms", "7"}});
            insert_row(session, "guests",
                       {{"id", "g-" + name},
                        {"instance_id", "i-" + name},
                        {"host_id", "h"},
                        {"observed", name == "gone" ? "removed" : "running"}});
            insert_row(session, "tags", {{"account_id", "a"}, {"resource_id", "vol-" + name}, {"key", "k"}});
        }
        return {};
    }));
    ASSERT_TRUE(migrate(*database));
    std::vector<std::string> found;
    static_cast<void>(database->read([&](Session& session) -> Status {
        session.query(
            "SELECT id || ' ' || account_id || ' ' || zone || ' ' || host_id || ' ' || size_bytes || ' ' || "
            "type || ' ' || iops || ' ' || throughput || ' ' || instance_id || ' ' || device || ' ' || "
            "attached_ms || ' ' || attachment_state || ' ' || is_root || made || deleting || "
            "delete_on_termination FROM volumes",
            {}, [&](const Row& row) { found.emplace_back(row.text(0)); });
        session.query("SELECT resource_id FROM tags", {},
                      [&](const Row& row) { found.emplace_back(row.text(0)); });
        return {};
    }));
    EXPECT_THAT(found, ::testing::ElementsAre(
                           "vol-lives a xa h 5 gp3 3000 125 i-lives /dev/vda 7 attached 1101", "vol-lives"));
}

TEST(Schema, ANewerDatabaseIsRefused) {
    TemporaryFolder folder;
    auto database = std::move(*open_sqlite(folder.path() / "newer.db"));
    ASSERT_TRUE(migrate(*database));
    ASSERT_TRUE(database->write([](Session& session) -> Status {
        session.execute("INSERT INTO schema_version (number) VALUES (9999)");
        return {};
    }));
    EXPECT_EQ(migrate(*database).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace lodge::db

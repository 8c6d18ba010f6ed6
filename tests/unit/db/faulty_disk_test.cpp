// The database on a disk that fails, at every single call, and with its log cut at every length.
#include "tests/unit/db/faulty_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::db {
namespace {

namespace fs = std::filesystem;
using Numbers = std::set<std::int64_t>;
using Fault = FaultyDisk::Fault;
constexpr std::int64_t inserts = 12;
constexpr int for_good = 1'000'000;

Status make_table(Database& database) {
    return database.write([](Session& session) -> Status {
        session.execute("PRAGMA wal_autocheckpoint = 6");  // so that checkpoints are in it
        session.execute(
            "CREATE TABLE IF NOT EXISTS numbers (value BIGINT PRIMARY KEY, filler TEXT NOT NULL)");
        return {};
    });
}

// Two pages a row.
Status insert(Database& database, std::int64_t value) {
    const std::string filler(5'000, 'x');
    return database.write([&](Session& session) -> Status {
        session.execute("INSERT INTO numbers (value, filler) VALUES (?, ?)", {value, filler});
        return {};
    });
}

Result<Numbers> numbers_of(Database& database) {
    return database.read([](Session& session) -> Result<Numbers> {
        Numbers all;
        session.query("SELECT value FROM numbers", {}, [&](const Row& row) { all.insert(row.integer(0)); });
        return all;
    });
}

std::string integrity_of(Database& database) {
    std::string said;
    auto looked = database.read([&](Session& session) -> Status {
        session.query("PRAGMA integrity_check", {}, [&](const Row& row) { said += row.text(0); });
        return {};
    });
    return looked ? said : looked.error().message;
}

bool holds_all(const Numbers& numbers, const Numbers& wanted) {
    return std::includes(numbers.begin(), numbers.end(), wanted.begin(), wanted.end());
}

class OnAFaultyDisk : public ::testing::Test {
  protected:
    void SetUp() override {
        level = spdlog::get_level();
        spdlog::set_level(spdlog::level::off);  // thousands of failures
    }
    void TearDown() override { spdlog::set_level(level); }

    // One life of a database in a folder of its own, with failures; what holds during it and after it.
    void live(int first, int count, Fault fault) {
        SCOPED_TRACE("call " + std::to_string(first) + (count == 1 ? "" : " and all later ones"));
        TemporaryFolder folder;
        const fs::path file = folder.path() / "test.db";
        Numbers acknowledged;
        disk.fail_from(first, count, fault);
        if (auto opened = open_sqlite(file)) {
            write_all(**opened, acknowledged);
        } else {
            EXPECT_EQ(opened.error().code, ErrorCode::io_failure);
        }
        disk.heal();
        auto again = open_sqlite(file);
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(integrity_of(**again), "ok");
        ASSERT_TRUE(make_table(**again));
        auto found = numbers_of(**again);
        ASSERT_TRUE(found);
        EXPECT_TRUE(holds_all(*found, acknowledged)) << "what was acknowledged is lost";
        EXPECT_TRUE(insert(**again, 1'000));
    }

    // Tries everything; then the disk heals under the running database.
    void write_all(Database& database, Numbers& acknowledged) {
        const bool has_table = make_table(database).has_value();
        for (std::int64_t value = 1; value <= inserts; ++value) {
            auto done = insert(database, value);
            if (done) acknowledged.insert(value);
            if (!done) {
                EXPECT_EQ(done.error().code, ErrorCode::internal_error);
            }
            if (auto found = numbers_of(database)) {
                EXPECT_EQ(*found, acknowledged);
            }
        }
        disk.heal();
        ASSERT_TRUE(has_table || make_table(database));
        EXPECT_TRUE(insert(database, inserts + 1)) << "it does not recover without a restart";
        acknowledged.insert(inserts + 1);
        auto found = numbers_of(database);
        ASSERT_TRUE(found);
        EXPECT_EQ(*found, acknowledged) << "what was refused has happened";
    }

    int calls_of_a_life() {
        live(-1, 0, Fault::broken);
        return disk.calls();
    }

    FaultyDisk disk;
    spdlog::level::level_enum level = spdlog::level::info;
};

TEST_F(OnAFaultyDisk, EachCallFailingOnceLosesNothing) {
    const int calls = calls_of_a_life();
    ASSERT_GT(calls, 100);
    for (int call = 0; call < calls && !HasFailure(); ++call) live(call, 1, Fault::broken);
}

TEST_F(OnAFaultyDisk, ADiskThatBreaksLosesNothing) {
    const int calls = calls_of_a_life();
    for (int call = 0; call < calls && !HasFailure(); ++call) live(call, for_good, Fault::broken);
}

TEST_F(OnAFaultyDisk, WritesThatFindTheDiskFullLoseNothing) {
    const int calls = calls_of_a_life();
    for (int call = 0; call < calls && !HasFailure(); ++call) live(call, for_good, Fault::full);
}

TEST_F(OnAFaultyDisk, AMigrationThatFailsIsMadeByTheNextStart) {
    auto migrated = [&](int first) {
        TemporaryFolder folder;
        disk.fail_from(first, for_good, Fault::full);
        if (auto opened = open_sqlite(folder.path() / "test.db")) {
            if (auto status = migrate(**opened); !status) {
                EXPECT_FALSE(status.error().message.empty());
            }
        }
        const int calls = disk.calls();
        disk.heal();
        auto again = open_sqlite(folder.path() / "test.db");
        if (!again) ADD_FAILURE() << again.error().message;
        auto status = migrate(**again);
        EXPECT_TRUE(status) << status.error().message;
        EXPECT_EQ(integrity_of(**again), "ok");
        return calls;
    };
    const int calls = migrated(std::numeric_limits<int>::max() - for_good);
    ASSERT_GT(calls, 100);
    for (int call = 0; call < calls && !HasFailure(); call += 1 + calls / 60) migrated(call);
}

// --- A log that was cut: what a power failure leaves of writes that were not synced

class TornLog : public ::testing::Test {
  protected:
    void SetUp() override {
        auto database = std::move(*open_sqlite(source / "test.db"));
        ASSERT_TRUE(database->write([](Session& session) -> Status {
            session.execute("CREATE TABLE numbers (value BIGINT PRIMARY KEY, filler TEXT NOT NULL)");
            return {};
        }));
        for (std::int64_t value = 1; value <= inserts; ++value) {
            ASSERT_TRUE(insert(*database, value));
            synced_at.push_back(fs::file_size(source / "test.db-wal"));
        }
        fs::copy_file(source / "test.db", folder.path() / "base.db");  // as kill -9 would leave it
        log = read(source / "test.db-wal");
    }

    static std::string read(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    // How many rows are there with that log; they are the first ones.
    std::size_t rows_with(const std::string& torn) {
        for (const char* name : {"test.db", "test.db-wal", "test.db-shm"}) fs::remove(folder.path() / name);
        fs::copy_file(folder.path() / "base.db", folder.path() / "test.db");
        std::ofstream(folder.path() / "test.db-wal", std::ios::binary) << torn;
        auto database = open_sqlite(folder.path() / "test.db");
        EXPECT_TRUE(database);
        EXPECT_EQ(integrity_of(**database), "ok");
        auto found = numbers_of(**database);
        if (!found) return 0;  // the table itself was in what is gone
        EXPECT_TRUE(found->empty() || *found->rbegin() == static_cast<std::int64_t>(found->size()));
        return found->size();
    }

    // How many inserts were durable when the log had that length.
    std::size_t promised(std::size_t size) const {
        return static_cast<std::size_t>(
            std::count_if(synced_at.begin(), synced_at.end(), [&](auto synced) { return synced <= size; }));
    }

    TemporaryFolder folder;
    TemporaryFolder source_folder;
    const fs::path source = source_folder.path();
    std::vector<std::uintmax_t> synced_at;
    std::string log;
};

TEST_F(TornLog, CutAnywhereItHoldsAllThatWasDurableThen) {
    ASSERT_EQ(rows_with(log), static_cast<std::size_t>(inserts));
    for (std::size_t size = 0; size < log.size(); size += 487)
        EXPECT_EQ(rows_with(log.substr(0, size)), promised(size));
    for (auto synced : synced_at) {
        EXPECT_EQ(rows_with(log.substr(0, synced)), promised(synced));
        EXPECT_EQ(rows_with(log.substr(0, synced - 1)), promised(synced - 1));
    }
}

TEST_F(TornLog, RubbishAfterTheCutIsNotRead) {
    for (std::size_t size = 1'000; size < log.size(); size += 6'007) {
        std::string torn = log;
        for (std::size_t at = size; at < torn.size(); at += 13) torn[at] = static_cast<char>(torn[at] ^ 0x5a);
        EXPECT_EQ(rows_with(torn), promised(size));
    }
}

}  // namespace
}  // namespace lodge::db

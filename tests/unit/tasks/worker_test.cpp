// Imports and exports by the worker, with the real qemu-img: what comes of them, and of a worker that is
// stopped or killed in the middle.
#include "api/tasks/worker.h"

#include <gmock/gmock.h>

#include <thread>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/export_tasks.h"
#include "db/store/images.h"
#include "db/store/import_tasks.h"
#include "db/store/snapshots.h"
#include "db/store/tags.h"
#include "tests/unit/images/scratch.h"

namespace lodge::api::tasks {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Tasks : public images::Scratch {
  protected:
    void SetUp() override {
        LODGE_NEEDS_QEMU_IMG();
        Scratch::SetUp();
        ASSERT_TRUE(
            run("mkdir images in out && head -c 3000000 /dev/urandom >in/raw && truncate -s 5M in/raw"));
        database_ = std::move(*db::open_sqlite(dir_ / "test.db"));
        ASSERT_TRUE(db::migrate(*database_));
        write_all([&](db::Session& session) { db::accounts::insert(session, {account, "one", 1}); });
    }
    void TearDown() override {
        worker_.reset();
        Scratch::TearDown();
    }

    template <class F>
    void write_all(F change) {
        ASSERT_TRUE(database_->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }

    Tools tools() {
        auto places = images::parse_places({path("in")}, {}, {}, {"out=" + path("out")});
        EXPECT_TRUE(places);
        return {*database_, clock_, random_, dir_ / "images", *places, std::int64_t{1} << 40, program_};
    }
    void start() { worker_ = std::make_unique<Worker>(tools()); }

    ImportTask ask(ImportKind kind, const std::string& file = "raw", const std::string& format = "raw") {
        ImportTask task;
        task.id = make_import_task_id(random_, kind);
        task.account_id = account;
        task.region = "us-east-1";
        task.kind = kind;
        task.architecture = "x86_64";
        task.created_ms = clock_.now_ms();
        ImportDisk disk;
        disk.task_id = task.id;
        disk.device = "/dev/sda1";
        disk.format = format;
        disk.url = "file://" + path("in") + "/" + file;
        task.disks.push_back(disk);
        write_all([&](db::Session& session) { db::import_tasks::insert(session, task); });
        return task;
    }

    ExportTask ask_export(const ImageId& image_id, const std::string& format) {
        ExportTask task;
        task.id = ExportTaskId::make(random_);
        task.account_id = account;
        task.region = "us-east-1";
        task.image_id = image_id;
        task.format = format;
        task.bucket = "out";
        task.prefix = "a/b-";
        task.created_ms = clock_.now_ms();
        write_all([&](db::Session& session) { db::export_tasks::insert(session, task); });
        return task;
    }

    template <class Task>
    Task now(const Task& task) {
        auto found = database_->read([&](db::Session& session) -> Result<Task> {
            if constexpr (std::is_same_v<Task, ImportTask>)
                return *db::import_tasks::find_any(session, task.id.str());
            else
                return *db::export_tasks::find_any(session, task.id.str());
        });
        EXPECT_TRUE(found);
        return *found;
    }

    template <class Task, class F>
    Task wait_for(const Task& task, F condition) {
        for (int i = 0; i < 600 && !condition(now(task).progress); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return now(task);
    }
    template <class Task>
    Task end_of(const Task& task) {
        return wait_for(task, [](const TaskProgress& progress) { return progress.ended_ms > 0; });
    }

    Image image(const ImageId& id) {
        return *database_->read(
            [&](db::Session& session) -> Result<Image> { return *db::images::find_any(session, id.str()); });
    }
    Snapshot snapshot(const SnapshotId& id) {
        return *database_->read([&](db::Session& session) -> Result<Snapshot> {
            return *db::snapshots::find_any(session, id.str());
        });
    }

    const AccountId account = "123456789012";
    SystemClock clock_;
    SeededRandom random_{1};
    std::string program_ = "qemu-img";
    std::unique_ptr<db::Database> database_;
    std::unique_ptr<Worker> worker_;
};

TEST_F(Tasks, AnImportedSnapshotIsALayerOfTheSameBytes) {
    const auto task = ask(ImportKind::snapshot);
    start();
    const auto ended = end_of(task);
    ASSERT_EQ(ended.progress.state, TaskState::completed) << ended.progress.message;
    EXPECT_EQ(ended.progress.per_cent, 100);
    EXPECT_EQ(ended.disks.front().size_bytes, 5 << 20);
    const auto made = snapshot(ended.disks.front().snapshot_id);
    EXPECT_EQ(made.state, SnapshotState::completed);
    EXPECT_EQ(made.volume_size_bytes, 1 << 30);
    EXPECT_TRUE(run("qemu-img compare -f qcow2 -F raw images/" + made.sha256 + " in/raw"));
    EXPECT_EQ(entries("images/incoming"), 0U);
}

TEST_F(Tasks, AnImportedImageIsExportedAsItWas) {
    auto task = ask(ImportKind::image);
    start();
    task = end_of(task);
    ASSERT_EQ(task.progress.state, TaskState::completed) << task.progress.message;
    const auto made = image(task.image_id);
    EXPECT_EQ(made.name, task.id.str());
    EXPECT_EQ(made.state, ImageState::available);
    EXPECT_EQ(made.root_device_name, "/dev/sda1");
    ASSERT_EQ(made.disks.size(), 1U);
    EXPECT_EQ(made.disks.front().shape.type, "gp3");
    for (const auto& [format, ending, qemu] :
         {std::tuple{"RAW", "raw", "raw"}, {"VMDK", "vmdk", "vmdk"}, {"VHD", "vhd", "vpc"}}) {
        const auto out = end_of(ask_export(made.id, format));
        ASSERT_EQ(out.progress.state, TaskState::completed) << out.progress.message;
        const auto file = "out/a/b-" + out.id.str() + "." + ending;
        EXPECT_TRUE(run("qemu-img compare -f " + std::string(qemu) + " -F raw " + file + " in/raw")) << file;
        const bool same = ending != std::string("raw") || run("cmp " + file + " in/raw");
        EXPECT_TRUE(same) << file;
    }
    EXPECT_EQ(entries("out/a"), 3U);
}

TEST_F(Tasks, WhatIsWrongIsTold) {
    ASSERT_TRUE(run("qemu-img create -q -f qcow2 -F raw -b raw in/backed && ln -s ../test.db in/link"));
    const std::tuple<const char*, const char*, const char*> bad[] = {{"backed", "qcow2", "backing file"},
                                                                     {"raw", "qcow2", "not qcow2"},
                                                                     {"link", "raw", "leads out"},
                                                                     {"missing", "raw", "No such file"},
                                                                     {"../test.db", "raw", "roundabout"}};
    start();
    for (const auto& [file, format, why] : bad) {
        const auto ended = end_of(ask(ImportKind::snapshot, file, format));
        EXPECT_EQ(ended.progress.state, TaskState::deleted);
        EXPECT_THAT(ended.progress.message, HasSubstr(why));
        EXPECT_THAT(ended.progress.message, ::testing::ContainsRegex("^(Client|Server)Error: "));
    }
    EXPECT_EQ(entries("images/incoming"), 0U);
    EXPECT_EQ(entries("images"), 1U);
}

TEST_F(Tasks, AStopLetsTheTaskGoOnWithTheNextWorker) {
    program_ = script("slow", "case $1 in convert) sleep 60;; *) exec qemu-img \"$@\";; esac");
    const auto task = ask(ImportKind::snapshot);
    start();
    wait_for(task, [](const TaskProgress& progress) { return progress.message == "converting"; });
    worker_.reset();
    EXPECT_EQ(now(task).progress.state, TaskState::active);
    EXPECT_EQ(now(task).progress.attempts, 0);
    EXPECT_EQ(entries("images/incoming"), 0U);
    program_ = "qemu-img";
    start();
    EXPECT_EQ(end_of(task).progress.state, TaskState::completed);
}

TEST_F(Tasks, WhatKillsLodgedAgainAndAgainIsGivenUp) {
    auto task = ask(ImportKind::snapshot);
    task.progress.attempts = 3;  // each of which ended without a word
    write_all([&](db::Session& session) { db::import_tasks::update(session, task); });
    start();
    const auto ended = end_of(task);
    EXPECT_EQ(ended.progress.state, TaskState::deleted);
    EXPECT_THAT(ended.progress.message, StartsWith("ServerError: "));
}

TEST_F(Tasks, OneThatIsCancelledLeavesNothing) {
    program_ = script("slow", "case $1 in convert) sleep 60;; *) exec qemu-img \"$@\";; esac");
    auto import = ask(ImportKind::image);
    start();
    import = wait_for(import, [](const TaskProgress& progress) { return progress.message == "converting";
});
import.progress.state = TaskState::deleting;
import.progress.message = "Cancelled";
write_all([&](db::Session& session) { db::import_tasks::update(session, import); });
import = end_of(import);
EXPECT_EQ(import.progress.state, TaskState::deleted);
EXPECT_EQ(import.progress.message, "Cancelled");
EXPECT_EQ(entries("images/incoming"), 0U);
EXPECT_EQ(entries("images"), 1U);
}  // namespace

TEST_F(Tasks, AnExportThatWasKilledAndThenCancelledLeavesNothing) {
    auto out = ask_export(*parse_image_id("ami-0123456789abcdef0"), "RAW");
    ASSERT_TRUE(run("mkdir -p out/a && touch out/a/.b-" + out.id.str() + ".raw.part"));
    out.progress.state = TaskState::deleting;
    write_all([&](db::Session& session) { db::export_tasks::update(session, out); });
    start();
    EXPECT_EQ(end_of(out).progress.state, TaskState::deleted);
    EXPECT_EQ(entries("out/a"), 0U);
}

TEST_F(Tasks, AnImageThatIsGoneIsNotExported) {
    start();
    const auto out = end_of(ask_export(*parse_image_id("ami-0123456789abcdef0"), "VHD"));
    EXPECT_EQ(out.progress.state, TaskState::deleted);
    EXPECT_THAT(out.progress.message, HasSubstr("not there any more"));
}

TEST_F(Tasks, TheyAreForgottenInTheEnd) {
    auto task = ask(ImportKind::snapshot);
    task.progress = {TaskState::completed, "", 100, 1, 1};
    write_all([&](db::Session& session) {
        db::import_tasks::update(session, task);
        db::tags::put(session, account, "us-east-1", {task.id.str(), "import-snapshot-task", "a", "b"});
    });
    start();
    auto left = [&] {
        return *database_->read([&](db::Session& session) -> Result<std::size_t> {
            return db::import_tasks::list(session, account, "us-east-1", ImportKind::snapshot, "", 10)
                       .size() +
                   db::tags::of(session, account, task.id.str()).size();
        });
    };
    for (int i = 0; i < 200 && left() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(left(), 0U);
}

}  // namespace lodge::api::tasks
}  // namespace lodge::api::tasks

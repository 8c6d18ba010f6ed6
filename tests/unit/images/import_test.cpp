// From a source to the image folder: what arrives, what is refused, and that refusals leave nothing behind.
#include "api/images/import.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include "api/images/descriptor.h"
#include "proto/base/encoding.h"
#include "tests/unit/images/scratch.h"

namespace lodge::images {
namespace {

using ::testing::HasSubstr;

class Import : public Scratch {
  protected:
    void SetUp() override {
        Scratch::SetUp();
        std::filesystem::create_directory(dir_ / "images");
        options_.probe.program = script("fake-qemu-img",
                                        "size=$(wc -c </proc/self/fd/3); "
                                        "printf '{\"format\":\"raw\",\"virtual-size\":%s}' $size");
        open_folder();
    }

    void open_folder() {
        folder_.reset();
        auto folder = ImageFolder::open(dir_ / "images");
        ASSERT_TRUE(folder) << folder.error().message;
        folder_ = std::make_unique<ImageFolder>(std::move(*folder));
    }

    Result<Content> import(const std::string& source, ContentKind kind = ContentKind::disk) {
        return import_content(*folder_, {kind, source, "raw", "x86_64"}, options_, random_);
    }

    bool disk_content(const std::string& sha256) const {
        return std::filesystem::exists(dir_ / "images" / sha256);
    }

    std::unique_ptr<ImageFolder> folder_;
    ImportOptions options_;
    SeededRandom random_{7};
};

TEST_F(Import, PlacesContentUnderItsHash) {
    std::string bytes(3'000'000, 'x');
    auto content = import(write("disk", bytes));
    ASSERT_TRUE(content) << content.error().message;
    EXPECT_EQ(content->sha256, hex_encode(sha256(bytes)));
    EXPECT_EQ(content->size_bytes, 3'000'000);
    EXPECT_EQ(content->virtual_size_bytes, 3'000'000);
    EXPECT_EQ(content->format, "raw");
    EXPECT_TRUE(content->made);
    EXPECT_EQ(read("images/" + content->sha256), bytes);
    struct stat found {};
    ASSERT_EQ(::stat(path("images/" + content->sha256).c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0644U);
    EXPECT_EQ(found.st_nlink, 1U);
    ASSERT_EQ(::stat(path("images/incoming").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0700U);
    EXPECT_EQ(entries("images/incoming"), 0U);
}

TEST_F(Import, SameContentIsThereOnce) {
    auto first = import(write("disk", "same bytes"));
    auto second = import(write("disk2", "same bytes"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->sha256, second->sha256);
    EXPECT_TRUE(first->made);
    EXPECT_FALSE(second->made);
    EXPECT_EQ(entries("images"), 2U);  // the content and incoming/
}

TEST_F(Import, RefusesToBuildOnDamagedContent) {
    auto first = import(write("disk", "some bytes"));
    ASSERT_TRUE(first);
    write("images/" + first->sha256, "half");
    auto second = import(path("disk"));
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("damaged"));
}

TEST_F(Import, KeepsHoles) {
    ASSERT_TRUE(run("truncate -s 64M sparse && printf x | dd of=sparse bs=1 seek=33554432 conv=notrunc"));
    auto content = import(path("sparse"));
    ASSERT_TRUE(content) << content.error().message;
    EXPECT_EQ(content->size_bytes, 64 << 20);
    struct stat found {};
    ASSERT_EQ(::stat(path("images/" + content->sha256).c_str(), &found), 0);
    EXPECT_LT(found.st_blocks * 512, 4 << 20);
    EXPECT_TRUE(run("cmp sparse images/" + content->sha256));
}

TEST_F(Import, TakesFileAddresses) {
    write("a disk", "bytes");
    auto content = import("file://" + dir_.string() + "/a%20disk");
    ASSERT_TRUE(content) << content.error().message;
    EXPECT_TRUE(import("file://localhost" + dir_.string() + "/a%20disk"));
    EXPECT_FALSE(import("file://elsewhere/a"));
    EXPECT_FALSE(import("file:///%00"));
}

TEST_F(Import, ARefusalLeavesNothing) {
    EXPECT_THAT(import(write("qcow2", "QFI\xfb and so on")).error().message, HasSubstr("is qcow2, not raw"));
    EXPECT_THAT(import(write("empty", "")).error().message, HasSubstr("empty"));
    EXPECT_THAT(import(path("missing")).error().message, HasSubstr("No such file"));
    EXPECT_THAT(import(dir_.string()).error().message, HasSubstr("not a regular file"));
    EXPECT_THAT(import(write("kernel", "text"), ContentKind::kernel).error().message, HasSubstr("kernel"));
    ASSERT_TRUE(run("mkfifo pipe"));
    EXPECT_THAT(import(path("pipe")).error().message, HasSubstr("not a regular file"));
    EXPECT_EQ(entries("images"), 1U);
    EXPECT_EQ(entries("images/incoming"), 0U);
}

TEST_F(Import, AnInterruptionLeavesNothing) {
    options_.cancelled = [] { return true; };
    EXPECT_EQ(import(write("disk", "bytes")).error().message, "interrupted");
    EXPECT_EQ(entries("images/incoming"), 0U);
}

TEST_F(Import, TellsOfProgress) {
    std::int64_t last = 0;
    options_.progress = [&](std::int64_t done, std::int64_t total) {
        EXPECT_GT(done, last);
        EXPECT_EQ(total, 3'000'000);
        last = done;
    };
    ASSERT_TRUE(import(write("disk", std::string(3'000'000, 'x'))));
    EXPECT_EQ(last, 3'000'000);
}

TEST_F(Import, SweepsWhatKilledImportersLeft) {
    std::string orphan = "images/incoming/0123456789abcdef0123456789abcdef";
    write(orphan, "left");
    write("images/incoming/NOTES", "somebody's");
    auto other = ImageFolder::open(dir_ / "images");  // not alone: the orphan may be another's
    ASSERT_TRUE(other);
    EXPECT_TRUE(std::filesystem::exists(path(orphan)));
    other = fail(ErrorCode::io_failure, "closed");
    open_folder();
    EXPECT_FALSE(std::filesystem::exists(path(orphan)));
    EXPECT_TRUE(std::filesystem::exists(path("images/incoming/NOTES")));
}

TEST_F(Import, RemovesOnlyWhatNobodyUses) {
    auto content = import(write("disk", "bytes"));
    ASSERT_TRUE(content);
    EXPECT_FALSE(folder_->remove_unless(content->sha256, [] { return true; }));
    EXPECT_TRUE(disk_content(content->sha256));
    {
        auto other = ImageFolder::open(dir_ / "images");
        ASSERT_TRUE(other);
        EXPECT_FALSE(folder_->remove_unless(content->sha256, [] { return false; }));
        EXPECT_TRUE(disk_content(content->sha256));
    }
    EXPECT_TRUE(folder_->remove_unless(content->sha256, [] { return false; }));
    EXPECT_FALSE(disk_content(content->sha256));
}

TEST_F(Import, TheSweepTakesOldUnusedContentWhileNobodyImports) {
    auto content = import(write("disk", "bytes"));
    ASSERT_TRUE(content);
    write("images/NOTES", "somebody's");
    auto sweep = [&](std::chrono::seconds spare, bool used) {
        return remove_unused_content(dir_ / "images", spare, [&](const std::string& sha256) {
            EXPECT_EQ(sha256, content->sha256);
            return used;
        });
    };
    using std::chrono::seconds;
    EXPECT_EQ(sweep(seconds(-1), false), 0U) << "an importer is at work";
    folder_.reset();
    EXPECT_EQ(sweep(seconds(-1), true), 0U) << "it is used";
    EXPECT_EQ(sweep(seconds(600), false), 0U) << "it is young";
    EXPECT_TRUE(disk_content(content->sha256));
    EXPECT_EQ(sweep(seconds(-1), false), 1U);
    EXPECT_FALSE(disk_content(content->sha256));
    EXPECT_EQ(entries("images"), 2U);
}

TEST(ImageFolder, SaysWhatIsMissing) {
    auto folder = ImageFolder::open("/nonexistent/images");
    ASSERT_FALSE(folder);
    EXPECT_THAT(folder.error().message, HasSubstr("/nonexistent/images: No such file"));
}

}  // namespace
}  // namespace lodge::images

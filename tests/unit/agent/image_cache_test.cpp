#include "agent/storage/image_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "proto/base/encoding.h"
#include "tests/unit/agent/file_bytes.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

link::Content content_of(const std::string& bytes) {
    return {hex_encode(sha256(bytes)), "raw", static_cast<std::int64_t>(bytes.size())};
}

class ImageCacheTest : public ::testing::Test {
  protected:
    FetchImage fetcher() {
        return [this](const link::Content&, const fs::path& into) -> Status {
            ++fetches_;
            std::this_thread::sleep_for(std::chrono::milliseconds(fetch_ms_));
            spill(into, served_);
            if (fetch_fails_) return fail(ErrorCode::service_unavailable, "the control plane is away");
            return {};
        };
    }
    bool only_finished_files() const {
        for (const auto& each : fs::directory_iterator(dir_.path()))
            if (each.path().filename().string().starts_with(".tmp-")) return false;
        return true;
    }

    TemporaryFolder dir_;
    const std::string bytes_ = "an image's bytes";
    const link::Content content_ = content_of(bytes_);
    std::string served_ = bytes_;
    std::atomic<int> fetches_ = 0;
    int fetch_ms_ = 0;
    bool fetch_fails_ = false;
    ImageCache cache_{dir_.path(), fetcher()};
};

TEST_F(ImageCacheTest, DoesNotBeginWhatHasNoRoom) {
    auto huge = content_;
    huge.size_bytes = std::int64_t{1} << 60;
    const auto path = cache_.ensure(huge);
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ErrorCode::io_failure);
    EXPECT_NE(path.error().message.find("are free in"), std::string::npos) << path.error().message;
    EXPECT_EQ(fetches_, 0);
}

TEST_F(ImageCacheTest, FetchesOnceAndIsReadableByOthers) {
    EXPECT_FALSE(cache_.has(content_));
    const auto path = cache_.ensure(content_);
    ASSERT_TRUE(path) << path.error().message;
    EXPECT_EQ(*path, (dir_.path() / content_.sha256).string());
    EXPECT_EQ(slurp(*path), bytes_);
    EXPECT_TRUE(cache_.has(content_));
    struct stat info {};
    ASSERT_EQ(stat(path->c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0644U);
    EXPECT_EQ(cache_.ensure(content_).value_or(""), *path);
    EXPECT_EQ(fetches_, 1);
}

TEST_F(ImageCacheTest, AnotherProcessTrustsWhatWasVerified) {
    ASSERT_TRUE(cache_.ensure(content_));
    EXPECT_TRUE(ImageCache(dir_.path(), fetcher()).ensure(content_));
    EXPECT_EQ(fetches_, 1);
}

TEST_F(ImageCacheTest, ThreadsThatWantTheSameFetchItOnce) {
    fetch_ms_ = 50;
    std::vector<std::thread> threads;
    std::atomic<int> good = 0;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] { good += cache_.ensure(content_).has_value() ? 1 : 0; });
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(good, 8);
    EXPECT_EQ(fetches_, 1);
}

TEST_F(ImageCacheTest, TruncatedDownloadIsAnErrorThatSaysSo) {
    served_ = bytes_.substr(0, 5);
    const auto path = cache_.ensure(content_);
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().message.find("has 5 bytes instead of 16"), std::string::npos)
        << path.error().message;
    EXPECT_FALSE(fs::exists(dir_.path() / content_.sha256));
    EXPECT_TRUE(only_finished_files());
    served_ = bytes_;
    EXPECT_TRUE(cache_.ensure(content_));
}

TEST_F(ImageCacheTest, OtherBytesOfTheSameLengthAreAnError) {
    served_ = "AN image's bytes";
    const auto path = cache_.ensure(content_);
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().message.find("corrupt"), std::string::npos) << path.error().message;
    EXPECT_TRUE(only_finished_files());
}

TEST_F(ImageCacheTest, FailedFetchKeepsItsReason) {
    fetch_fails_ = true;
    const auto path = cache_.ensure(content_);
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ErrorCode::service_unavailable);
    EXPECT_TRUE(only_finished_files());
}

TEST_F(ImageCacheTest, TruncatedCopyIsFetchedAgain) {
    const auto path = cache_.ensure(content_);
    fs::resize_file(*path, 3);
    ASSERT_TRUE(cache_.ensure(content_));
    EXPECT_EQ(slurp(*path), bytes_);
    EXPECT_EQ(fetches_, 2);
}

TEST_F(ImageCacheTest, CopyThatWasWrittenToIsFetchedAgain) {
    const auto path = cache_.ensure(content_);
    spill(*path, "an image's bytez");
    ASSERT_TRUE(cache_.ensure(content_));
    EXPECT_EQ(slurp(*path), bytes_);
    EXPECT_EQ(fetches_, 2);
}

TEST_F(ImageCacheTest, TouchedCopyIsHashedAndKept) {
    const auto path = cache_.ensure(content_);
    fs::last_write_time(*path, fs::file_time_type::clock::now() + std::chrono::hours(1));
    EXPECT_TRUE(cache_.ensure(content_));
    EXPECT_EQ(fetches_, 1);
}

// libvirt gives a kernel to QEMU's user while it starts.
TEST_F(ImageCacheTest, ChangedModeOrOwnerMeansNothing) {
    const auto path = cache_.ensure(content_);
    ASSERT_EQ(chmod(path->c_str(), 0600), 0);
    served_ = "would be refused";
    EXPECT_TRUE(cache_.ensure(content_));
    EXPECT_EQ(fetches_, 1);
}

TEST_F(ImageCacheTest, HashThatIsNoHashIsRefused) {
    for (const std::string& sha256 : {std::string(), std::string("../../etc/passwd"), std::string(64, 'G'),
                                      std::string(63, 'a'), std::string(64, '/')}) {
        const auto path = cache_.ensure({sha256, "raw", 1});
        ASSERT_FALSE(path);
        EXPECT_EQ(path.error().code, ErrorCode::invalid_input);
    }
    EXPECT_EQ(fetches_, 0);
}

}  // namespace
}  // namespace lodge::agent

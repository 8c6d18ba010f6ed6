#include "scheduler/volumes/key_ring.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/temporary_folder.h"

namespace lodge::volumes {
namespace {

class KeyRingFile : public ::testing::Test {
  protected:
    Result<KeyRing> read(bool may_make = false) { return KeyRing::read(file_, may_make, random_); }
    void write(const std::string& text, mode_t mode = 0600) {
        std::ofstream(file_) << text;
        ASSERT_EQ(chmod(file_.c_str(), mode), 0);
    }

    TemporaryFolder folder_;
    const std::filesystem::path file_ = folder_.path() / "master.key";
    SeededRandom random_{1};
};

TEST_F(KeyRingFile, IsMadeOnceAndOnlyIfItMay) {
    const auto missing = read();
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    const auto made = read(true);
    ASSERT_TRUE(made) << made.error().message;
    struct stat info {};
    ASSERT_EQ(stat(file_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    const auto wrapped = made->wrap("id", "passphrase", random_);
    ASSERT_TRUE(wrapped);
    for (const bool may_make : {false, true}) {
        const auto again = read(may_make);
        ASSERT_TRUE(again);
        EXPECT_EQ(again->unwrap("id", *wrapped), "passphrase");
    }
}

TEST_F(KeyRingFile, OfAnotherFormOrOpenToAllIsRefused) {
    for (const std::string& text : {std::string(), std::string("password"), std::string(63, 'a'),
                                    std::string(66, 'a'), std::string(64, 'x')}) {
        write(text);
        EXPECT_EQ(read(true).error().code, ErrorCode::invalid_input) << text;
    }
    write(std::string(64, 'a') + "\n", 0644);
    EXPECT_NE(read().error().message.find("open to everybody"), std::string::npos);
    write(std::string(64, 'a'), 0640);
    EXPECT_TRUE(read()) << "whose group may be the operators'";
}

TEST_F(KeyRingFile, OpensOnlyWhatItWrapped) {
    const KeyRing one(std::string(32, '1'));
    const KeyRing two(std::string(32, '2'));
    const auto wrapped = one.wrap("id", "passphrase", random_);
    ASSERT_TRUE(wrapped);
    EXPECT_EQ(one.unwrap("id", *wrapped), "passphrase");
    EXPECT_FALSE(one.unwrap("another", *wrapped)) << "keys in the database cannot be swapped";
    EXPECT_FALSE(two.unwrap("id", *wrapped));
    EXPECT_FALSE(KeyRing().unwrap("id", *wrapped));
    EXPECT_FALSE(one.unwrap("id", "no base64"));
    EXPECT_EQ(KeyRing().wrap("id", "passphrase", random_).error().code, ErrorCode::service_unavailable);
}

}  // namespace
}  // namespace lodge::volumes

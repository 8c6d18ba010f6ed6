#include "agent/storage/null_storage.h"

#include <gtest/gtest.h>

namespace lodge::agent {
namespace {

const VolumeId volume = *VolumeId::parse("vol-0a1b2c3d4e5f60718");
const InstanceId instance = *InstanceId::parse("i-0123456789abcdef0");

TEST(NullStorage, KeepsPromisesAboutRoots) {
    NullStorage storage(1000);
    EXPECT_EQ(storage.ensure_disk({volume, 1, {}, true}).error().code, ErrorCode::not_found);
    EXPECT_TRUE(storage.ensure_disk({volume, 1, {}, false}));
    EXPECT_TRUE(storage.ensure_disk({volume, 1, {}, true}));
    EXPECT_EQ(storage.disk_count(), 1U);
    EXPECT_TRUE(storage.remove_disk(volume));
    EXPECT_TRUE(storage.remove_disk(volume));
    EXPECT_FALSE(storage.has_disk(volume));
}

TEST(NullStorage, ImageCanBeMadeToFailOnce) {
    NullStorage storage(1000);
    storage.fail_next_image("no space");
    const link::Content image{"aaaa", "qcow2", 1};
    EXPECT_TRUE(storage.ensure_disk({VolumeId::trusted("vol-00000000000000002"), 1, {}, false}))
        << "it has none";
    const auto path = storage.ensure_disk({volume, 1, image, false});
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().message, "no space");
    EXPECT_TRUE(storage.ensure_disk({volume, 1, image, false}));
}

TEST(NullStorage, ConsoleIsTheHypervisors) {
    std::string text = "0123456789";
    NullStorage storage(
        1000, [&](const InstanceId&) { return text; }, [&](const InstanceId&) { text.clear(); });
    EXPECT_EQ(storage.console_tail(instance, 4), "6789");
    EXPECT_TRUE(storage.remove_console(instance));
    EXPECT_EQ(storage.console_tail(instance, 4), "");
    EXPECT_EQ(NullStorage(1).console_tail(instance, 4), "");
}

}  // namespace
}  // namespace lodge::agent

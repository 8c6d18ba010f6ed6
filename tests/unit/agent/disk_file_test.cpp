#include "agent/domain/disk_file.h"

#include <gtest/gtest.h>

namespace lodge::agent {
namespace {

const VolumeId volume = *VolumeId::parse("vol-0a1b2c3d4e5f60718");

TEST(DiskFile, NamesAreReadBack) {
    EXPECT_EQ(disk_file_name(volume, 0), "vol-0a1b2c3d4e5f60718.qcow2");
    EXPECT_EQ(disk_file_name(volume, 12), "vol-0a1b2c3d4e5f60718.12.qcow2");
    for (const std::int64_t number : {0, 1, 12, 100'000}) {
        const auto read = parse_disk_file("/var/lib/lodge/agent/disks/" + disk_file_name(volume, number));
        ASSERT_TRUE(read);
        EXPECT_EQ(read->volume_id, volume);
        EXPECT_EQ(read->number, number);
    }
}

TEST(DiskFile, MarksAreReadBackAndNoFiles) {
    const std::string name = flat_mark_name(volume, 12);
    EXPECT_EQ(name, "vol-0a1b2c3d4e5f60718.12.flat");
    EXPECT_EQ(parse_flat_mark("/d/" + name)->number, 12);
    EXPECT_FALSE(parse_disk_file(name));
    EXPECT_FALSE(parse_flat_mark(disk_file_name(volume, 12)));
}

TEST(DiskFile, OtherNamesAreNone) {
    const std::string id = volume.str();
    for (const std::string& name :
         {std::string(), std::string(".qcow2"), id, id + ".", id + ".raw", id + ".0.qcow2", id + ".01.qcow2",
          id + ".-1.qcow2", id + ".1.2.qcow2", id + ".1x.qcow2", id + "..qcow2",
          id + ".99999999999999999999.qcow2", "x" + id + ".qcow2", ".tmp-" + id + ".qcow2"})
        EXPECT_FALSE(parse_disk_file(name)) << name;
}

}  // namespace
}  // namespace lodge::agent

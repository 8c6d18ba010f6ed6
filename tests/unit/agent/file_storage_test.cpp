#include "agent/storage/file_storage.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "agent/storage/disk_header.h"
#include "agent/storage/process.h"
#include "proto/base/encoding.h"
#include "tests/unit/agent/file_bytes.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t mib = 1024 * 1024;
const VolumeId volume = *VolumeId::parse("vol-0a1b2c3d4e5f60718");
const InstanceId instance = *InstanceId::parse("i-0123456789abcdef0");

bool have_qemu_img() {
    return run_program({"qemu-img", "--version"}, 10'000).has_value();
}

unsigned mode_of(const fs::path& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

class FileStorageTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!have_qemu_img()) GTEST_SKIP() << "qemu-img is not installed";
        const fs::path source = outside_.path() / "source.qcow2";
        ASSERT_TRUE(run_program({"qemu-img", "create", "-q", "-f", "qcow2", source.string(), "64M"}, 10'000));
        image_bytes_ = slurp(source);
        image_ = describe(image_bytes_, "qcow2");
        storage_ = open();
    }
    static link::Content describe(const std::string& bytes, const std::string& format) {
        return {hex_encode(sha256(bytes)), format, static_cast<std::int64_t>(bytes.size())};
    }
    std::unique_ptr<FileStorage> open() {
        const auto fetch = [this](const link::Content&, const fs::path& into) -> Status {
            spill(into, image_bytes_);
            return {};
        };
        auto storage = FileStorage::open(root_, fetch, uefi_);
        EXPECT_TRUE(storage) << storage.error().message;
        return storage ? std::move(*storage) : nullptr;
    }
    Result<std::string> ensure(const WantedDisk& disk) {
        return storage_->ensure_disk(disk).map([](const DiskChain& chain) { return chain.path; });
    }
    WantedDisk disk(std::int64_t size_bytes = 256 * mib, bool must_exist = false) const {
        return {volume, size_bytes, image_, must_exist};
    }

    TemporaryFolder dir_;
    TemporaryFolder outside_;
    const fs::path root_ = dir_.path() / "agent";
    const UefiFiles uefi_ = {outside_.path() / "code.fd", outside_.path() / "variables.fd"};
    std::string image_bytes_;
    link::Content image_;
    std::unique_ptr<FileStorage> storage_;
};

TEST_F(FileStorageTest, FoldersLetQemuPassAndNobodyList) {
    EXPECT_EQ(mode_of(root_), 0711U);
    EXPECT_EQ(mode_of(root_ / "images"), 0711U);
    EXPECT_EQ(mode_of(root_ / "disks"), 0711U);
    EXPECT_EQ(mode_of(root_ / "consoles"), 0700U);
}

TEST_F(FileStorageTest, RootIsAnOverlayOfTheAskedSize) {
    const auto path = ensure(disk());
    ASSERT_TRUE(path) << path.error().message;
    EXPECT_EQ(*path, (root_ / "disks" / "vol-0a1b2c3d4e5f60718.qcow2").string());
    EXPECT_EQ(mode_of(*path), 0600U);
    const auto header = read_disk_header(*path, "qcow2");
    ASSERT_TRUE(header);
    EXPECT_EQ(header->virtual_size_bytes, 256 * mib);
    EXPECT_EQ(header->backing_file, "") << "what is under it, the domain says";
    EXPECT_TRUE(run_program({"qemu-img", "check", "-q", *path}, 10'000));
}

TEST_F(FileStorageTest, RootThatIsThereIsKept) {
    const auto path = ensure(disk());
    ASSERT_TRUE(path);
    const std::string before = slurp(*path);
    EXPECT_EQ(ensure(disk()).value_or(""), *path);
    EXPECT_EQ(ensure(disk(128 * mib, true)).value_or(""), *path) << "it never shrinks";
    auto larger = disk(512 * mib, true);
    larger.grow = false;
    EXPECT_EQ(ensure(larger).value_or(""), *path);
    EXPECT_EQ(slurp(*path), before);
}

// Nothing but the overlay itself is looked at: the image may be anything by now.
TEST_F(FileStorageTest, RootGrowsWithoutItsImageBeingOpened) {
    constexpr std::size_t cluster_bits_at = 23;
    image_bytes_[cluster_bits_at] = 99;  // no program of QEMU's opens that
    image_ = describe(image_bytes_, "qcow2");
    const auto path = ensure(disk());
    ASSERT_TRUE(path) << path.error().message;
    ASSERT_FALSE(run_program({"qemu-img", "info", (root_ / "images" / image_.sha256).string()}, 10'000));
    const auto grown = ensure(disk(512 * mib, true));
    ASSERT_TRUE(grown) << grown.error().message;
    EXPECT_EQ(read_disk_header(*path, "qcow2")->virtual_size_bytes, 512 * mib);
}

TEST_F(FileStorageTest, ADiskWithoutAnImageIsEmpty) {
    const WantedDisk empty{volume, 3 * mib, {}, false};
    const auto path = ensure(empty);
    ASSERT_TRUE(path) << path.error().message;
    EXPECT_EQ(mode_of(*path), 0600U);
    EXPECT_EQ(read_disk_header(*path, "qcow2")->virtual_size_bytes, 3 * mib);
    EXPECT_EQ(read_disk_header(*path, "qcow2")->backing_file, "");
    EXPECT_TRUE(fs::is_empty(root_ / "images"));
    ASSERT_TRUE(ensure({volume, 4 * mib, {}, true}));
    EXPECT_EQ(read_disk_header(*path, "qcow2")->virtual_size_bytes, 4 * mib);
}

TEST_F(FileStorageTest, LostRootIsNeverMadeAnew) {
    const auto path = ensure(disk(256 * mib, true));
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ErrorCode::not_found);
    EXPECT_NE(path.error().message.find("vol-0a1b2c3d4e5f60718"), std::string::npos);
    EXPECT_TRUE(fs::is_empty(root_ / "disks"));
}

TEST_F(FileStorageTest, RootSmallerThanItsImageIsRefused) {
    const auto path = ensure(disk(32 * mib));
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ErrorCode::invalid_input);
    EXPECT_TRUE(fs::is_empty(root_ / "disks"));
}

// As older agents left them. The name goes when no machine has the disk.
TEST_F(FileStorageTest, ADiskThatNamesItsImageIsUsedOnThatAlone) {
    const auto path = ensure(disk());
    ASSERT_TRUE(path);
    const auto name_base = [&](const std::string& base) {
        ASSERT_TRUE(run_program(
            {"qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", base, *path}, 10'000));
    };
    name_base((root_ / "images" / "another").string());
    EXPECT_EQ(ensure(disk()).error().code, ErrorCode::conflict);
    const std::string own = (root_ / "images" / image_.sha256).string();
    name_base(own);
    auto as_it_is = disk();
    as_it_is.grow = false;
    EXPECT_TRUE(ensure(as_it_is));
    EXPECT_EQ(read_disk_header(*path, "qcow2")->backing_file, own);
    EXPECT_EQ(storage_->read_layer(volume, 0, 0).error().code, ErrorCode::service_unavailable);
    // Its name goes even when it is cut first.
    auto cut = disk();
    cut.cuts = 1;
    cut.layers = {{"", "qcow2", 0}};
    EXPECT_TRUE(ensure(cut));
    EXPECT_EQ(read_disk_header(*path, "qcow2")->backing_file, "");
    EXPECT_TRUE(storage_->read_layer(volume, 0, 1));
}

TEST_F(FileStorageTest, ImageWithABackingFileIsRefused) {
    const fs::path child = outside_.path() / "child.qcow2";
    ASSERT_TRUE(run_program({"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b",
                             "/etc/passwd", child.string(), "64M"},
                            10'000));
    image_bytes_ = slurp(child);
    image_ = describe(image_bytes_, "qcow2");
    const auto path = ensure(disk());
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, ErrorCode::invalid_input);
}

TEST_F(FileStorageTest, DeclaredFormatIsTheOneUsed) {
    image_bytes_ = std::string(mib, 'x');
    image_ = describe(image_bytes_, "qcow2");
    EXPECT_FALSE(ensure(disk()));
    image_.format = "vmdk";
    EXPECT_FALSE(ensure(disk()));
    image_.format = "raw";
    EXPECT_TRUE(ensure(disk()));
}

TEST_F(FileStorageTest, RemovingIsIdempotent) {
    const auto path = ensure(disk());
    EXPECT_TRUE(storage_->remove_disk(volume));
    EXPECT_FALSE(fs::exists(*path));
    EXPECT_TRUE(storage_->remove_disk(volume));
}

TEST_F(FileStorageTest, ListsVolumesAndNothingElse) {
    ASSERT_TRUE(ensure(disk()));
    for (const std::string& name : {std::string("vol-nonsense.qcow2"), std::string("notes.txt"),
                                    volume.str() + ".bak", ".tmp-" + volume.str() + ".qcow2"})
        spill(root_ / "disks" / name, "x");
    EXPECT_EQ(storage_->list_disks().value_or(std::vector<VolumeId>()), std::vector{volume});
}

TEST_F(FileStorageTest, CrashLeavesNothingHalfMade) {
    storage_.reset();
    spill(root_ / "disks" / ".tmp-vol-0a1b2c3d4e5f60718", "half an overlay");
    spill(root_ / "images" / (".tmp-" + image_.sha256), "half an image");
    spill(root_ / "disks" / ".tmp-vol-0a1b2c3d4e5f60718.fd", "half of the variables");
    storage_ = open();
    EXPECT_TRUE(fs::is_empty(root_ / "disks"));
    EXPECT_TRUE(fs::is_empty(root_ / "images"));
    EXPECT_TRUE(ensure(disk()));
}

TEST_F(FileStorageTest, VariablesBeginAsTheTemplateAndAreKept) {
    spill(uefi_.code, "code");
    spill(uefi_.variables, "template");
    const auto firmware = storage_->ensure_firmware(volume);
    ASSERT_TRUE(firmware) << firmware.error().message;
    EXPECT_EQ(firmware->code_path, uefi_.code);
    EXPECT_EQ(firmware->variables_path, (root_ / "disks" / "vol-0a1b2c3d4e5f60718.fd").string());
    EXPECT_EQ(slurp(firmware->variables_path), "template");
    EXPECT_EQ(mode_of(firmware->variables_path), 0600U);
    spill(firmware->variables_path, "written by a guest");
    storage_ = nullptr;
    storage_ = open();
    EXPECT_TRUE(storage_->ensure_firmware(volume));
    EXPECT_EQ(slurp(firmware->variables_path), "written by a guest");
}

TEST_F(FileStorageTest, VariablesGoWithTheirDiskOrBeforeIt) {
    spill(uefi_.code, "code");
    spill(uefi_.variables, "template");
    const auto other = *VolumeId::parse("vol-0a1b2c3d4e5f60719");
    ASSERT_TRUE(ensure(disk()));
    for (const auto& id : {volume, other}) ASSERT_TRUE(storage_->ensure_firmware(id));
    EXPECT_TRUE(storage_->remove_disk(volume));
    EXPECT_FALSE(fs::exists(root_ / "disks" / "vol-0a1b2c3d4e5f60718.fd"));
    EXPECT_TRUE(fs::exists(root_ / "disks" / "vol-0a1b2c3d4e5f60719.fd")) << "another's";
    EXPECT_TRUE(storage_->remove_variables(other));
    EXPECT_TRUE(storage_->remove_variables(other));
    EXPECT_TRUE(fs::is_empty(root_ / "disks"));
}

TEST_F(FileStorageTest, NoFirmwareIsSaidByTheNameOfItsFile) {
    for (const fs::path& missing : {uefi_.code, uefi_.variables}) {
        const auto firmware = storage_->ensure_firmware(volume);
        ASSERT_FALSE(firmware);
        EXPECT_EQ(firmware.error().code, ErrorCode::not_found);
        EXPECT_NE(firmware.error().message.find(missing.string()), std::string::npos)
            << firmware.error().message;
        EXPECT_TRUE(fs::is_empty(root_ / "disks"));
        spill(missing, "here");
    }
    EXPECT_TRUE(storage_->ensure_firmware(volume));
}

TEST_F(FileStorageTest, FailingQemuImgSaysWhyAndLeavesNothing) {
    // Makes the temporary file's name unusable.
    fs::create_directory(root_ / "disks" / ".tmp-vol-0a1b2c3d4e5f60718.qcow2");
    const auto path = ensure(disk());
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().message.find("qemu-img"), std::string::npos) << path.error().message;
    EXPECT_FALSE(fs::exists(root_ / "disks" / "vol-0a1b2c3d4e5f60718.qcow2"));
}

TEST_F(FileStorageTest, OneProcessAFolder) {
    const auto second = FileStorage::open(root_, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::conflict);
}

TEST_F(FileStorageTest, IdsThatAreNoIdsAreRefused) {
    const auto evil = VolumeId::trusted("../../../tmp/evil");
    EXPECT_FALSE(ensure({evil, 256 * mib, image_, false}));
    EXPECT_FALSE(storage_->remove_disk(evil));
    EXPECT_FALSE(storage_->ensure_firmware(evil));
    EXPECT_FALSE(storage_->remove_variables(evil));
    EXPECT_FALSE(storage_->console_tail(InstanceId::trusted("../lock"), 10));
    EXPECT_FALSE(storage_->remove_console(InstanceId::trusted("../lock")));
}

TEST_F(FileStorageTest, ConsoleIsTheLastBytesAcrossRotation) {
    EXPECT_EQ(storage_->console_tail(instance, 100), "");
    const std::string path = storage_->console_path(instance);
    spill(path, "young");
    EXPECT_EQ(storage_->console_tail(instance, 100), "young");
    spill(path + ".0", "older,");
    spill(path + ".1", "oldest,");
    EXPECT_EQ(storage_->console_tail(instance, 100), "older,young");
    EXPECT_EQ(storage_->console_tail(instance, 7), "r,young");
    EXPECT_EQ(storage_->console_tail(instance, 3), "ung");
}

TEST_F(FileStorageTest, ConsoleGoesWithAllThatWasRotated) {
    const std::string path = storage_->console_path(instance);
    const std::string neighbour = storage_->console_path(*InstanceId::parse("i-0123456789abcdef1"));
    for (const std::string& each : {path, path + ".0", path + ".11", neighbour}) spill(each, "x");
    EXPECT_TRUE(storage_->remove_console(instance));
    EXPECT_TRUE(storage_->remove_console(instance));
    EXPECT_FALSE(fs::exists(path));
    EXPECT_FALSE(fs::exists(path + ".0"));
    EXPECT_FALSE(fs::exists(path + ".11"));
    EXPECT_TRUE(fs::exists(neighbour));
}

TEST_F(FileStorageTest, KnowsTheSpaceLeft) {
    const auto space = storage_->disk_space();
    ASSERT_TRUE(space);
    EXPECT_GT(space->total_mib, 0);
    EXPECT_LE(space->free_mib, space->total_mib);
}

TEST_F(FileStorageTest, InstanceStoreDisksAreTheirGuestsAlone) {
    const GuestId one = *GuestId::parse("g-00000000000000001");
    const GuestId two = *GuestId::parse("g-00000000000000002");
    const auto first = storage_->ensure_store_disk(one, 0, 75'000'000'000);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(read_disk_header(*first, "qcow2")->virtual_size_bytes, 75'000'000'000);
    EXPECT_EQ(mode_of(*first), 0600U);
    ASSERT_TRUE(run_program({"qemu-io", "-f", "qcow2", "-c", "write -P 1 0 64k", *first}, 10'000));
    const std::string written = slurp(*first);
    EXPECT_EQ(storage_->ensure_store_disk(one, 0, 75'000'000'000).value_or(""), *first);
    EXPECT_EQ(slurp(*first), written) << "a machine may have it by now";
    EXPECT_NE(storage_->ensure_store_disk(one, 1, mib).value_or(*first), *first);
    EXPECT_NE(storage_->ensure_store_disk(two, 0, mib).value_or(*first), *first);
    EXPECT_EQ(storage_->list_store_disks().value_or(std::vector<GuestId>()), (std::vector{one, two}));
    ASSERT_TRUE(storage_->remove_store_disks(one));
    ASSERT_TRUE(storage_->remove_store_disks(one)) << "repeated";
    EXPECT_EQ(storage_->list_store_disks().value_or(std::vector<GuestId>()), std::vector{two});
    EXPECT_FALSE(fs::exists(*first));
    EXPECT_FALSE(storage_->ensure_store_disk(GuestId::trusted("../g"), 0, mib));
    spill(root_ / "instance-store" / "somebody's", "x");
    EXPECT_EQ(storage_->list_store_disks().value_or(std::vector<GuestId>()), std::vector{two});
}

}  // namespace
}  // namespace lodge::agent

// A disk whose snapshots left it new files, in FileStorage.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/storage/disk_header.h"
#include "agent/storage/file_storage.h"
#include "agent/storage/process.h"
#include "proto/base/encoding.h"
#include "tests/unit/agent/file_bytes.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t mib = 1024 * 1024;
const VolumeId volume = *VolumeId::parse("vol-0a1b2c3d4e5f60718");
const VolumeId another = *VolumeId::parse("vol-0000000000000000a");

class DiskLayers : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!run_program({"qemu-img", "--version"}, 10'000)) GTEST_SKIP() << "qemu-img is not installed";
        auto opened = FileStorage::open(root_, [this](const link::Content&, const fs::path& into) -> Status {
            if (fetched_bytes_.empty()) return fail(ErrorCode::service_unavailable, "nobody answers");
            spill(into, fetched_bytes_);
            return {};
        });
        ASSERT_TRUE(opened) << opened.error().message;
        storage_ = std::move(*opened);
    }
    WantedDisk disk(std::int64_t cuts, std::vector<link::Content> layers, std::int64_t size = 8 * mib) const {
        return {volume, size, {}, false, true, std::move(layers), cuts};
    }
    fs::path file(std::int64_t number, const VolumeId& of = volume) const {
        return root_ / "disks" / disk_file_name(of, number);
    }
    std::vector<BaseFile> bases(const WantedDisk& wanted) {
        const auto chain = storage_->ensure_disk(wanted);
        EXPECT_TRUE(chain) << chain.error().message;
        return chain ? chain->bases : std::vector<BaseFile>();
    }
    // As a machine would, to that file alone.
    static void write(const fs::path& path, const std::string& offset, const std::string& pattern) {
        ASSERT_TRUE(run_program(
            {"qemu-io", "-f", "qcow2", "-c", "write -P " + pattern + " " + offset + " 64k", path.string()},
            10'000));
    }
    // Reads through the whole chain, as a machine would.
    static bool holds(const DiskChain& chain, const std::string& offset, const std::string& pattern) {
        std::string below = "null";
        for (auto base = chain.bases.rbegin(); base != chain.bases.rend(); ++base)
            below = node(base->path, below);
        const std::string spec = "json:" + node(chain.path, below);
        return run_program({"qemu-io", "-r", "-c", "read -P " + pattern + " " + offset + " 64k", spec},
                           10'000)
            .has_value();
    }
    static std::string node(const std::string& path, const std::string& below) {
        return R"({"driver":"qcow2","file":{"driver":"file","filename":")" + path + R"("},"backing":)" +
               below + "}";
    }

    const link::Content waiting_ = {"", "qcow2", 0};  // a layer that is not sent yet
    TemporaryFolder dir_;
    const fs::path root_ = dir_.path() / "agent";
    std::string fetched_bytes_;
    std::unique_ptr<FileStorage> storage_;
};

TEST_F(DiskLayers, ACutLeavesWhatWasThereUnderAnEmptyFile) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    write(file(0), "0", "0x11");
    const std::string before = slurp(file(0));
    const auto chain = storage_->ensure_disk(disk(1, {waiting_}));
    ASSERT_TRUE(chain) << chain.error().message;
    EXPECT_EQ(chain->path, file(1).string());
    EXPECT_EQ(chain->bases, (std::vector<BaseFile>{{file(0).string(), "qcow2", true}}));
    write(file(1), "0", "0x22");
    EXPECT_EQ(slurp(file(0)), before) << "a layer never changes";
    EXPECT_TRUE(holds(*chain, "0", "0x22"));
    EXPECT_TRUE(storage_->ensure_disk(disk(1, {waiting_}))) << "asked again, nothing is cut";
    EXPECT_FALSE(fs::exists(file(2)));
}

TEST_F(DiskLayers, AMachinesDiskGetsNoFileBehindItsBack) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    auto running = disk(1, {waiting_});
    running.grow = false;
    const auto chain = storage_->ensure_disk(running);
    ASSERT_TRUE(chain);
    EXPECT_EQ(chain->path, file(0).string());
    EXPECT_TRUE(chain->bases.empty());
    EXPECT_FALSE(fs::exists(file(1)));
}

TEST_F(DiskLayers, AnAddedFileIsAsLargeAsTheDiskAndOftenAskedForTheSame) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {}, 16 * mib)));
    ASSERT_TRUE(storage_->add_file(volume, 1, {}));
    EXPECT_EQ(read_disk_header(file(1), "qcow2")->virtual_size_bytes, 16 * mib);
    write(file(1), "0", "0x33");
    const std::string written = slurp(file(1));
    EXPECT_EQ(storage_->add_file(volume, 1, {}).value_or(""), file(1).string());
    EXPECT_EQ(slurp(file(1)), written) << "a machine may have it by now";
    EXPECT_FALSE(storage_->add_file(volume, 3, {})) << "there is none before it";
}

TEST_F(DiskLayers, ASentLayerIsTheImageCachesAsWell) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    write(file(0), "0", "0x44");
    ASSERT_TRUE(storage_->ensure_disk(disk(1, {waiting_})));
    const auto layer = storage_->read_layer(volume, 0, 1);
    ASSERT_TRUE(layer) << layer.error().message;
    EXPECT_EQ(layer->content.sha256, hex_encode(sha256(slurp(file(0)))));
    EXPECT_EQ(layer->content.size_bytes, static_cast<std::int64_t>(fs::file_size(file(0))));
    ASSERT_TRUE(storage_->keep_layer(volume, 0, layer->content));
    ASSERT_TRUE(storage_->keep_layer(volume, 0, layer->content)) << "repeated";
    const fs::path cached = root_ / "images" / layer->content.sha256;
    EXPECT_TRUE(fs::equivalent(cached, file(0))) << "it takes its room once";
    struct stat info {};
    ASSERT_EQ(stat(cached.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0644U) << "guests of other instances read it";

    const auto chain = storage_->ensure_disk(disk(1, {layer->content}));
    ASSERT_TRUE(chain);
    EXPECT_TRUE(fs::exists(file(0))) << "it costs nothing, and a restored control plane knows no other";
    EXPECT_EQ(chain->bases, (std::vector<BaseFile>{{cached.string(), "qcow2", false}}));
    EXPECT_TRUE(holds(*chain, "0", "0x44"));
}

TEST_F(DiskLayers, ADiskOfASnapshotIsAnEmptyFileOnItsLayers) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    write(file(0), "64k", "0x55");
    ASSERT_TRUE(storage_->ensure_disk(disk(1, {waiting_})));
    const auto layer = storage_->read_layer(volume, 0, 1);
    ASSERT_TRUE(layer && storage_->keep_layer(volume, 0, layer->content));
    const WantedDisk wanted{another, 32 * mib, {}, false, true, {layer->content}, 0};
    const auto chain = storage_->ensure_disk(wanted);
    ASSERT_TRUE(chain) << chain.error().message;
    EXPECT_EQ(chain->path, file(0, another).string());
    EXPECT_TRUE(holds(*chain, "64k", "0x55"));
    EXPECT_TRUE(holds(*chain, "16m", "0")) << "beyond the layer's end";
    EXPECT_EQ(storage_->list_disks().value_or(std::vector<VolumeId>()), (std::vector{another, volume}));
    ASSERT_TRUE(storage_->remove_disk(volume));
    EXPECT_EQ(storage_->list_disks().value_or(std::vector<VolumeId>()), std::vector{another});
    EXPECT_TRUE(holds(*chain, "64k", "0x55")) << "the layer is not the volume's alone";
}

TEST_F(DiskLayers, CutsInARowLeaveOneFileEach) {
    const auto chain = storage_->ensure_disk(disk(3, {waiting_, waiting_, waiting_}));
    ASSERT_TRUE(chain) << chain.error().message;
    EXPECT_EQ(chain->path, file(3).string());
    const std::vector<BaseFile> expected = {{file(2).string(), "qcow2", true},
                                            {file(1).string(), "qcow2", true},
                                            {file(0).string(), "qcow2", true}};
    EXPECT_EQ(chain->bases, expected);
}

TEST_F(DiskLayers, ALostLayerIsAnError) {
    ASSERT_TRUE(storage_->ensure_disk(disk(1, {waiting_})));
    ASSERT_TRUE(fs::remove(file(0)));
    const auto chain = storage_->ensure_disk(disk(1, {waiting_}));
    ASSERT_FALSE(chain);
    EXPECT_EQ(chain.error().code, ErrorCode::not_found);
    EXPECT_NE(chain.error().message.find(file(0).string()), std::string::npos) << chain.error().message;
}

// A control plane that was restored from a backup of before the cuts.
TEST_F(DiskLayers, CutsThatAreForgottenAreNotLost) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    write(file(0), "0", "0x66");
    ASSERT_TRUE(storage_->ensure_disk(disk(2, {waiting_, waiting_})));
    const auto chain = storage_->ensure_disk(disk(0, {}));
    ASSERT_TRUE(chain) << chain.error().message;
    EXPECT_EQ(chain->path, file(2).string());
    EXPECT_TRUE(holds(*chain, "0", "0x66"));
}

TEST_F(DiskLayers, WhatWasUnderAFlatFileIsNotAskedForAgain) {
    ASSERT_TRUE(storage_->ensure_disk(disk(2, {waiting_, waiting_})));
    std::vector<link::Content> sent;
    for (const std::int64_t number : {0, 1}) {
        const auto layer = storage_->read_layer(volume, number, 2);
        ASSERT_TRUE(layer && storage_->keep_layer(volume, number, layer->content));
        sent.push_back(layer->content);
    }
    write(file(2), "0", "0x77");
    ASSERT_TRUE(storage_->forget_layers(volume, 2));
    ASSERT_TRUE(storage_->forget_layers(volume, 2)) << "repeated";
    EXPECT_FALSE(fs::exists(file(0)));
    EXPECT_FALSE(fs::exists(file(1)));
    for (const auto& layer : sent) ASSERT_TRUE(storage_->remove_content(layer.sha256));
    // Whatever a control plane says that was restored from a backup of before.
    for (const WantedDisk& wanted : {disk(2, {}), disk(2, sent), disk(1, {sent[0]}), disk(0, {})}) {
        const auto chain = storage_->ensure_disk(wanted);
        ASSERT_TRUE(chain) << chain.error().message;
        EXPECT_EQ(chain->path, file(2).string());
        EXPECT_TRUE(chain->bases.empty());
    }
    const std::vector<BaseFile> flat = {{file(2).string(), "qcow2", true}};
    EXPECT_EQ(bases(disk(3, {waiting_})), flat);
    EXPECT_EQ(bases(disk(3, {sent[0], sent[1], waiting_})), flat);
    EXPECT_EQ(bases(disk(0, {})), flat);
    ASSERT_TRUE(storage_->forget_layers(volume, 3));
    EXPECT_TRUE(bases(disk(3, {waiting_})).empty());
    EXPECT_EQ(storage_->forget_layers(volume, 4).error().code, ErrorCode::not_found);
    ASSERT_TRUE(storage_->remove_disk(volume));
    EXPECT_TRUE(fs::is_empty(root_ / "disks"));
}

TEST_F(DiskLayers, AFlatRootDiskNeedsNoImage) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    ASSERT_TRUE(storage_->forget_layers(volume, 0));
    auto wanted = disk(0, {});
    wanted.image = {std::string(64, 'a'), "qcow2", 1};
    EXPECT_TRUE(bases(wanted).empty());
}

TEST_F(DiskLayers, OfADiskThatIsCutMoreOftenThanToldNoLayerIsSent) {
    ASSERT_TRUE(storage_->ensure_disk(disk(2, {waiting_, waiting_})));
    EXPECT_TRUE(storage_->read_layer(volume, 1, 2));
    EXPECT_EQ(storage_->read_layer(volume, 0, 1).error().code, ErrorCode::conflict);
    EXPECT_EQ(storage_->read_layer(volume, 3, 2).error().code, ErrorCode::not_found);
}

TEST_F(DiskLayers, ALostLastFileIsNeverMadeAnew) {
    ASSERT_TRUE(storage_->ensure_disk(disk(1, {waiting_})));
    const auto layer = storage_->read_layer(volume, 0, 1);
    ASSERT_TRUE(layer && storage_->keep_layer(volume, 0, layer->content));
    ASSERT_TRUE(fs::remove(file(1)));
    auto wanted = disk(1, {layer->content});
    wanted.must_exist = true;
    const auto chain = storage_->ensure_disk(wanted);
    ASSERT_FALSE(chain);
    EXPECT_EQ(chain.error().code, ErrorCode::not_found);
    EXPECT_FALSE(fs::exists(file(1)));
}

TEST_F(DiskLayers, ALayerThatNamesAFileIsNeverOpened) {
    const fs::path canary = dir_.path() / "canary";
    spill(canary, std::string(mib, 'x'));
    const fs::path source = dir_.path() / "hostile.qcow2";
    ASSERT_TRUE(run_program({"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b",
                             canary.string(), source.string(), "8M"},
                            10'000));
    fetched_bytes_ = slurp(source);
    const link::Content hostile = {hex_encode(sha256(fetched_bytes_)), "qcow2",
                                   static_cast<std::int64_t>(fetched_bytes_.size())};
    const auto chain = storage_->ensure_disk(disk(0, {hostile}));
    ASSERT_FALSE(chain);
    EXPECT_EQ(chain.error().code, ErrorCode::invalid_input);
    EXPECT_TRUE(fs::is_empty(root_ / "disks"));
}

TEST_F(DiskLayers, NobodyAnsweringMayPass) {
    const link::Content away = {std::string(64, 'a'), "qcow2", 1};
    EXPECT_EQ(storage_->ensure_disk(disk(0, {away})).error().code, ErrorCode::service_unavailable);
}

// --- Pools that hosts share

TEST_F(DiskLayers, GoFromHostToHostByName) {
    const fs::path pool = dir_.path() / "pool";
    const HostId one = *HostId::parse("h-00000000000000001");
    const HostId two = *HostId::parse("h-00000000000000002");
    fs::create_directory(pool);
    const auto open = [&](const HostId& id) {
        return FileStorage::open(dir_.path() / id.str(), {}, {}, SharedPool{pool, "fast", id});
    };
    EXPECT_EQ(open(one).error().code, ErrorCode::invalid_input) << "nothing is mounted";
    spill(pool / "lodge-pool", "other\n");
    EXPECT_EQ(open(one).error().code, ErrorCode::invalid_input);
    spill(pool / "lodge-pool", "fast\n");
    const auto first = open(one);
    const auto second = open(two);
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_TRUE(second) << second.error().message;

    ASSERT_TRUE((*first)->ensure_disk(disk(0, {})));
    write(pool / one.str() / disk_file_name(volume, 0), "0", "0x31");
    ASSERT_TRUE((*first)->ensure_disk(disk(1, {waiting_})));
    EXPECT_TRUE((*second)->list_disks()->empty());
    WantedDisk moved = disk(1, {waiting_});
    moved.must_exist = true;
    const auto chain = (*second)->ensure_disk(moved);
    ASSERT_TRUE(chain) << chain.error().message;
    EXPECT_EQ(chain->path, (pool / two.str() / disk_file_name(volume, 1)).string());
    EXPECT_TRUE(holds(*chain, "0", "0x31"));
    EXPECT_TRUE((*first)->list_disks()->empty());
    EXPECT_EQ((*second)->list_disks().value_or(std::vector<VolumeId>()), std::vector{volume});
    // Half of them, as a host leaves them that dies in between.
    fs::rename(pool / two.str() / disk_file_name(volume, 0), pool / one.str() / disk_file_name(volume, 0));
    ASSERT_TRUE((*second)->ensure_disk(moved));
    const auto layer = (*second)->read_layer(volume, 0, 1);
    ASSERT_TRUE(layer);
    ASSERT_TRUE((*second)->keep_layer(volume, 0, layer->content));
    ASSERT_TRUE((*first)->remove_disk(volume)) << "whoever is told to";
    EXPECT_TRUE((*second)->list_disks()->empty());
    WantedDisk fresh = disk(0, {});
    fresh.volume_id = another;
    ASSERT_TRUE((*first)->ensure_disk(fresh));
    EXPECT_EQ((*second)->ensure_disk(fresh)->path, (pool / two.str() / disk_file_name(another, 0)).string())
        << "also one that nobody knows to have been made";
    EXPECT_TRUE((*first)->list_disks()->empty());
    ASSERT_TRUE((*second)->forget_layers(another, 0));
    ASSERT_TRUE((*first)->ensure_disk(fresh));
    EXPECT_TRUE(fs::exists(pool / one.str() / flat_mark_name(another, 0)));
    ASSERT_TRUE((*second)->ensure_disk(fresh));
    EXPECT_TRUE(fs::exists(pool / two.str() / flat_mark_name(another, 0)));
    // Two of them nobody could tell apart.
    spill(pool / one.str() / disk_file_name(another, 0),
          slurp(pool / two.str() / disk_file_name(another, 0)));
    EXPECT_EQ((*second)->ensure_disk(fresh).error().code, ErrorCode::conflict);
    ASSERT_TRUE(fs::remove(pool / one.str() / disk_file_name(another, 0)));
    // What a machine writes to stays where it is.
    const Fd machine(::open((pool / two.str() / disk_file_name(another, 0)).c_str(), O_RDWR));
    struct flock writes {};
    writes.l_type = F_RDLCK;
    writes.l_start = 101;
    writes.l_len = 1;
    ASSERT_EQ(fcntl(machine.get(), F_OFD_SETLK, &writes), 0);
    EXPECT_EQ((*first)->ensure_disk(fresh).error().code, ErrorCode::service_unavailable);
    // A host with volumes of its own joins no pool.
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    storage_.reset();
    EXPECT_EQ(FileStorage::open(root_, {}, {}, SharedPool{pool, "fast", one}).error().code,
              ErrorCode::invalid_input);
}

// --- Encrypted disks

class EncryptedDisks : public DiskLayers {
  protected:
    WantedDisk encrypted(std::int64_t cuts, std::vector<link::Content> layers, std::int64_t size = 8 * mib) {
        WantedDisk wanted = disk(cuts, std::move(layers), size);
        wanted.key = key_;
        return wanted;
    }
    // Reads or writes as a machine would that has the key, to a file and what is under it.
    Status use(const std::string& command, const std::string& path, const std::string& below = "null") {
        const std::string spec = R"(json:{"driver":"qcow2","encrypt":{"format":"luks","key-secret":"key"},)"
                                 R"("file":{"driver":"file","filename":")" +
                                 path + R"("},"backing":)" + below + "}";
        return run_program({"qemu-io", "--object", "secret,id=key,file=/dev/stdin", "-c", command, spec},
                           10'000, key_.passphrase);
    }
    static std::int64_t size_of(const fs::path& path) {
        return read_disk_header(path, "qcow2")->virtual_size_bytes;
    }

    const link::DiskKey key_ = {"5a1c2b7e-1111-4222-8333-444455556666", std::string(64, 'c')};
};

TEST_F(EncryptedDisks, HoldNoiseForWhoHasNoKey) {
    const auto chain = storage_->ensure_disk(encrypted(0, {}));
    ASSERT_TRUE(chain) << chain.error().message;
    ASSERT_TRUE(use("write -P 0x77 0 1m", chain->path));
    EXPECT_TRUE(use("read -P 0x77 0 1m", chain->path));
    EXPECT_EQ(slurp(file(0)).find(std::string(64, 0x77)), std::string::npos);
    EXPECT_FALSE(run_program({"qemu-io", "-f", "qcow2", "-c", "read 0 1m", chain->path}, 10'000));
    EXPECT_TRUE(
        run_program({"qemu-img", "check", "--object", "secret,id=key,file=/dev/stdin", "--image-opts",
                     "driver=qcow2,encrypt.format=luks,encrypt.key-secret=key,file.filename=" + chain->path},
                    10'000, key_.passphrase));
    for (const auto& each : fs::directory_iterator(root_ / "disks"))
        EXPECT_EQ(each.path().filename(), file(0).filename()) << "and nothing beside it";
    EXPECT_TRUE(read_disk_header(file(0), "qcow2")->encrypted);
}

TEST_F(EncryptedDisks, OfAnySizeAreWhole) {
    for (const std::int64_t size : {mib, 512 * mib, 513 * mib, std::int64_t{64} << 40}) {
        ASSERT_TRUE(storage_->remove_disk(volume));
        const auto chain = storage_->ensure_disk(encrypted(0, {}, size));
        ASSERT_TRUE(chain) << chain.error().message;
        EXPECT_EQ(size_of(file(0)), size);
        const std::string last = std::to_string(size - 65536);
        EXPECT_TRUE(use("write -P 0x12 " + last + " 64k", chain->path)) << size;
        EXPECT_TRUE(use("read -P 0x12 " + last + " 64k", chain->path)) << size;
        struct stat info {};
        ASSERT_EQ(stat(chain->path.c_str(), &info), 0);
        EXPECT_LT(info.st_blocks * 512, 2 * mib) << "what is empty takes no room";
    }
}

TEST_F(EncryptedDisks, AreCutAndGrow) {
    ASSERT_TRUE(storage_->ensure_disk(encrypted(0, {})));
    ASSERT_TRUE(use("write -P 0x21 0 64k", file(0).string()));
    const auto chain = storage_->ensure_disk(encrypted(1, {{"", "qcow2", 0, true}}, 16 * mib));
    ASSERT_TRUE(chain) << chain.error().message;
    EXPECT_EQ(chain->bases, (std::vector<BaseFile>{{file(0).string(), "qcow2", true, true}}));
    EXPECT_EQ(size_of(file(1)), 16 * mib);
    ASSERT_TRUE(storage_->add_file(volume, 2, key_));
    EXPECT_EQ(size_of(file(2)), 16 * mib);
    EXPECT_TRUE(read_disk_header(file(2), "qcow2")->encrypted);
    const auto layer = storage_->read_layer(volume, 0, 2);
    ASSERT_TRUE(layer) << layer.error().message;
    EXPECT_TRUE(layer->content.encrypted);
    ASSERT_TRUE(storage_->keep_layer(volume, 0, layer->content));
    WantedDisk copy = encrypted(0, {layer->content});
    copy.volume_id = another;
    const auto copied = storage_->ensure_disk(copy);
    ASSERT_TRUE(copied) << copied.error().message;
    ASSERT_EQ(copied->bases.size(), 1U);
    EXPECT_TRUE(copied->bases.front().encrypted);
    EXPECT_TRUE(use("read -P 0x21 0 64k", copied->bases.front().path));
}

TEST_F(EncryptedDisks, NeverGoOnInAFileThatIsNotAndTheOtherWayRound) {
    ASSERT_TRUE(storage_->ensure_disk(disk(0, {})));
    EXPECT_EQ(storage_->ensure_disk(encrypted(0, {})).error().code, ErrorCode::conflict);
    EXPECT_EQ(storage_->ensure_disk(encrypted(1, {{"", "qcow2", 0, true}})).error().code,
              ErrorCode::conflict);
    ASSERT_TRUE(storage_->remove_disk(volume));
    ASSERT_TRUE(storage_->ensure_disk(encrypted(0, {})));
    EXPECT_EQ(storage_->ensure_disk(disk(0, {})).error().code, ErrorCode::conflict);
    const auto layer = storage_->read_layer(volume, 0, 0);
    ASSERT_TRUE(layer);
    link::Content claimed = layer->content;
    claimed.encrypted = false;
    ASSERT_TRUE(storage_->keep_layer(volume, 0, claimed));
    WantedDisk copy = disk(0, {claimed});
    copy.volume_id = another;
    EXPECT_EQ(storage_->ensure_disk(copy).error().code, ErrorCode::conflict);
}

TEST_F(EncryptedDisks, WaitForTheirKey) {
    WantedDisk wanted = encrypted(0, {});
    wanted.key.passphrase.clear();
    EXPECT_EQ(storage_->ensure_disk(wanted).error().code, ErrorCode::service_unavailable);
    EXPECT_TRUE(fs::is_empty(root_ / "disks"));
    ASSERT_TRUE(storage_->ensure_disk(encrypted(0, {})));
    EXPECT_EQ(storage_->add_file(volume, 1, wanted.key).error().code, ErrorCode::service_unavailable);
}

}  // namespace
}  // namespace lodge::agent

// Snapshots: what comes of their volumes, which layers lie under what, and when they go.
#include "scheduler/volumes/snapshots.h"

#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/disk_keys.h"
#include "db/store/images.h"
#include "db/store/snapshots.h"
#include "db/store/volumes.h"
#include "proto/base/random.h"
#include "scheduler/volumes/attachments.h"
#include "scheduler/volumes/disk_keys.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::volumes {
namespace {

const AccountId account = "123456789012";
constexpr const char* region = "here";

class Snapshots : public ::testing::Test {
  protected:
    Snapshots() {
        EXPECT_TRUE(db::migrate(*database));
        write([&](db::Session& session) { db::accounts::insert(session, {account, "one", 0}); });
    }

    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }
    template <class F>
    auto read(F look) {
        using Found = decltype(look(std::declval<db::Session&>()));
        return *database->read([&](db::Session& session) -> Result<Found> { return look(session); });
    }
    VolumeId make_volume(const HostId& on, const SnapshotId& from = {}) {
        Volume volume;
        volume.id = VolumeId::make(random);
        volume.account_id = account;
        volume.region = region;
        volume.host_id = on;
        volume.size_bytes = 8 << 20;
        write([&](db::Session& session) {
            if (!from.empty()) put_snapshot(volume, *db::snapshots::find_any(session, from.str()));
            db::volumes::insert(session, volume);
        });
        return volume.id;
    }
    // A pending one.
    ImageId make_image(std::vector<ImageDisk> disks) {
        Image image;
        image.id = make_image_id(random, ImageType::machine);
        image.account_id = account;
        image.region = region;
        image.name = "made";
        image.state = ImageState::pending;
        image.root_device_name = "/dev/vda";
        image.disks = std::move(disks);
        write([&](db::Session& session) { db::images::insert(session, image); });
        return image.id;
    }
    // One that is terminated, with that root disk.
    Instance ending_instance(const VolumeId& root) {
        Instance instance;
        instance.id = InstanceId::make(random);
        instance.host_id = host;
        instance.desired = Desired::terminated;
        instance.root_device_name = "/dev/vda";
        write([&](db::Session& session) {
            auto volume = *db::volumes::find_any(session, root);
            volume.is_root = volume.delete_on_termination = true;
            begin_attach(session, volume, instance, "/dev/vda", false, 1'000);
        });
        return instance;
    }
    Status try_snapshot(const VolumeId& id, Snapshot& made) {
        made.id = SnapshotId::make(random);
        made.account_id = account;
        made.region = region;
        Status status;
        write([&](db::Session& session) {
            auto volume = *db::volumes::find_any(session, id);
            status = begin_snapshot(session, made, volume, 1'000);
        });
        return status;
    }
    SnapshotId snapshot(const VolumeId& id) {
        Snapshot made;
        EXPECT_TRUE(try_snapshot(id, made));
        return made.id;
    }
    static link::Content layer(char digit) { return {std::string(64, digit), "qcow2", 100}; }
    Status store(const SnapshotId& id, char digit, const HostId& from) {
        Status status;
        write([&](db::Session& session) { status = note_layer(session, from, id, layer(digit), 2'000); });
        return status;
    }
    void remove(const SnapshotId& id) {
        write([&](db::Session& session) {
            auto found = *db::snapshots::find_any(session, id.str());
            begin_delete(session, found);
        });
    }
    bool flat(const VolumeId& id, std::int64_t number) {
        bool changed = false;
        write([&](db::Session& session) {
            link::ObservedDisk disk{.volume_id = id};
            disk.flat = number;
            EXPECT_FALSE(note_flat(session, InstanceId::make(random), {disk})) << "another guest's word";
            changed = note_flat(session, db::volumes::find_any(session, id)->instance_id, {disk});
        });
        return changed;
    }
    void erase_volume(const VolumeId& id) {
        write([&](db::Session& session) { erase(session, *db::volumes::find_any(session, id)); });
    }
    std::optional<Snapshot> row(const SnapshotId& id) {
        return read([&](db::Session& session) { return db::snapshots::find_any(session, id.str()); });
    }
    Volume volume(const VolumeId& id) {
        return *read([&](db::Session& session) { return db::volumes::find_any(session, id); });
    }
    std::string layers(const SnapshotId& id) {
        std::string text;
        for (const auto& each : read([&](db::Session& session) { return layers_of(session, id); }))
            text += each.sha256.empty() ? '?' : each.sha256.front();
        return text;
    }
    bool is_used(char digit) {
        return read(
            [&](db::Session& session) { return db::images::content_in_use(session, layer(digit).sha256); });
    }

    TemporaryFolder folder;
    SeededRandom random{13};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    const HostId host = HostId::make(random);
};

TEST_F(Snapshots, ACutVolumeGoesOnAboveItsSnapshot) {
    const auto id = make_volume(host);
    const auto first = snapshot(id);
    EXPECT_EQ(row(first)->state, SnapshotState::pending);
    EXPECT_EQ(row(first)->host_id, host);
    EXPECT_EQ(row(first)->cut, 0);
    EXPECT_EQ(row(first)->volume_size_bytes, 8 << 20);
    EXPECT_EQ(volume(id).below_id, first);
    EXPECT_EQ(volume(id).cuts, 1);
    const auto second = snapshot(id);
    EXPECT_EQ(row(second)->parent_id, first);
    EXPECT_EQ(row(second)->cut, 1);
    EXPECT_EQ(layers(second), "??");
    ASSERT_TRUE(store(first, 'a', host));
    EXPECT_EQ(layers(second), "a?");
    EXPECT_EQ(row(first)->state, SnapshotState::completed);
    EXPECT_EQ(row(first)->progress, 100);
    EXPECT_TRUE(row(first)->host_id.empty());
    ASSERT_TRUE(store(second, 'b', host));
    EXPECT_EQ(layers(volume(id).below_id), "ab");
}

TEST_F(Snapshots, AVolumeWithoutAFileHasNoLayerToWaitFor) {
    const auto id = make_volume({});
    const auto made = snapshot(id);
    EXPECT_EQ(row(made)->state, SnapshotState::completed);
    EXPECT_EQ(layers(made), "");
    EXPECT_EQ(volume(id).cuts, 0);
    EXPECT_EQ(layers(snapshot(make_volume({}, made))), "");
}

TEST_F(Snapshots, OnlyTheHostThatHasTheLayerSpeaksOfIt) {
    const auto made = snapshot(make_volume(host));
    EXPECT_EQ(store(made, 'a', HostId::make(random)).error().code, ErrorCode::not_found);
    EXPECT_EQ(row(made)->state, SnapshotState::pending);
    ASSERT_TRUE(store(made, 'a', host));
    EXPECT_TRUE(store(made, 'a', host)) << "the answer got lost";
    EXPECT_FALSE(store(made, 'b', host));
    EXPECT_EQ(layers(made), "a");
    EXPECT_FALSE(store(SnapshotId::make(random), 'a', host));
}

TEST_F(Snapshots, AVolumeOfASnapshotLiesOnAllItsLayers) {
    const auto origin = make_volume(host);
    const auto first = snapshot(origin);
    const auto second = snapshot(origin);
    ASSERT_TRUE(store(first, 'a', host));
    ASSERT_TRUE(store(second, 'b', host));
    const auto copy = make_volume(host, first);
    EXPECT_EQ(volume(copy).snapshot_id, first);
    const auto third = snapshot(copy);
    ASSERT_TRUE(store(third, 'c', host));
    EXPECT_EQ(layers(third), "ac");
    EXPECT_EQ(volume(copy).snapshot_id, first) << "what it was made of stays what it was made of";
}

TEST_F(Snapshots, DeletingOneHarmsNoOther) {
    const auto id = make_volume(host);
    const auto first = snapshot(id);
    const auto second = snapshot(id);
    const auto third = snapshot(id);
    ASSERT_TRUE(store(first, 'a', host));
    ASSERT_TRUE(store(second, 'b', host));
    ASSERT_TRUE(store(third, 'c', host));
    remove(first);
    remove(second);
    EXPECT_EQ(layers(third), "abc");
    EXPECT_EQ(row(second)->state, SnapshotState::deleted);
    EXPECT_TRUE(is_used('a'));
    erase_volume(id);
    EXPECT_EQ(layers(third), "abc");
    remove(third);
    for (const auto& each : {first, second, third}) EXPECT_FALSE(row(each));
    for (const char digit : {'a', 'b', 'c'}) EXPECT_FALSE(is_used(digit));
}

TEST_F(Snapshots, AVolumeKeepsWhatItLiesOn) {
    const auto id = make_volume(host);
    const auto made = snapshot(id);
    ASSERT_TRUE(store(made, 'a', host));
    remove(made);
    EXPECT_EQ(layers(volume(id).below_id), "a");
    EXPECT_TRUE(is_used('a'));
    erase_volume(id);
    EXPECT_FALSE(row(made));
}

TEST_F(Snapshots, OneThatIsDeletedOnItsWayIsSentAndGoes) {
    const auto id = make_volume(host);
    const auto made = snapshot(id);
    remove(made);
    erase_volume(id);
    EXPECT_TRUE(row(made)) << "its host sends it still";
    ASSERT_TRUE(store(made, 'a', host));
    EXPECT_FALSE(row(made));
    EXPECT_FALSE(is_used('a'));
}

TEST_F(Snapshots, LayersHaveAnEnd) {
    const auto id = make_volume(host);
    for (std::size_t i = 0; i < most_layers; ++i) snapshot(id);
    Snapshot refused;
    EXPECT_EQ(try_snapshot(id, refused).error().code, ErrorCode::snapshot_limit_exceeded);
    EXPECT_EQ(volume(id).cuts, 64);
    EXPECT_FALSE(flat(id, 64)) << "QEMU may have some of it in memory alone";
    EXPECT_EQ(layers(volume(id).below_id).size(), 64U);
    ASSERT_TRUE(try_snapshot(id, refused)) << "which takes the others from under it";
    ASSERT_TRUE(store(refused.id, 'f', host));
    EXPECT_EQ(layers(volume(id).below_id), "f");
}

TEST_F(Snapshots, ManyLayersAreToBeFlattened) {
    Volume volume;
    const FlattenFrom from{3, 5};
    EXPECT_FALSE(is_to_be_flattened(volume, 4, from));
    EXPECT_TRUE(is_to_be_flattened(volume, 5, from));
    volume.cuts = 1;
    EXPECT_FALSE(is_to_be_flattened(volume, 2, from));
    EXPECT_TRUE(is_to_be_flattened(volume, 3, from));
}

TEST_F(Snapshots, AFlatLayerLetsGoOfWhatWasUnderIt) {
    const auto id = make_volume(host);
    const auto first = snapshot(id);
    const auto second = snapshot(id);
    ASSERT_TRUE(store(first, 'a', host));
    ASSERT_TRUE(store(second, 'b', host));
    remove(first);
    remove(second);
    EXPECT_FALSE(flat(id, 2)) << "it was not cut since";
    EXPECT_EQ(layers(volume(id).below_id), "ab");
    const auto third = snapshot(id);
    const auto fourth = snapshot(id);
    EXPECT_FALSE(flat(id, 2)) << "the machine may not have cut it yet";
    EXPECT_EQ(layers(third), "ab?");
    ASSERT_TRUE(store(third, 'c', host));
    EXPECT_EQ(layers(third), "c");
    EXPECT_TRUE(row(third)->parent_id.empty());
    EXPECT_EQ(row(fourth)->parent_id, third);
    EXPECT_FALSE(row(second));
    EXPECT_FALSE(row(first));
    EXPECT_FALSE(is_used('a'));
    EXPECT_FALSE(flat(id, 2)) << "told again it changes nothing";
    EXPECT_FALSE(flat(id, 9)) << "a file that nobody knows of";
}

TEST_F(Snapshots, WhatAKilledMachineHadNotWrittenIsNotReliedOn) {
    const auto id = make_volume(host);
    const auto below = snapshot(id);
    ASSERT_TRUE(store(below, 'a', host));
    Instance instance;
    instance.id = InstanceId::make(random);
    instance.host_id = host;
    write([&](db::Session& session) {
        auto found = *db::volumes::find_any(session, id);
        begin_attach(session, found, instance, "/dev/sdf", false, 1'000);
    });
    EXPECT_FALSE(flat(id, 1));
    EXPECT_EQ(volume(id).flat, 1);
    Guest guest;
    guest.observed = Observed::stopped;
    write([&](db::Session& session) { settle_ended_guest(session, instance, guest, 2'000); });
    const auto made = snapshot(id);
    ASSERT_TRUE(store(made, 'b', host));
    EXPECT_EQ(layers(volume(id).below_id), "ab");
}

TEST_F(Snapshots, AFlatLayerHasNoImageUnderIt) {
    const auto id = make_volume(host);
    write([&](db::Session& session) {
        auto found = *db::volumes::find_any(session, id);
        found.image_id = ImageId::trusted("ami-0123456789abcdef0");
        db::volumes::update(session, found);
    });
    const auto below = snapshot(id);
    const auto flattened = snapshot(id);
    const auto above = snapshot(id);
    ASSERT_TRUE(store(below, 'a', host));
    ASSERT_TRUE(store(flattened, 'b', host));
    EXPECT_TRUE(flat(id, 1)) << "told late";
    for (const auto& each : {flattened, above}) EXPECT_TRUE(row(each)->image_id.empty());
    EXPECT_TRUE(volume(id).image_id.empty());
    EXPECT_FALSE(row(below)->image_id.empty());
}

TEST_F(Snapshots, AFlatFileIsItsOwnVolumes) {
    const auto first = make_volume(host);
    const auto beginning = snapshot(first);
    ASSERT_TRUE(store(beginning, 'a', host));
    const auto second = make_volume(host, beginning);
    const auto made = snapshot(second);
    EXPECT_FALSE(flat(second, 0));
    ASSERT_TRUE(store(made, 'b', host));
    EXPECT_EQ(layers(volume(second).below_id), "b");
    EXPECT_TRUE(row(made)->parent_id.empty());
}

TEST_F(Snapshots, AnImageWaitsForAllOfItsDisks) {
    const auto root = snapshot(make_volume(host));
    const auto data = snapshot(make_volume(host));
    const auto image = make_image({{"/dev/vda", root, {8 << 20, "gp3", 3'000, 125}, true},
                                   {"/dev/sdb", data, {8 << 20, "gp2", 100, 0}, false}});
    const auto now = [&] {
        return *read([&](db::Session& session) { return db::images::find_any(session, image.str()); });
    };
    ASSERT_TRUE(store(data, 'b', host));
    EXPECT_EQ(now().state, ImageState::pending);
    ASSERT_TRUE(store(root, 'a', host));
    EXPECT_EQ(now().state, ImageState::available);
    ASSERT_EQ(now().disks.size(), 2U);
    EXPECT_EQ(now().disks.front().snapshot_id, root) << "the root disk is the first";
    EXPECT_EQ(now().disks.back().shape.type, "gp2");
    EXPECT_FALSE(now().disks.back().delete_on_termination);
    const auto user = [&] {
        return read([&](db::Session& session) { return db::snapshots::image_with(session, root); });
    };
    EXPECT_EQ(user(), image);
    write([&](db::Session& session) { db::images::deregister(session, image); });
    EXPECT_FALSE(user());
    EXPECT_TRUE(row(root)) << "snapshots stay";
}

// Its layer is still on the host alone: the file may not go with the instance.
TEST_F(Snapshots, ARootDiskWhoseSnapshotWaitsOutlivesItsInstance) {
    const auto id = make_volume(host);
    const auto instance = ending_instance(id);
    const auto made = snapshot(id);
    Guest guest;
    guest.observed = Observed::removed;
    write([&](db::Session& session) { EXPECT_TRUE(settle_ended_guest(session, instance, guest, 3'000)); });
    EXPECT_TRUE(volume(id).deleting);
    EXPECT_FALSE(volume(id).is_root);
    ASSERT_TRUE(store(made, 'a', host));
    write([&](db::Session& session) { note_removed(session, host, id); });
    EXPECT_EQ(layers(made), "a");
    EXPECT_FALSE(read([&](db::Session& session) { return db::volumes::find_any(session, id); }));
}

TEST_F(Snapshots, WhatALostHostHadNotSentIsInError) {
    const auto id = make_volume(host);
    const auto sent = snapshot(id);
    ASSERT_TRUE(store(sent, 'a', host));
    const auto unsent = snapshot(id);
    const auto deleted = snapshot(id);
    remove(deleted);
    const auto elsewhere = make_volume(HostId::make(random), sent);
    const auto image = make_image({{"/dev/vda", unsent, {8 << 20, "gp3", 3'000, 125}, true}});
    write([&](db::Session& session) { EXPECT_EQ(lose_host(session, host), 1U); });
    EXPECT_EQ(row(unsent)->state, SnapshotState::error);
    EXPECT_NE(row(unsent)->state_message, "");
    EXPECT_FALSE(row(deleted));
    EXPECT_EQ(layers(unsent), "a") << "what there is of it";
    EXPECT_EQ(layers(volume(elsewhere).below_id), "a");
    EXPECT_EQ(read([&](db::Session& session) { return db::images::find_any(session, image.str()); })->state,
              ImageState::failed);
    EXPECT_FALSE(read([&](db::Session& session) { return db::volumes::find_any(session, id); }));
    EXPECT_EQ(store(unsent, 'b', host).error().code, ErrorCode::not_found) << "it is back, and too late";
}

// Its agent was told to leave the file while the layer was on its way, and heard no more before it was done.
TEST_F(Snapshots, ARootDiskThatWasCutIsRemovedForItself) {
    const auto id = make_volume(host);
    const auto instance = ending_instance(id);
    ASSERT_TRUE(store(snapshot(id), 'a', host));
    Guest guest;
    for (const auto observed : {Observed::gone, Observed::removed}) {
        guest.observed = observed;
        write([&](db::Session& session) { settle_ended_guest(session, instance, guest, 3'000); });
        EXPECT_EQ(volume(id).deleting, observed == Observed::removed);
    }
}

TEST_F(Snapshots, AKeyEndsWithTheLastThatIsEncryptedWithIt) {
    const KeyRing ring(std::string(32, 'k'));
    const auto first = make_volume(host);
    std::string key;
    write([&](db::Session& session) {
        key = *make_key(session, ring, account, 1, random);
        auto row = *db::volumes::find_any(session, first);
        row.key_id = key;
        db::volumes::update(session, row);
    });
    const auto told = [&] { return read([&](db::Session& session) { return key_of(session, ring, key); }); };
    const auto there = [&] {
        return read([&](db::Session& session) { return db::disk_keys::find(session, key).has_value(); });
    };
    EXPECT_EQ(told().passphrase.size(), 64U);
    EXPECT_EQ(read([&](db::Session& session) { return key_of(session, KeyRing(), key); }),
              (link::DiskKey{key, ""}));
    EXPECT_EQ(read([&](db::Session& session) { return key_of(session, ring, ""); }), link::DiskKey());

    const auto made = snapshot(first);
    EXPECT_EQ(row(made)->key_id, key);
    EXPECT_FALSE(store(made, 'a', host)) << "its layer is to be encrypted, too";
    const auto encrypted = [&] {
        Status status;
        auto content = layer('a');
        content.encrypted = true;
        write([&](db::Session& session) { status = note_layer(session, host, made, content, 2'000); });
        return status;
    };
    EXPECT_TRUE(encrypted());
    EXPECT_TRUE(read([&](db::Session& session) { return layers_of(session, made); }).front().encrypted);
    const auto second = make_volume({}, made);
    EXPECT_EQ(volume(second).key_id, key);
    erase_volume(first);
    EXPECT_TRUE(there());
    remove(made);
    EXPECT_TRUE(there()) << "the second volume lies on it";
    erase_volume(second);
    EXPECT_FALSE(row(made));
    EXPECT_FALSE(there());
}

}  // namespace
}  // namespace lodge::volumes

// Volumes: their types, their devices' names, and each way through an attachment's life, by requests and by
// agents' words.
#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/volumes.h"
#include "proto/base/random.h"
#include "scheduler/volumes/attachments.h"
#include "scheduler/volumes/devices.h"
#include "scheduler/volumes/volume_types.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::volumes {
namespace {

const AccountId account = "123456789012";
constexpr std::int64_t mib = std::int64_t{1} << 20;

// --- Devices

TEST(VolumeDevices, NamesOfOneDiskAreOne) {
    for (const char* name : {"/dev/sdf", "/dev/xvdf", "/dev/vdf", "sdf", "xvdf"})
        EXPECT_EQ(disk_target(name), "vdf") << name;
    EXPECT_EQ(disk_target("/dev/xvdba"), "vdba");
    EXPECT_EQ(disk_target("/dev/vda"), "vda");
}

TEST(VolumeDevices, OthersAreNone) {
    for (const char* name :
         {"", "/dev/", "/dev/sd", "/dev/sda1", "/dev/sdF", "/dev/sdba", "/dev/xvdaa", "/dev/xvdda",
          "/dev/hda", "/dev/nvme1n1", "/dev/sd/", "/dev/../sdf", "vdbab", "/dev/dev/sdf"})
        EXPECT_FALSE(disk_target(name)) << name;
}

// --- Types

ErrorCode refusal(const Wish& wish) {
    const auto shape = shape_of(wish);
    return shape ? ErrorCode::internal_error : shape.error().code;
}

TEST(VolumeTypes, HaveTheirOwnValues) {
    auto shape = *shape_of({"gp3", 8, {}, {}});
    EXPECT_EQ(shape.size_bytes, 8 * gib);
    EXPECT_EQ(shape.iops, 3'000);
    EXPECT_EQ(shape.throughput, 125);
    EXPECT_EQ(shape_of({"gp2", 8, {}, {}})->iops, 100);
    EXPECT_EQ(shape_of({"gp2", 500, {}, {}})->iops, 1'500);
    EXPECT_EQ(shape_of({"gp2", 16'000, {}, {}})->iops, 16'000);
    EXPECT_EQ(shape_of({"io2", 8, 4'000, {}})->iops, 4'000);
    EXPECT_EQ(shape_of({"st1", 125, {}, {}})->iops, 0);
}

TEST(VolumeTypes, HaveBounds) {
    const auto value = ErrorCode::invalid_parameter_value;
    const auto combination = ErrorCode::invalid_parameter_combination;
    EXPECT_EQ(refusal({"gp9", 8, {}, {}}), ErrorCode::unknown_volume_type);
    for (const Wish& wish : {Wish{"gp3", 0, {}, {}},
                             {"gp3", -1, {}, {}},
                             {"gp2", 16'385, {}, {}},
                             {"io1", 3, 100, {}},
                             {"st1", 124, {}, {}},
                             {"standard", 1'025, {}, {}},
                             {"gp3", 8, 2'999, {}},
                             {"gp3", 8, 4'001, {}},
                             {"io1", 4, 201, {}},
                             {"io2", 4, 99, {}},
                             {"gp3", 8, {}, 124},
                             {"gp3", 8, {}, 751},
                             {"gp3", 100'000, {}, {}}})
        EXPECT_EQ(refusal(wish), value) << wish.type << " of " << wish.size_gib;
    EXPECT_EQ(refusal({"io1", 8, {}, {}}), ErrorCode::missing_parameter);
    for (const Wish& wish :
         {Wish{"gp2", 8, 100, {}}, {"gp2", 8, {}, 125}, {"io1", 8, 100, 125}, {"sc1", 125, 100, {}}})
        EXPECT_EQ(refusal(wish), combination) << wish.type;
    EXPECT_TRUE(shape_of({"gp3", 8, 4'000, 1'000}));
    EXPECT_TRUE(shape_of({"gp3", 1, 3'000, {}})) << "what it has anyway, however small it is";
}

TEST(VolumeTypes, AreHeldToTheirLimits) {
    const auto limits = [](const Wish& wish) {
        Volume volume;
        put_shape(volume, *shape_of(wish));
        return limits_of(volume);
    };
    EXPECT_EQ(limits({"gp3", 8, {}, {}}), (Limits{3'000, 125 * mib}));
    EXPECT_EQ(limits({"gp2", 8, {}, {}}), (Limits{3'000, 250 * mib})) << "it may burst";
    EXPECT_EQ(limits({"gp2", 2'000, {}, {}}).iops, 6'000);
    EXPECT_EQ(limits({"io1", 8, 400, {}}), (Limits{400, 0}));
    EXPECT_EQ(limits({"st1", 1'024, {}, {}}), (Limits{0, 250 * mib}));
    EXPECT_EQ(limits({"standard", 8, {}, {}}), (Limits{0, 0}));
}

// --- Attachments

class VolumeAttachments : public ::testing::Test {
  protected:
    VolumeAttachments() {
        EXPECT_TRUE(db::migrate(*database));
        instance.id = InstanceId::make(random);
        instance.root_device_name = "/dev/vda";
        instance.host_id = HostId::make(random);
        guest.observed = Observed::running;
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "one", 0});
            for (auto* id : {&root, &first, &second}) {
                Volume made;
                made.id = *id = VolumeId::make(random);
                made.account_id = account;
                put_shape(made, *shape_of({"gp3", 8, {}, {}}));
                made.is_root = id == &root;
                made.delete_on_termination = id == &root;
                db::volumes::insert(session, made);
            }
        });
        attach(root, false);
    }

    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }
    std::optional<Volume> row(const VolumeId& id) {
        return *database->read([&](db::Session& session) -> Result<std::optional<Volume>> {
            return db::volumes::find_any(session, id);
        });
    }
    AttachmentState state(const VolumeId& id) { return row(id)->attachment_state; }
    template <class F>
    void change(const VolumeId& id, F act) {
        write([&](db::Session& session) {
            auto volume = *db::volumes::find_any(session, id);
            act(session, volume);
        });
    }
    void attach(const VolumeId& id, bool live) {
        change(id, [&](db::Session& session, Volume& volume) {
            begin_attach(session, volume, instance, id == root ? "/dev/vda" : "/dev/sdf", live, 1'000);
        });
    }
    void detach(const VolumeId& id, bool live) {
        change(id, [&](db::Session& session, Volume& volume) { begin_detach(session, volume, live, 2'000); });
    }
    void modify(const VolumeId& id, const Wish& wish, bool live) {
        change(id, [&](db::Session& session, Volume& volume) {
            begin_modification(session, volume, *shape_of(wish), live, 3'000);
        });
    }
    // As the guest has it when all is as written.
    link::ObservedDisk seen(const VolumeId& id) {
        const auto volume = *row(id);
        const auto limits = limits_of(volume);
        return {id, volume.size_bytes, limits.iops, limits.bytes_per_s};
    }
    bool plugged(const std::vector<link::ObservedDisk>& disks) {
        bool changed = false;
        write([&](db::Session& session) { changed = note_plugged(session, instance.id, disks, 4'000); });
        return changed;
    }
    bool ends(Desired desired, Observed observed) {
        instance.desired = desired;
        guest.observed = observed;
        bool asks = false;
        write([&](db::Session& session) { asks = settle_ended_guest(session, instance, guest, 5'000); });
        return asks;
    }
    UnixMs modification_end(const VolumeId& id) {
        return *database->read([&](db::Session& session) -> Result<UnixMs> {
            return db::volumes::find_modification(session, account, "", id.str())->ended_ms;
        });
    }
    void expect_free(const VolumeId& id) {
        const auto volume = *row(id);
        EXPECT_EQ(volume.attachment_state, AttachmentState::none);
        EXPECT_TRUE(volume.instance_id.empty());
        EXPECT_EQ(volume.device, "");
        EXPECT_EQ(volume.attached_ms, 0);
        EXPECT_FALSE(volume.is_root);
        EXPECT_FALSE(volume.delete_on_termination);
        EXPECT_FALSE(volume.modifying);
    }

    TemporaryFolder folder;
    SeededRandom random{11};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    Instance instance;
    Guest guest;
    VolumeId root;
    VolumeId first;
    VolumeId second;
};

TEST_F(VolumeAttachments, GoesWhereItIsFirstAttached) {
    EXPECT_TRUE(row(first)->host_id.empty());
    attach(first, false);
    EXPECT_EQ(row(first)->host_id, instance.host_id);
    EXPECT_EQ(row(first)->instance_id, instance.id);
    EXPECT_EQ(row(first)->device, "/dev/sdf");
    EXPECT_EQ(state(first), AttachmentState::attached);
    detach(first, false);
    expect_free(first);
    EXPECT_EQ(row(first)->host_id, instance.host_id);
}

TEST_F(VolumeAttachments, ARunningGuestPlugsItInAndLetsItGo) {
    attach(first, true);
    EXPECT_EQ(state(first), AttachmentState::attaching);
    EXPECT_TRUE(plugged({seen(root)})) << "the root disk is there for certain";
    EXPECT_FALSE(plugged({seen(root)}));
    EXPECT_EQ(state(first), AttachmentState::attaching);
    EXPECT_FALSE(row(first)->made);
    EXPECT_TRUE(plugged({seen(root), {first}}));
    EXPECT_EQ(state(first), AttachmentState::attached);
    EXPECT_TRUE(row(first)->made);
    EXPECT_FALSE(plugged({seen(root), {first}}));
    detach(first, true);
    EXPECT_EQ(state(first), AttachmentState::detaching);
    EXPECT_FALSE(plugged({seen(root), {first}})) << "the guest clings to it";
    EXPECT_TRUE(plugged({seen(root)}));
    expect_free(first);
    EXPECT_TRUE(row(first)->made);
}

TEST_F(VolumeAttachments, AGuestThatStopsLeavesThemToTheNext) {
    attach(first, true);
    attach(second, true);
    detach(second, true);
    EXPECT_TRUE(ends(Desired::stopped, Observed::gone));
    EXPECT_EQ(state(first), AttachmentState::attached);
    expect_free(second);
    EXPECT_EQ(state(root), AttachmentState::attached);
    EXPECT_FALSE(ends(Desired::stopped, Observed::gone));
}

TEST_F(VolumeAttachments, AnInstanceThatEndsFreesOrDeletesThem) {
    attach(first, false);
    attach(second, false);
    change(second, [](db::Session& session, Volume& volume) {
        volume.delete_on_termination = true;
        db::volumes::update(session, volume);
    });
    EXPECT_FALSE(ends(Desired::terminated, Observed::running)) << "not while the guest is there";
    EXPECT_EQ(state(first), AttachmentState::attached);
    EXPECT_TRUE(ends(Desired::terminated, Observed::gone));
    expect_free(first);
    EXPECT_TRUE(row(second)->deleting);
    EXPECT_EQ(state(root), AttachmentState::attached) << "until it is removed";
    ends(Desired::terminated, Observed::removed);
    EXPECT_FALSE(row(root));
    EXPECT_TRUE(row(first));
}

TEST_F(VolumeAttachments, ARootDiskThatStaysBecomesAVolumeLikeOthers) {
    plugged({seen(root)});
    change(root, [](db::Session& session, Volume& volume) {
        volume.delete_on_termination = false;
        db::volumes::update(session, volume);
    });
    ends(Desired::terminated, Observed::gone);
    expect_free(root);
    ends(Desired::terminated, Observed::removed);
    ASSERT_TRUE(row(root));
    EXPECT_TRUE(row(root)->made) << "its data is not to be made anew";
}

TEST_F(VolumeAttachments, IsDeletedOnceItsHostHasRemovedIt) {
    change(first, [](db::Session& session, Volume& volume) { begin_delete(session, volume); });
    EXPECT_FALSE(row(first)) << "no host has it";
    attach(second, false);
    detach(second, false);
    change(second, [](db::Session& session, Volume& volume) { begin_delete(session, volume); });
    EXPECT_TRUE(row(second)->deleting);
    write([&](db::Session& session) { note_removed(session, HostId::make(random), second); });
    EXPECT_TRUE(row(second)) << "another host's word";
    write([&](db::Session& session) { note_removed(session, instance.host_id, root); });
    EXPECT_TRUE(row(root)) << "nobody has deleted it";
    write([&](db::Session& session) { note_removed(session, instance.host_id, second); });
    EXPECT_FALSE(row(second));
}

TEST_F(VolumeAttachments, AModificationEndsWhenTheGuestHasIt) {
    const auto before = seen(root);
    modify(root, {"gp3", 9, 3'500, {}}, true);
    EXPECT_TRUE(row(root)->modifying);
    plugged({before});
    EXPECT_TRUE(row(root)->modifying);
    plugged({{root, 9 * gib, 3'000, 125 * mib}});
    EXPECT_TRUE(row(root)->modifying) << "its limits are the old ones";
    plugged({seen(root)});
    EXPECT_FALSE(row(root)->modifying);
    EXPECT_EQ(modification_end(root), 4'000);
}

TEST_F(VolumeAttachments, AModificationThatNoGuestNoticesEndsAtOnce) {
    modify(first, {"gp3", 10, {}, {}}, false);
    EXPECT_EQ(modification_end(first), 3'000);
    modify(root, {"gp3", 8, {}, {}}, true);
    EXPECT_FALSE(row(root)->modifying) << "nothing of it would reach the guest";
    EXPECT_EQ(modification_end(root), 3'000);
}

TEST_F(VolumeAttachments, AModificationEndsWithTheGuestOrTheAttachment) {
    attach(first, false);
    modify(first, {"gp3", 10, {}, {}}, true);
    detach(first, true);
    plugged({seen(root)});
    expect_free(first);
    EXPECT_EQ(modification_end(first), 4'000);
    modify(root, {"gp3", 10, {}, {}}, true);
    ends(Desired::stopped, Observed::gone);
    EXPECT_EQ(modification_end(root), 5'000);
    EXPECT_EQ(row(root)->size_bytes, 10 * gib);
}

}  // namespace
}  // namespace lodge::volumes

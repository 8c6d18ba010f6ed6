// Each way through an attachment's life, by requests and by agents' words.
#include "scheduler/network/attachments.h"

#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/network_interfaces.h"
#include "db/store/subnets.h"
#include "db/store/vpcs.h"
#include "scheduler/network/make.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::network {
namespace {

const AccountId account = "123456789012";

class Attachments : public ::testing::Test {
  protected:
    Attachments() {
        EXPECT_TRUE(db::migrate(*database));
        instance.id = InstanceId::make(random);
        write([&](db::Session& session) {
            db::accounts::insert(session, {account, "one", 0});
            make_default_networks(session, account, {{"us-east-1a", "us-east-1", "use1-az1"}}, 0, random);
            auto subnet = *db::subnets::find_default(session, account, "us-east-1a");
            vpc_id = subnet.vpc_id;
            for (auto* id : {&first, &second})
                *id = make_interface(session, {account, "us-east-1", 0, random}, subnet, {})->id;
        });
    }

    template <class F>
    void write(F change) {
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            change(session);
            return {};
        }));
    }

    NetworkInterface row(const NetworkInterfaceId& id) {
        return *database->read([&](db::Session& session) -> Result<NetworkInterface> {
            return *db::network_interfaces::find_any(session, id.str());
        });
    }
    AttachmentState state(const NetworkInterfaceId& id) { return row(id).attachment_state; }
    std::int64_t revision() {
        return *database->read([&](db::Session& session) -> Result<std::int64_t> {
            return db::vpcs::find_any(session, vpc_id.str())->revision;
        });
    }

    void attach(const NetworkInterfaceId& id, std::int64_t device_index, bool live) {
        write([&](db::Session& session) {
            auto interface = *db::network_interfaces::find_any(session, id.str());
            begin_attach(session, interface, instance, device_index, true, live, 1000, random);
        });
    }
    void detach(const NetworkInterfaceId& id, bool live) {
        write([&](db::Session& session) {
            auto interface = *db::network_interfaces::find_any(session, id.str());
            begin_detach(session, interface, live);
        });
    }
    bool plugged(const std::set<NetworkInterfaceId>& ids) {
        bool changed = false;
        write([&](db::Session& session) { changed = note_plugged(session, instance.id, ids); });
        return changed;
    }
    bool ended() {
        bool changed = false;
        write(
            [&](db::Session& session) { changed = settle_attachments_of_ended_guest(session, instance.id); });
        return changed;
    }

    void expect_free(const NetworkInterfaceId& id) {
        auto interface = row(id);
        EXPECT_EQ(AttachmentState::none, interface.attachment_state);
        EXPECT_EQ("", interface.attachment_id);
        EXPECT_EQ("", interface.instance_id);
        EXPECT_EQ(0, interface.device_index);
        EXPECT_FALSE(interface.delete_on_termination);
        EXPECT_EQ(0, interface.attached_ms);
    }

    TemporaryFolder folder;
    SeededRandom random{11};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    Instance instance;
    VpcId vpc_id;
    NetworkInterfaceId first;
    NetworkInterfaceId second;
};

TEST_F(Attachments, AtLaunchItIsThereAtOnce) {
    attach(first, 0, false);
    auto interface = row(first);
    EXPECT_EQ(AttachmentState::attached, interface.attachment_state);
    EXPECT_TRUE(AttachmentId::parse(interface.attachment_id));
    EXPECT_EQ(instance.id.str(), interface.instance_id);
    EXPECT_EQ(0, interface.device_index);
    EXPECT_TRUE(interface.delete_on_termination);
    EXPECT_EQ(1000, interface.attached_ms);
}

TEST_F(Attachments, ARunningGuestPlugsItIn) {
    attach(first, 0, false);
    attach(second, 1, true);
    EXPECT_EQ(AttachmentState::attaching, state(second));
    EXPECT_FALSE(plugged({first}));
    EXPECT_EQ(AttachmentState::attaching, state(second));
    EXPECT_TRUE(plugged({first, second}));
    EXPECT_EQ(AttachmentState::attached, state(second));
    EXPECT_EQ(1000, row(second).attached_ms);  // when it was asked for
    EXPECT_FALSE(plugged({first, second}));
}

TEST_F(Attachments, ARunningGuestLetsItGo) {
    attach(second, 1, false);
    detach(second, true);
    EXPECT_EQ(AttachmentState::detaching, state(second));
    EXPECT_EQ(instance.id.str(), row(second).instance_id);
    EXPECT_FALSE(plugged({second}));
    auto before = revision();
    EXPECT_TRUE(plugged({}));
    expect_free(second);
    EXPECT_LT(before, revision());
    EXPECT_FALSE(plugged({}));
}

TEST_F(Attachments, AnAttachedOneThatIsNotPluggedStays) {
    attach(first, 0, false);
    EXPECT_FALSE(plugged({}));
    EXPECT_EQ(AttachmentState::attached, state(first));
}

TEST_F(Attachments, WithoutAGuestItIsFreeAtOnce) {
    attach(second, 1, false);
    auto before = revision();
    detach(second, false);
    expect_free(second);
    EXPECT_LT(before, revision());
}

TEST_F(Attachments, ACancelledOneIsFreeWhenTheGuestDoesNotHaveIt) {
    attach(second, 1, true);
    detach(second, true);
    EXPECT_TRUE(plugged({}));
    expect_free(second);
}

TEST_F(Attachments, TheEndOfTheGuestSettlesBoth) {
    attach(first, 1, true);
    attach(second, 2, false);
    detach(second, true);
    EXPECT_TRUE(ended());
    EXPECT_EQ(AttachmentState::attached, state(first));
    expect_free(second);
    EXPECT_FALSE(ended());
}

TEST_F(Attachments, OthersAreLeftAlone) {
    attach(first, 1, true);
    instance.id = InstanceId::make(random);
    EXPECT_FALSE(plugged({first}));
    EXPECT_FALSE(ended());
    EXPECT_EQ(AttachmentState::attaching, state(first));
}

}  // namespace
}  // namespace lodge::network

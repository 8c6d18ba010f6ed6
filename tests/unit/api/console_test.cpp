// GetConsoleOutput with a host that does not answer.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "api/pipeline/context.h"
#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "db/store/reservations.h"
#include "proto/ec2/instances.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::api {
namespace {

constexpr const char* account = "123456789012";
constexpr const char* region = "us-east-1";

class Console : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(db::migrate(*database));
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            insert_guest(session);
            return {};
        }));
        link::Heartbeat heartbeat;
        heartbeat.hypervisor_ok = true;
        hub.said_hello(instance.host_id, "kvm");
        hub.heard(instance.host_id, &heartbeat);
    }

    void insert_guest(db::Session& session) {
        Host host;
        host.id = HostId::make(random);
        db::accounts::insert(session, {account, "lab", 0});
        db::hosts::insert(session, host);
        instance.id = InstanceId::make(random);
        instance.account_id = account;
        instance.region = region;
        instance.reservation_id = ReservationId::make(random);
        instance.host_id = host.id;
        instance.desired = Desired::running;
        Guest guest;
        guest.id = instance.guest_id = GuestId::make(random);
        guest.instance_id = instance.id;
        guest.host_id = host.id;
        guest.observed = Observed::running;
        db::reservations::insert(session, {instance.reservation_id, account, region, 0});
        db::instances::insert(session, instance);
        db::guests::insert(session, guest);
    }

    Result<ec2::GetConsoleOutputResponse> ask() const {
        RequestContext context(services);
        context.account_id = account;
        context.region = region;
        ec2::GetConsoleOutputRequest request;
        request.instance_id = instance.id.str();
        return get_console_output(context, request);
    }

    static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

    static Settings patient() {
        Settings settings;
        settings.console_wait_ms = 60'000;
        return settings;
    }

    TemporaryFolder folder;
    SeededRandom random{5};
    ManualClock clock{1'790'000'000'000};
    std::unique_ptr<db::Database> database = std::move(*db::open_sqlite(folder.path() / "test.db"));
    scheduler::Claims claims{{}};
    scheduler::HostHub hub{clock, random,
                           [](const std::function<void()>& task) {
                               task();
                               return true;
                           },
                           10'000, 0};
    catalogue::Catalogue catalogue;
    Services services{*database, claims, hub, clock, random, catalogue, patient()};
    Instance instance;
};

TEST_F(Console, ASilentHostHoldsFewWorkers) {
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 12; ++i)
        clients.emplace_back([&] {
            EXPECT_TRUE(ask());
            ++answered;
        });
    while (answered < 4) pause();
    EXPECT_EQ(answered, 4);  // the others wait
    for (; answered < 12; pause()) hub.console_arrived(instance.id);
    for (auto& client : clients) client.join();
    // Who has waited makes room.
    std::thread next([&] { EXPECT_TRUE(ask()); });
    while (hub.console_requests(instance.host_id).empty()) pause();
    hub.console_arrived(instance.id);
    next.join();
}

}  // namespace
}  // namespace lodge::api

#include "api/link/link_service.h"

#include <gtest/gtest.h>

#include <future>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/hosts.h"
#include "proto/base/encoding.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::api {
namespace {

class Join : public ::testing::Test {
  protected:
    void SetUp() override {
        database = std::move(*db::open_sqlite(folder.path() / "test.db"));
        ASSERT_TRUE(db::migrate(*database));
        tls.authority = pki::make_authority("test", {clock.now_ms(), 10}, random).value();
        hub = std::make_unique<scheduler::HostHub>(
            clock, random, [](const std::function<void()>&) { return true; }, 1000, 0);
        agents = std::make_unique<scheduler::Agents>(*database, claims, *hub, clock, scheduler::Timing{});
        service =
            std::make_unique<LinkService>(*database, *agents, tls, folder.path(), workers, clock, random);
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            db::hosts::insert_token(session,
                                    {hex_encode(sha256("secret")), "z1", clock.now_ms() + 1000, {}, {}});
            return {};
        }));
    }

    Result<link::JoinReply> join(const std::string& key_pem) {
        http::Request request;
        request.target = "/v1/join";
        request.body =
            link::to_json(link::JoinRequest{"secret", pki::make_request_pem(key_pem, "any").value()});
        std::promise<http::Response> answer;
        service->handle(request, [&](http::Response response) { answer.set_value(std::move(response)); });
        auto response = answer.get_future().get();
        if (response.status != 200) return fail(ErrorCode::invalid_input, response.body);
        return link::from_json<link::JoinReply>(response.body);
    }

    std::vector<Host> hosts() {
        return *database->read(
            [](db::Session& session) -> Result<std::vector<Host>> { return db::hosts::list(session); });
    }

    TemporaryFolder folder;
    ManualClock clock{1'790'000'000'000};
    SeededRandom random{1};
    LinkTls tls;
    scheduler::Claims claims{scheduler::Overcommit{}};
    WorkerPool workers{1, 10};
    std::unique_ptr<db::Database> database;
    std::unique_ptr<scheduler::HostHub> hub;
    std::unique_ptr<scheduler::Agents> agents;
    std::unique_ptr<LinkService> service;
    const std::string key = pki::generate_private_key_pem().value();
};

TEST_F(Join, AMachineThatLostTheAnswerIsTheSameHost) {
    auto first = join(key);
    ASSERT_TRUE(first) << first.error().message;
    auto again = join(key);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->host_id, first->host_id);
    ASSERT_EQ(hosts().size(), 1U);
    EXPECT_EQ(hosts().front().zone, "z1");
    EXPECT_EQ(hosts().front().certificate_sha256, pki::fingerprint_sha256(again->certificate_pem).value());
}

TEST_F(Join, ATokenServesOneKeyAlone) {
    ASSERT_TRUE(join(key));
    EXPECT_FALSE(join(pki::generate_private_key_pem().value()));
    EXPECT_EQ(hosts().size(), 1U);
}

TEST_F(Join, AnExpiredTokenServesNobody) {
    ASSERT_TRUE(join(key));
    clock.advance_ms(1001);
    EXPECT_FALSE(join(key));
}

}  // namespace
}  // namespace lodge::api

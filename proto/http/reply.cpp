#include "proto/http/reply.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/asio/post.hpp>

#include "proto/http/connection.h"

namespace lodge::http {
namespace {

// What all copies of one Reply share.
class PendingReply {
  public:
    PendingReply(std::shared_ptr<Loop> loop, std::weak_ptr<Connection> connection)
        : loop_(std::move(loop)), connection_(std::move(connection)) {}
    PendingReply(const PendingReply&) = delete;
    PendingReply& operator=(const PendingReply&) = delete;

    ~PendingReply() {
        if (answered_.exchange(true)) return;
        try {
            deliver(std::nullopt);
        } catch (const std::exception& exception) {
            spdlog::error("http: a dropped request cannot be answered: {}", exception.what());
        }
    }

    void answer(Response response) {
        if (!answered_.exchange(true)) deliver(std::move(response));
    }

  private:
    // Connections live and die on their own thread, so only there is the weak reference followed.
    void deliver(std::optional<Response> response) {
        if (loop_->here()) return hand_over(connection_, std::move(response));
        net::post(loop_->context(),
                  [connection = std::move(connection_), response = std::move(response)]() mutable {
                      hand_over(connection, std::move(response));
                  });
    }

    static void hand_over(const std::weak_ptr<Connection>& weak, std::optional<Response> response) {
        if (auto connection = weak.lock()) connection->on_reply(std::move(response));
    }

    std::atomic<bool> answered_ = false;
    std::shared_ptr<Loop> loop_;
    std::weak_ptr<Connection> connection_;
};

}  // namespace

Reply make_reply(std::shared_ptr<Loop> loop, std::weak_ptr<Connection> connection) {
    return [pending = std::make_shared<PendingReply>(std::move(loop), std::move(connection))](
               Response response) { pending->answer(std::move(response)); };
}

}  // namespace lodge::http

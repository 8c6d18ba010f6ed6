#include "proto/ovsdb/client.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "proto/ovsdb/results.h"
#include "proto/ovsdb/splitter.h"

namespace lodge::ovsdb {
namespace {

constexpr int connect_timeout_ms = 5'000;

}  // namespace

Client::Client(Options options, Events events)
    : options_(std::move(options)),
      events_(std::move(events)),
      wake_descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    thread_ = std::thread([this] { loop(); });
}

Client::~Client() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    thread_.join();
    ::close(wake_descriptor_);
}

void Client::wake() const {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(wake_descriptor_, &one, sizeof(one));
}

std::string Client::problem() const {
    std::lock_guard lock(mutex_);
    return problem_;
}

Result<Json> Client::transact(Json operations, int timeout_ms) {
    const auto count = operations.size();
    Json params = Json::array({options_.database});
    for (auto& operation : operations) params.push_back(std::move(operation));
    auto pending = std::make_shared<Pending>();
    std::unique_lock lock(mutex_);
    if (!problem_.empty()) return fail(ErrorCode::service_unavailable, problem_);
    auto id = next_id_++;
    pending_[id] = pending;
    outbox_ += Json{{"method", "transact"}, {"params", std::move(params)}, {"id", id}}.dump();
    wake();
    bool done = replied_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return pending->done; });
    pending_.erase(id);
    if (!done) return fail(ErrorCode::service_unavailable, "the OVSDB server does not answer");
    if (pending->reply.is_null())
        return fail(ErrorCode::service_unavailable, "the OVSDB connection was lost");
    return results_of(pending->reply, count);
}

void Client::send(const Json& message) {
    std::lock_guard lock(mutex_);
    outbox_ += message.dump();
}

void Client::loop() {
    for (;;) {
        auto stream = connect(options_.remote, options_.tls, connect_timeout_ms);
        if (stream) {
            serve(**stream);
        } else {
            note_lost(stream.error().message);
        }
        if (!wait_before_retry()) return;
    }
}

// False when the client is to end; only that wakes it early.
bool Client::wait_before_retry() {
    pollfd woken{wake_descriptor_, POLLIN, 0};
    ::poll(&woken, 1, options_.retry_ms);
    std::uint64_t count = 0;
    [[maybe_unused]] auto drained = ::read(wake_descriptor_, &count, sizeof(count));
    std::lock_guard lock(mutex_);
    return !stopping_;
}

void Client::serve(Stream& stream) {
    splitter_ = std::make_unique<Splitter>();
    Json requests = Json::object();
    for (const auto& [table, columns] : options_.monitored) requests[table] = {{"columns", columns}};
    {
        std::lock_guard lock(mutex_);
        monitor_id_ = next_id_++;
        outbox_ = Json{{"method", "monitor"},
                       {"params", Json::array({options_.database, "lodge", requests})},
                       {"id", monitor_id_}}
                      .dump();
    }
    auto ended = exchange(stream);
    bool was_connected = problem().empty();
    note_lost(ended ? "stopped" : ended.error().message);
    if (was_connected && events_.lost) events_.lost();
}

void Client::note_lost(const std::string& why) {
    std::lock_guard lock(mutex_);
    problem_ = options_.remote + ": " + why;
    outbox_.clear();
    for (auto& [id, pending] : pending_) pending->done = true;
    replied_.notify_all();
}

// Until the client ends (success) or the connection does.
Status Client::exchange(Stream& stream) {
    std::array<char, 65536> buffer{};
    bool probing = false;
    for (;;) {
        bool has_output = false;
        {
            std::lock_guard lock(mutex_);
            if (stopping_) return {};
            if (!outbox_.empty()) {
                LODGE_TRY(auto sent, stream.write(outbox_));
                outbox_.erase(0, sent);
            }
            has_output = !outbox_.empty();
        }
        short wanted = POLLIN;
        if (has_output || stream.wants_write()) wanted = POLLIN | POLLOUT;
        std::array<pollfd, 2> waiting = {pollfd{stream.descriptor(), wanted, 0},
                                         pollfd{wake_descriptor_, POLLIN, 0}};
        int ready = ::poll(waiting.data(), waiting.size(), options_.probe_ms);
        if (ready == 0) {
            if (probing) return fail(ErrorCode::service_unavailable, "the OVSDB server is silent");
            probing = true;
            send({{"method", "echo"}, {"params", Json::array()}, {"id", "echo"}});
            continue;
        }
        std::uint64_t count = 0;
        [[maybe_unused]] auto drained = ::read(wake_descriptor_, &count, sizeof(count));
        for (;;) {
            LODGE_TRY(auto got, stream.read(buffer.data(), buffer.size()));
            if (got == 0) break;
            probing = false;
            LODGE_TRY(auto texts, splitter_->feed({buffer.data(), got}));
            for (const auto& text : texts) LODGE_CHECK(take(text));
        }
    }
}

Status Client::take(const std::string& text) {
    auto message = Json::parse(text, nullptr, false);
    if (!message.is_object()) return fail(ErrorCode::io_failure, "the OVSDB server sent what is no JSON");
    auto method = message.find("method");
    if (method != message.end() && method->is_string()) {
        if (*method == "echo")
            send({{"id", message["id"]}, {"result", message["params"]}, {"error", nullptr}});
        else if (*method == "update" && message["params"].is_array() && message["params"].size() == 2)
            events_.updated(message["params"][1]);
        return {};
    }
    if (message.contains("id") && message["id"] == monitor_id_) {
        if (!message["error"].is_null())
            return fail(ErrorCode::service_unavailable,
                        "the OVSDB server refuses the monitor: " + message["error"].dump());
        events_.connected(message["result"]);
        std::lock_guard lock(mutex_);
        problem_.clear();
        return {};
    }
    answer(message);
    return {};
}

void Client::answer(const Json& message) {
    auto id = message.find("id");
    if (id == message.end() || !id->is_number_integer()) return;  // of an echo
    std::lock_guard lock(mutex_);
    auto found = pending_.find(id->get<std::int64_t>());
    if (found == pending_.end()) return;  // nobody waits for it any more
    found->second->reply = message;
    found->second->done = true;
    replied_.notify_all();
}

}  // namespace lodge::ovsdb

#include "proto/http/server.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <csignal>
#include <future>
#include <map>
#include <numeric>
#include <thread>

#include "proto/http/listener.h"
#include "proto/http/worker.h"

namespace lodge::http {
namespace {

// Connections above the limit that are told so, instead of just being closed.
constexpr std::size_t refusals_at_once = 64;

Status check(const Config& config, const Handler& handler) {
    if (!handler) return fail(ErrorCode::invalid_input, "The server has no handler.");
    if (config.threads == 0) return fail(ErrorCode::invalid_input, "The server has no threads.");
    if (config.tls && !config.unix_socket_path.empty())
        return fail(ErrorCode::invalid_input, "A unix socket does not speak TLS.");
    return {};
}

// Signals are for the program's other threads.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

}  // namespace

class Server::Impl {
  public:
    Impl(Config config, Handler handler);
    ~Impl() { stop(0); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status open();
    void stop(std::int64_t grace_ms);

    std::uint16_t port() const { return port_; }
    const Service& service() const { return service_; }
    std::uint64_t total_requests() const;
    Result<std::uint64_t> add_listener(Fd fd, const std::string& tag);
    void remove_listener(std::uint64_t id);

  private:
    Status start_threads();
    void accept(Accepted accepted);
    void stop_accepting();
    void wait_until_closed(std::int64_t grace_ms);
    void on_every_worker(void (Worker::*what)());

    Service service_;
    std::uint16_t port_ = 0;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<Listener> listener_;  // on the first worker's thread, as the next
    std::map<std::uint64_t, std::unique_ptr<Listener>> added_;
    std::atomic<std::uint64_t> next_listener_ = 1;
    std::size_t next_worker_ = 0;
    std::vector<std::thread> threads_;
    std::mutex stop_mutex_;
    bool stopped_ = false;
};

Server::Impl::Impl(Config config, Handler handler) {
    service_.config = std::move(config);
    service_.handler = std::move(handler);
    service_.clock = service_.config.clock ? service_.config.clock : &system_clock();
}

Status Server::Impl::open() {
    const auto& config = service_.config;
    LODGE_CHECK(check(config, service_.handler));
    if (config.tls) {
        LODGE_TRY(service_.tls, make_tls_context(*config.tls));
    }
    for (std::size_t i = 0; i < config.threads; ++i) workers_.push_back(std::make_unique<Worker>(service_));
    if (!config.only_added_listeners) {
        LODGE_TRY(listener_, Listener::open(config, workers_.front()->loop()->context()));
        port_ = listener_->port();
    }
    return start_threads();
}

Status Server::Impl::start_threads() {
    SignalsBlocked blocked;
    try {
        for (auto& worker : workers_) {
            threads_.emplace_back([w = worker.get()] { w->run(); });
            pthread_setname_np(threads_.back().native_handle(), "lodge-http");
        }
    } catch (const std::system_error& error) {
        return fail(ErrorCode::io_failure, std::string("cannot start a thread: ") + error.what());
    }
    if (listener_)
        net::post(workers_.front()->loop()->context(),
                  [this] { listener_->start([this](Accepted accepted) { accept(std::move(accepted)); }); });
    return {};
}

Result<std::uint64_t> Server::Impl::add_listener(Fd fd, const std::string& tag) {
    auto& context = workers_.front()->loop()->context();
    LODGE_TRY(auto made, Listener::adopt(std::move(fd), tag, context));
    auto id = next_listener_++;
    net::post(context, [this, id, listener = std::move(made)]() mutable {
        listener->start([this](Accepted accepted) { accept(std::move(accepted)); });
        added_[id] = std::move(listener);
    });
    return id;
}

// Waits, so that its address is free again. Its handlers that are under way are on the same thread, and come
// before; what its close() cancelled still refers to it, and runs next.
void Server::Impl::remove_listener(std::uint64_t id) {
    std::lock_guard lock(stop_mutex_);
    if (stopped_) return;
    std::promise<void> closed;
    auto& context = workers_.front()->loop()->context();
    net::post(context, [&] {
        if (auto found = added_.extract(id)) {
            found.mapped()->close();
            net::post(context, [listener = std::shared_ptr<Listener>(std::move(found.mapped()))] {});
        }
        closed.set_value();
    });
    closed.get_future().wait();
}

// On the first worker's thread. Threads take turns, so that each has its share of the connections.
void Server::Impl::accept(Accepted accepted) {
    const auto most = service_.config.limits.max_connections;
    const auto open = service_.open_connections.load();
    if (open >= most && (service_.tls || open >= most + refusals_at_once)) return;  // closes it
    const auto& admit = service_.config.admit;
    if (admit && accepted.family != AF_UNIX && !admit(accepted.peer_address)) return;
    accepted.refused = open >= most;
    service_.open_connections.fetch_add(1);
    service_.total_connections.fetch_add(1, std::memory_order_relaxed);
    auto* worker = workers_[next_worker_++ % workers_.size()].get();
    if (worker->loop()->here()) return worker->add(std::move(accepted));
    net::post(worker->loop()->context(),
              [worker, client = std::move(accepted)]() mutable { worker->add(std::move(client)); });
}

void Server::Impl::stop(std::int64_t grace_ms) {
    std::lock_guard lock(stop_mutex_);
    if (std::exchange(stopped_, true)) return;
    if (threads_.size() == workers_.size() && !threads_.empty()) {
        stop_accepting();
        on_every_worker(&Worker::wind_down);
        wait_until_closed(grace_ms);
    }
    on_every_worker(&Worker::abort);
    for (auto& thread : threads_) thread.join();
    listener_.reset();
    added_.clear();
}

// Returns when it is done: later posts to the workers come after every accepted client.
void Server::Impl::stop_accepting() {
    std::promise<void> closed;
    net::post(workers_.front()->loop()->context(), [&] {
        if (listener_) listener_->close();
        for (auto& [id, listener] : added_) listener->close();
        closed.set_value();
    });
    closed.get_future().wait();
}

void Server::Impl::wait_until_closed(std::int64_t grace_ms) {
    std::unique_lock lock(service_.mutex);
    service_.all_closed.wait_for(lock, std::chrono::milliseconds(grace_ms),
                                 [this] { return service_.open_connections == 0; });
}

void Server::Impl::on_every_worker(void (Worker::*what)()) {
    for (auto& worker : workers_)
        net::post(worker->loop()->context(), [w = worker.get(), what] { (w->*what)(); });
}

std::uint64_t Server::Impl::total_requests() const {
    return std::accumulate(workers_.begin(), workers_.end(), std::uint64_t{0},
                           [](auto sum, const auto& worker) { return sum + worker->total_requests(); });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(Config config, Handler handler) {
    auto impl = std::make_unique<Impl>(std::move(config), std::move(handler));
    LODGE_CHECK(impl->open());
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Result<std::uint64_t> Server::add_listener(int descriptor, const std::string& tag) {
    return impl_->add_listener(Fd(descriptor), tag);
}

void Server::remove_listener(std::uint64_t id) {
    impl_->remove_listener(id);
}

std::uint16_t Server::port() const {
    return impl_->port();
}

void Server::stop(std::int64_t grace_ms) {
    impl_->stop(grace_ms);
}

std::size_t Server::open_connections() const {
    return impl_->service().open_connections;
}

std::uint64_t Server::total_connections() const {
    return impl_->service().total_connections;
}

std::uint64_t Server::total_requests() const {
    return impl_->total_requests();
}

}  // namespace lodge::http

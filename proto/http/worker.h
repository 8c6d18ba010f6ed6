// Inside proto/http only: one I/O thread with the connections that live on it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/http/asio.h"
#include "proto/http/fd.h"
#include "proto/http/service.h"

namespace lodge::http {

class Connection;

// A freshly accepted client.
struct Accepted {
    Fd fd;
    int family = 0;
    std::string peer_address;
    bool refused = false;  // there are too many: to be told so, no more
};

// Everything but run(), loop() and total_requests() is called on its own thread.
class Worker {
  public:
    explicit Worker(Service& service);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // The thread's life: returns after abort(), once every connection is gone.
    void run();
    const std::shared_ptr<Loop>& loop() const { return loop_; }
    std::uint64_t total_requests() const { return requests_.load(std::memory_order_relaxed); }

    void add(Accepted accepted);
    void remove(Connection& connection);

    // No connection takes another request; idle ones close.
    void wind_down();
    // Closes all connections and lets run() return.
    void abort();
    bool winding_down() const { return winding_down_; }

    Service& service() { return service_; }
    const Limits& limits() const { return service_.config.limits; }
    std::int64_t steady_ms() const { return service_.clock->steady_ms(); }
    // For the Date header; made anew once a second.
    std::string_view date();
    void count_request() { requests_.fetch_add(1, std::memory_order_relaxed); }

  private:
    void run_loop();
    std::shared_ptr<Connection> make_connection(Accepted accepted);
    void arm_tick();
    void tick();

    Service& service_;
    std::shared_ptr<Loop> loop_ = std::make_shared<Loop>();
    net::executor_work_guard<Executor> work_;
    Timer tick_timer_;
    bool ticking_ = false;
    bool winding_down_ = false;
    std::vector<std::shared_ptr<Connection>> connections_;  // each knows its slot
    std::atomic<std::uint64_t> requests_ = 0;
    UnixMs date_second_ = -1;
    std::string date_;
};

}  // namespace lodge::http

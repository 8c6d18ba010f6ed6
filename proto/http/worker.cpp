#include "proto/http/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>

#include "proto/http/connection.h"

namespace lodge::http {
namespace {

constexpr auto tick_period = std::chrono::milliseconds(100);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110), whatever the locale.
std::string http_date(UnixMs second) {
    using namespace std::chrono;
    constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    sys_seconds time{seconds{second}};
    auto day = floor<std::chrono::days>(time);
    year_month_day date{day};
    hh_mm_ss clock{time - day};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days.at(weekday{day}.c_encoding()),
                       static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
                       static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count());
}

}  // namespace

Worker::Worker(Service& service)
    : service_(service), work_(net::make_work_guard(loop_->context())), tick_timer_(loop_->context()) {}

Worker::~Worker() = default;

void Worker::run() {
    loop_->enter();
    run_loop();
    loop_->leave();
}

// Out of memory, at most, is thrown here. The connection that met it runs into its deadline.
void Worker::run_loop() {
    while (true) {
        try {
            loop_->context().run();
            return;
        } catch (const std::exception& exception) {
            spdlog::error("http: an I/O thread goes on after: {}", exception.what());
        }
    }
}

std::shared_ptr<Connection> Worker::make_connection(Accepted accepted) {
    Socket socket(loop_->context());
    error_code ec;
    socket.assign(net::generic::stream_protocol(accepted.family, 0), accepted.fd.get(), ec);
    if (ec) return nullptr;
    accepted.fd.release();
    auto transport = service_.tls ? make_tls_transport(std::move(socket), *service_.tls)
                                  : make_plain_transport(std::move(socket));
    return std::make_shared<Connection>(*this, std::move(transport), std::move(accepted.peer_address));
}

void Worker::add(Accepted accepted) {
    const bool refused = accepted.refused;
    const auto peer = accepted.peer_address;
    auto connection = make_connection(std::move(accepted));
    if (!connection) return service_.connection_closed(peer);
    connection->slot = connections_.size();
    connections_.push_back(connection);
    arm_tick();
    if (refused) return connection->refuse();
    connection->start();
}

void Worker::remove(Connection& connection) {
    auto slot = connection.slot;
    auto keep = std::move(connections_[slot]);
    if (slot + 1 != connections_.size()) {
        connections_[slot] = std::move(connections_.back());
        connections_[slot]->slot = slot;
    }
    connections_.pop_back();
    service_.connection_closed(connection.peer_address());
}

void Worker::wind_down() {
    winding_down_ = true;
    for (auto i = connections_.size(); i-- > 0;) connections_[i]->wind_down();
}

void Worker::abort() {
    winding_down_ = true;
    for (auto i = connections_.size(); i-- > 0;) connections_[i]->finish();
    tick_timer_.cancel();
    work_.reset();
}

std::string_view Worker::date() {
    auto second = service_.clock->now_ms() / 1000;
    if (second != date_second_) date_ = http_date(second);
    date_second_ = second;
    return date_;
}

// One timer looks after all deadlines, so that a request costs none. It rests while there are no connections.
void Worker::arm_tick() {
    if (ticking_ || connections_.empty()) return;
    ticking_ = true;
    tick_timer_.expires_after(tick_period);
    tick_timer_.async_wait([this](const error_code& ec) {
        ticking_ = false;
        if (!ec) tick();
    });
}

// Backwards, because a connection that closes leaves its slot to the last one.
void Worker::tick() {
    auto now_ms = steady_ms();
    for (auto i = connections_.size(); i-- > 0;) connections_[i]->on_tick(now_ms);
    arm_tick();
}

}  // namespace lodge::http

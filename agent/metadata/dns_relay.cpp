#include "agent/metadata/dns_relay.h"

#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "agent/metadata/dns_queries.h"
#include "agent/metadata/dns_streams.h"
#include "agent/metadata/namespaces.h"
#include "agent/metadata/network_sockets.h"

namespace lodge::agent {
namespace {

constexpr int backlog = 64;
constexpr int tick_ms = 200;  // between two looks at deadlines
constexpr int idle_tick_ms = 1'000;
constexpr std::int64_t open_again_ms = 1'000;

struct Sockets {
    std::shared_ptr<Fd> udp;
    Fd tcp;
};

// Bound to any address, so that it is all of the namespace's. Our own has others.
Result<Sockets> open_sockets(const MetadataNetwork& network, std::uint16_t port) {
    const std::string any = network.netns.empty() && !network.addresses.empty() ? network.addresses.front()
                                                                                : std::string("0.0.0.0");
    LODGE_TRY(auto udp, bound_socket(network.netns, SocketKind::udp, any, port));
    LODGE_TRY(auto tcp, bound_socket(network.netns, SocketKind::tcp, any, port));
    if (::listen(tcp.get(), backlog) != 0) return fail(ErrorCode::io_failure, "it cannot listen");
    return Sockets{std::make_shared<Fd>(std::move(udp)), std::move(tcp)};
}

}  // namespace

// Everything but set_networks() and stop() is called on the relay's own thread.
class DnsRelay::Loop {
  public:
    Loop(DnsOptions options, Resolvers resolvers, const Clock& clock, Random& random)
        : options_(std::move(options)),
          resolvers_(std::move(resolvers)),
          context_{options_, reactor_, resolvers_, clock, random},
          queries_(context_),
          streams_(context_),
          networks_("resolver") {}

    void run() {
        while (!stopping_) {
            take_networks();
            reactor_.wait(queries_.empty() && streams_.empty() ? idle_tick_ms : tick_ms);
            queries_.look_at_deadlines();
            streams_.look_at_deadlines();
        }
    }

    void set_networks(const std::vector<MetadataNetwork>& networks) {
        {
            std::lock_guard lock(mutex_);
            wanted_ = networks;
            changed_ = true;
        }
        reactor_.wake();
    }

    void stop() {
        stopping_ = true;
        reactor_.wake();
    }

  private:
    void take_networks() {
        std::vector<MetadataNetwork> wanted;
        {
            std::lock_guard lock(mutex_);
            const bool due = networks_.any_failed() && context_.clock.steady_ms() >= again_ms_;
            if (!changed_ && !due) return;
            changed_ = false;
            wanted = wanted_;
        }
        again_ms_ = context_.clock.steady_ms() + open_again_ms;
        networks_.apply(
            wanted, [this](const MetadataNetwork& network) { return open(network); },
            [this](Sockets& sockets) {
                reactor_.forget(sockets.udp->get());
                reactor_.forget(sockets.tcp.get());
            });
    }

    Result<Sockets> open(const MetadataNetwork& network) {
        LODGE_TRY(auto sockets, open_sockets(network, options_.port));
        const auto name = network.vpc_id.str();
        reactor_.watch(sockets.udp->get(), Reactor::For::reading,
                       [this, udp = sockets.udp, name] { queries_.take(udp, name); });
        reactor_.watch(sockets.tcp.get(), Reactor::For::reading,
                       [this, tcp = sockets.tcp.get(), name] { streams_.accept(tcp, name); });
        return sockets;
    }

    const DnsOptions options_;
    Reactor reactor_;
    Resolvers resolvers_;
    DnsContext context_;
    DnsQueries queries_;
    DnsStreams streams_;
    NetworkSockets<Sockets> networks_;
    std::int64_t again_ms_ = 0;  // steady
    std::atomic<bool> stopping_{false};

    std::mutex mutex_;
    std::vector<MetadataNetwork> wanted_;
    bool changed_ = false;
};

DnsRelay::DnsRelay(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {
    thread_ = std::thread([this] { loop_->run(); });
    pthread_setname_np(thread_.native_handle(), "lodge-dns");
}

Result<std::unique_ptr<DnsRelay>> DnsRelay::start(DnsOptions options, const Clock& clock, Random& random) {
    LODGE_TRY(auto resolvers, Resolvers::make(options.resolvers, options.resolv_conf, clock));
    return std::unique_ptr<DnsRelay>(
        new DnsRelay(std::make_unique<Loop>(std::move(options), std::move(resolvers), clock, random)));
}

DnsRelay::~DnsRelay() {
    loop_->stop();
    thread_.join();
}

void DnsRelay::set_networks(const std::vector<MetadataNetwork>& networks) {
    loop_->set_networks(networks);
}

}  // namespace lodge::agent

#include "agent/metadata/service.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "agent/metadata/namespaces.h"

namespace lodge::agent {
namespace {

constexpr std::int64_t try_again_ms = 1'000;

http::Config server_config(const MetadataOptions& options) {
    http::Config config;
    config.only_added_listeners = true;
    config.threads = options.threads;
    config.limits.header_bytes = 8UL * 1024;
    config.limits.header_count = 64;
    config.limits.body_bytes = 0;
    config.limits.max_connections = options.connections;
    config.limits.header_timeout_ms = 5'000;
    config.limits.idle_timeout_ms = 15'000;
    config.limits.write_timeout_ms = 10'000;
    return config;
}

}  // namespace

MetadataService::MetadataService(MetadataOptions options, MetadataFolder folder, const Clock& clock)
    : options_(std::move(options)),
      folder_(std::move(folder)),
      seal_(folder_.key()),
      clock_(clock),
      budget_(std::numeric_limits<std::size_t>::max(), options_.connections_of_a_guest) {}

Result<std::unique_ptr<MetadataService>> MetadataService::start(MetadataOptions options, const Clock& clock,
                                                                Random& random) {
    LODGE_TRY(auto folder, MetadataFolder::open(options.folder, random));
    std::unique_ptr<MetadataService> made(new MetadataService(std::move(options), std::move(folder), clock));
    LODGE_CHECK(made->serve());
    made->load();
    made->worker_ = std::thread([service = made.get()] { service->work_loop(); });
    made->fetcher_ = std::thread([service = made.get()] { service->fetch_loop(); });
    pthread_setname_np(made->worker_.native_handle(), "lodge-metadata");
    pthread_setname_np(made->fetcher_.native_handle(), "lodge-launch");
    return made;
}

MetadataService::~MetadataService() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_wake_.notify_all();
    fetch_wake_.notify_all();
    if (worker_.joinable()) worker_.join();
    if (fetcher_.joinable()) fetcher_.join();
    if (server_) server_->stop(0);
}

Status MetadataService::serve() {
    auto config = server_config(options_);
    config.admit = [this](const std::string& peer) { return admit(peer); };
    config.left = [this](const std::string& peer) { leave(peer); };
    LODGE_TRY(server_, http::Server::start(config, [this](const http::Request& request, const auto& reply) {
                  reply(answer(request));
              }));
    return {};
}

// What a predecessor left, until the agent has heard of the control plane again.
void MetadataService::load() {
    guests_.set(folder_.guests(), [this](const GuestId& id) { return folder_.launch_data(id); });
    wanted_ = folder_.networks();
    std::erase_if(wanted_, [](const MetadataNetwork& each) {
        return !each.netns.empty() && !std::filesystem::exists(each.netns);
    });
}

http::Response MetadataService::answer(const http::Request& request) const {
    if (auto guest = guests_.at(request.peer_address))
        return answer_metadata(*guest, request, seal_, clock_.now_ms());
    http::Response gone;  // the address is nobody's any more
    gone.status = 404;
    gone.close = true;
    return gone;
}

bool MetadataService::admit(const std::string& peer) {
    if (!guests_.at(peer)) return false;
    std::lock_guard lock(budget_mutex_);
    return budget_.take(peer);
}

void MetadataService::leave(const std::string& peer) {
    std::lock_guard lock(budget_mutex_);
    budget_.give(peer);
}

void MetadataService::set_networks(const std::vector<MetadataNetwork>& networks) {
    {
        std::lock_guard lock(mutex_);
        if (wanted_ == networks) return;
        wanted_ = networks;
        changed_ = true;
    }
    work_wake_.notify_all();
}

std::vector<MetadataNetwork> MetadataService::networks() const {
    std::lock_guard lock(mutex_);
    return wanted_;
}

void MetadataService::set_guests(const std::vector<link::DesiredGuest>& guests) {
    if (!guests_.set(guests, [this](const GuestId& id) { return folder_.launch_data(id); })) return;
    {
        std::lock_guard lock(mutex_);
        changed_ = true;
        fetch_wanted_ = true;
    }
    work_wake_.notify_all();
    fetch_wake_.notify_all();
}

bool MetadataService::await_launch_data(const GuestId& guest_id, std::int64_t most_ms) {
    return guests_.await_launch_data(guest_id, most_ms);
}

void MetadataService::work_loop() {
    Trouble trouble("metadata service");
    bool unkept = false;
    for (bool last = false; !last;) {
        std::vector<MetadataNetwork> wanted;
        {
            std::unique_lock lock(mutex_);
            last = stopping();
            unkept = std::exchange(changed_, false) || unkept;
            wanted = wanted_;
        }
        if (unkept) {
            auto kept = keep();
            trouble.note(kept ? "" : kept.error().message);
            unkept = !kept;
        }
        if (!last) open_networks(wanted);
        std::unique_lock lock(mutex_);
        auto wanted_again = [this] { return changed_ || stopping(); };
        if (unkept || networks_.any_failed())
            work_wake_.wait_for(lock, std::chrono::milliseconds(try_again_ms), wanted_again);
        else
            work_wake_.wait(lock, wanted_again);
    }
}

// What is there while the folder is ours: nothing that has just come is taken for old.
Status MetadataService::keep() {
    std::lock_guard lock(folder_mutex_);
    LODGE_CHECK(folder_.keep_guests(guests_.all()));
    return folder_.keep_networks(networks());
}

void MetadataService::open_networks(const std::vector<MetadataNetwork>& wanted) {
    networks_.apply(
        wanted, [this](const MetadataNetwork& network) { return open(network); },
        [this](std::uint64_t& listener) { server_->remove_listener(listener); });
}

Result<std::uint64_t> MetadataService::open(const MetadataNetwork& network) {
    LODGE_TRY(auto socket,
              bound_socket(network.netns, SocketKind::tcp, network.addresses.front(), options_.port));
    return server_->add_listener(socket.release(), network.vpc_id.str());
}

void MetadataService::fetch_loop() {
    std::map<GuestId, Retry> retries;
    while (!stopping()) {
        const auto wait_ms = fetch_due(retries);
        std::unique_lock lock(mutex_);
        fetch_wake_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                             [this] { return fetch_wanted_ || stopping(); });
        fetch_wanted_ = false;
    }
}

// Asks for those whose turn it is; returns when the next one's is, in milliseconds.
std::int64_t MetadataService::fetch_due(std::map<GuestId, Retry>& retries) {
    std::map<GuestId, Retry> next;
    auto soonest_ms = clock_.steady_ms() + options_.longest_retry_ms;
    for (const auto& id : guests_.without_launch_data()) {
        if (stopping()) break;
        auto retry = retries[id];
        if (retry.at_ms <= clock_.steady_ms()) {
            if (fetch(id)) continue;
            retry.backoff_ms =
                std::clamp(retry.backoff_ms * 2, options_.shortest_retry_ms, options_.longest_retry_ms);
            retry.at_ms = clock_.steady_ms() + retry.backoff_ms;
        }
        soonest_ms = std::min(soonest_ms, retry.at_ms);
        next[id] = retry;
    }
    retries = std::move(next);
    return std::max<std::int64_t>(soonest_ms - clock_.steady_ms(), 0);
}

// On the disk before anybody is told: a guest that has begun with it finds the same after a restart.
bool MetadataService::fetch(const GuestId& id) {
    auto launch = options_.fetch(id);
    if (!launch) {
        spdlog::debug("launch data of {}: {}", id.str(), launch.error().message);
        return false;
    }
    std::lock_guard lock(folder_mutex_);
    if (!guests_.knows(id)) return true;
    if (auto kept = folder_.keep_launch_data(id, *launch); !kept)
        spdlog::warn("launch data of {}: {}", id.str(), kept.error().message);
    guests_.set_launch_data(id, std::move(*launch));
    return true;
}

}  // namespace lodge::agent

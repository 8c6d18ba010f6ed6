#include "agent/metadata/service.h"

#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/metadata/namespaces.h"
#include "agent/storage/files.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t key_bytes = 32;
constexpr unsigned private_mode = 0600;

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

Result<std::string> token_key(const fs::path& file, Random& random) {
    auto known = read_file(file);
    if (known.size() == key_bytes) return known;
    std::string key(key_bytes, '\0');
    random.fill(key.data(), key.size());
    LODGE_CHECK(write_file(file, key, private_mode));
    return key;
}

std::string to_text(const std::vector<MetadataNetwork>& networks) {
    Json all = Json::array();
    for (const auto& each : networks)
        all.push_back({{"vpc_id", each.vpc_id.str()},
                       {"netns", each.netns},
                       {"netns_inode", each.netns_inode},
                       {"addresses", each.addresses}});
    return all.dump();
}

std::vector<MetadataNetwork> networks_of(const std::string& text) {
    std::vector<MetadataNetwork> out;
    auto all = Json::parse(text, nullptr, false);
    if (!all.is_array()) return out;
    for (const auto& each : all) {
        auto vpc_id = VpcId::parse(each.value("vpc_id", ""));
        if (vpc_id)
            out.push_back({*vpc_id, each.value("netns", ""), each.value("netns_inode", std::uint64_t{0}),
                           each.value("addresses", std::vector<std::string>())});
    }
    return out;
}

// A guest that is to end is asked for no more; one that is to stop may still be on its way down.
bool is_wanted(const link::DesiredGuest& guest) {
    return guest.desired != Desired::terminated && !guest.interfaces.empty();
}

}  // namespace

MetadataService::MetadataService(MetadataOptions options, std::string token_key, const Clock& clock)
    : options_(std::move(options)), seal_(std::move(token_key)), clock_(clock) {}

Result<std::unique_ptr<MetadataService>> MetadataService::start(MetadataOptions options, const Clock& clock,
                                                                Random& random) {
    LODGE_CHECK(make_folder(options.folder, 0700));
    LODGE_CHECK(make_folder(options.folder / "launch", 0700));
    LODGE_TRY(auto key, token_key(options.folder / "token.key", random));
    std::unique_ptr<MetadataService> made(new MetadataService(std::move(options), std::move(key), clock));
    LODGE_CHECK(made->serve());
    made->load();
    made->worker_ = std::thread([service = made.get()] { service->work_loop(); });
    return made;
}

MetadataService::~MetadataService() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (worker_.joinable()) worker_.join();
    if (server_) server_->stop(0);
}

Status MetadataService::serve() {
    http::Config config;
    config.only_added_listeners = true;
    config.threads = options_.threads;
    config.limits.header_bytes = 8UL * 1024;
    config.limits.header_count = 64;
    config.limits.body_bytes = 1024;
    config.limits.max_connections = options_.connections;
    config.limits.header_timeout_ms = 5'000;
    config.limits.idle_timeout_ms = 15'000;
    config.limits.write_timeout_ms = 10'000;
    config.admit = [this](int descriptor, const std::string& peer) { return admit(descriptor, peer); };
    config.left = [this](const std::string& peer) { leave(peer); };
    LODGE_TRY(server_, http::Server::start(config, [this](http::Request request, http::Reply reply) {
                  auto guest = guest_at(request.peer_address);
                  if (guest) return reply(answer_metadata(*guest, request, seal_, clock_.now_ms()));
                  http::Response gone;  // its address is nobody's any more
                  gone.status = 404;
                  gone.close = true;
                  reply(std::move(gone));
              }));
    return {};
}

// What a predecessor left, until the agent has heard of the control plane again.
void MetadataService::load() {
    auto kept = link::from_json<link::PollReply>(read_file(options_.folder / "guests.json"));
    if (kept) take_guests(kept->guests);
    auto networks = networks_of(read_file(options_.folder / "networks.json"));
    std::erase_if(networks,
                  [](const MetadataNetwork& each) { return !each.netns.empty() && !fs::exists(each.netns); });
    set_networks(networks);
}

MetadataService::GuestPointer MetadataService::guest_at(const std::string& peer) const {
    std::lock_guard lock(mutex_);
    auto found = index_.find(peer);
    return found == index_.end() ? nullptr : found->second;
}

// The hop limit is that of replies: what a guest forwards to somebody behind it dies on the way.
bool MetadataService::admit(int descriptor, const std::string& peer) {
    auto guest = guest_at(peer);
    if (!guest) return false;
    ::setsockopt(descriptor, IPPROTO_IP, IP_TTL, &guest->hop_limit, sizeof guest->hop_limit);
    std::lock_guard lock(mutex_);
    auto& open = open_of_[peer];
    if (open >= options_.connections_of_a_guest) return false;
    ++open;
    return true;
}

void MetadataService::leave(const std::string& peer) {
    std::lock_guard lock(mutex_);
    auto found = open_of_.find(peer);
    if (found != open_of_.end() && --found->second == 0) open_of_.erase(found);
}

void MetadataService::set_networks(const std::vector<MetadataNetwork>& networks) {
    {
        std::lock_guard lock(networks_mutex_);
        for (auto at = networks_.begin(); at != networks_.end();) {
            bool stays = std::find(networks.begin(), networks.end(), at->second.network) != networks.end();
            if (!stays) server_->remove_listener(at->second.listener);
            at = stays ? std::next(at) : networks_.erase(at);
        }
        for (const auto& network : networks)
            if (!networks_.contains(network.vpc_id)) open(network);
    }
    std::lock_guard lock(mutex_);
    changed_ = changed_ || wanted_networks_ != networks;
    wanted_networks_ = networks;
    wake_.notify_all();
}

std::vector<MetadataNetwork> MetadataService::networks() const {
    std::lock_guard lock(mutex_);
    return wanted_networks_;
}

void MetadataService::open(const MetadataNetwork& network) {
    if (network.addresses.empty()) return;
    auto socket = bound_socket(network.netns, SocketKind::tcp, network.addresses.front(), options_.port);
    if (!socket) return spdlog::warn("metadata of {}: {}", network.vpc_id.str(), socket.error().message);
    auto listener = server_->add_listener(socket->release(), network.vpc_id.str());
    if (!listener) return spdlog::warn("metadata of {}: {}", network.vpc_id.str(), listener.error().message);
    networks_[network.vpc_id] = {network, *listener};
}

void MetadataService::set_guests(const std::vector<link::DesiredGuest>& guests) {
    take_guests(guests);
    wake_.notify_all();
}

void MetadataService::take_guests(const std::vector<link::DesiredGuest>& guests) {
    std::lock_guard lock(mutex_);
    std::map<GuestId, Served> next;
    for (const auto& desired : guests) {
        if (!is_wanted(desired)) continue;
        auto& served = next[desired.guest_id];
        if (auto before = guests_.find(desired.guest_id); before != guests_.end()) served = before->second;
        if (served.shown && served.desired == desired) continue;
        changed_ = true;
        served.desired = desired;
        if (!served.launch)
            if (auto kept = link::from_json<link::LaunchDataReply>(read_file(launch_file(desired.guest_id))))
                served.launch = std::make_shared<link::LaunchDataReply>(std::move(*kept));
        refresh(served);
    }
    changed_ = changed_ || next.size() != guests_.size();
    guests_ = std::move(next);
    make_index();
}

void MetadataService::refresh(Served& served) {
    const auto& metadata = served.desired.metadata;
    served.shown = std::make_shared<MetadataGuest>(
        MetadataGuest{served.desired.instance_id, metadata.http_endpoint, metadata.http_tokens_required,
                      static_cast<int>(std::clamp<std::int64_t>(metadata.hop_limit, 1, 64)),
                      MetadataTree(served.desired, served.launch.get())});
}

// An address goes to the guest that is to run, if one that ends still has it.
void MetadataService::make_index() {
    index_.clear();
    for (bool running : {false, true})
        for (const auto& [id, served] : guests_) {
            if ((served.desired.desired == Desired::running) != running) continue;
            for (const auto& interface : served.desired.interfaces)
                for (const auto& address : interface.private_ips)
                    index_[interface.vpc_id.str() + "/" + address] = served.shown;
        }
}

fs::path MetadataService::launch_file(const GuestId& guest_id) const {
    return options_.folder / "launch" / (guest_id.str() + ".json");
}

void MetadataService::work_loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_ || changed_) {  // what is not kept would be lost with a restart
        if (std::exchange(changed_, false)) {
            std::vector<link::DesiredGuest> guests;
            for (const auto& [id, served] : guests_) guests.push_back(served.desired);
            auto networks = wanted_networks_;
            lock.unlock();
            keep(guests, networks);
            lock.lock();
        }
        if (stopping_) continue;
        fetch_next(lock);
        auto wait_ms = next_fetch_ms() - clock_.steady_ms();
        if (wait_ms > 0 && !changed_ && !stopping_) wake_.wait_for(lock, std::chrono::milliseconds(wait_ms));
    }
}

void MetadataService::keep(const std::vector<link::DesiredGuest>& guests,
                           const std::vector<MetadataNetwork>& networks) {
    auto note = [](const Status& status) {
        if (!status) spdlog::warn("metadata: {}", status.error().message);
    };
    note(write_file(options_.folder / "guests.json", link::to_json(link::PollReply{"", true, guests, {}}),
                    private_mode));
    note(write_file(options_.folder / "networks.json", to_text(networks), private_mode));
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(options_.folder / "launch", error)) {
        auto is_of = [&](const link::DesiredGuest& guest) {
            return launch_file(guest.guest_id) == entry.path();
        };
        if (std::none_of(guests.begin(), guests.end(), is_of)) note(remove_file(entry.path()));
    }
}

std::int64_t MetadataService::next_fetch_ms() const {
    auto next = clock_.steady_ms() + options_.longest_retry_ms;
    for (const auto& [id, served] : guests_)
        if (!served.launch) next = std::min(next, served.retry_at_ms);
    return next;
}

void MetadataService::fetch_next(std::unique_lock<std::mutex>& lock) {
    auto due = std::find_if(guests_.begin(), guests_.end(), [&](const auto& each) {
        return !each.second.launch && each.second.retry_at_ms <= clock_.steady_ms();
    });
    if (due == guests_.end()) return;
    const auto id = due->first;
    lock.unlock();
    auto reply = options_.fetch(id);
    if (reply)
        if (auto kept = write_file(launch_file(id), link::to_json(*reply), private_mode); !kept)
            spdlog::warn("metadata: {}", kept.error().message);
    lock.lock();
    auto found = guests_.find(id);
    if (found == guests_.end()) return;
    auto& served = found->second;
    if (!reply) {
        served.backoff_ms =
            std::clamp(served.backoff_ms * 2, options_.shortest_retry_ms, options_.longest_retry_ms);
        served.retry_at_ms = clock_.steady_ms() + served.backoff_ms;
        return spdlog::debug("launch data of {}: {}", id.str(), reply.error().message);
    }
    served.launch = std::make_shared<link::LaunchDataReply>(std::move(*reply));
    refresh(served);
    make_index();
}

}  // namespace lodge::agent

#include "agent/metadata/guest_directory.h"

#include <algorithm>
#include <chrono>

namespace lodge::agent {
namespace {

constexpr std::int64_t most_hops = 64;

// One that is to stop may still be on its way down.
bool is_wanted(const link::DesiredGuest& guest) {
    return guest.desired != Desired::terminated && !guest.interfaces.empty();
}

}  // namespace

bool GuestDirectory::set(const std::vector<link::DesiredGuest>& guests, const KeptLaunchData& kept) {
    std::lock_guard lock(mutex_);
    std::map<GuestId, Known> next;
    bool changed = false;
    for (const auto& desired : guests) {
        if (!is_wanted(desired)) continue;
        auto before = guests_.extract(desired.guest_id);
        auto& known = before ? next.insert(std::move(before)).position->second : next[desired.guest_id];
        if (known.shown && known.desired == desired) continue;
        changed = true;
        if (!known.launch)
            if (auto launch = kept(desired.guest_id))
                known.launch = std::make_shared<link::LaunchDataReply>(std::move(*launch));
        known.desired = desired;
        show(known);
    }
    changed = changed || !guests_.empty();  // those that are left have gone
    guests_ = std::move(next);
    if (changed) publish();
    launch_came_.notify_all();
    return changed;
}

void GuestDirectory::set_launch_data(const GuestId& id, link::LaunchDataReply launch) {
    std::lock_guard lock(mutex_);
    auto found = guests_.find(id);
    if (found == guests_.end()) return;
    found->second.launch = std::make_shared<link::LaunchDataReply>(std::move(launch));
    show(found->second);
    publish();
    launch_came_.notify_all();
}

void GuestDirectory::show(Known& known) {
    const auto& metadata = known.desired.metadata;
    known.shown = std::make_shared<MetadataGuest>(
        MetadataGuest{known.desired.instance_id, metadata.http_endpoint, metadata.http_tokens_required,
                      static_cast<int>(std::clamp<std::int64_t>(metadata.hop_limit, 1, most_hops)),
                      MetadataTree(known.desired, known.launch.get())});
}

// An address is that of the guest that is to run, if one that stops still has it.
void GuestDirectory::publish() {
    auto index = std::make_shared<Index>();
    for (bool running : {false, true})
        for (const auto& [id, known] : guests_) {
            if ((known.desired.desired == Desired::running) != running) continue;
            for (const auto& interface : known.desired.interfaces)
                for (const auto& address : interface.private_ips)
                    (*index)[interface.vpc_id.str() + "/" + address] = known.shown;
        }
    std::lock_guard lock(index_mutex_);
    index_ = std::move(index);
}

GuestDirectory::GuestPointer GuestDirectory::at(const std::string& peer) const {
    std::shared_ptr<const Index> index;
    {
        std::lock_guard lock(index_mutex_);
        index = index_;
    }
    auto found = index->find(peer);
    return found == index->end() ? nullptr : found->second;
}

std::vector<link::DesiredGuest> GuestDirectory::all() const {
    std::lock_guard lock(mutex_);
    std::vector<link::DesiredGuest> out;
    for (const auto& [id, known] : guests_) out.push_back(known.desired);
    return out;
}

bool GuestDirectory::knows(const GuestId& id) const {
    std::lock_guard lock(mutex_);
    return guests_.contains(id);
}

// Under the lock.
bool GuestDirectory::has_launch_data(const GuestId& id) const {
    auto found = guests_.find(id);
    return found != guests_.end() && found->second.launch;
}

bool GuestDirectory::await_launch_data(const GuestId& id, std::int64_t most_ms) {
    std::unique_lock lock(mutex_);
    return launch_came_.wait_for(lock, std::chrono::milliseconds(most_ms),
                                 [&] { return has_launch_data(id); });
}

std::vector<GuestId> GuestDirectory::without_launch_data() const {
    std::lock_guard lock(mutex_);
    std::vector<GuestId> out;
    for (const auto& [id, known] : guests_)
        if (!known.launch) out.push_back(id);
    return out;
}

}  // namespace lodge::agent

// Whom an agent speaks to, in memory: a control plane, and a metadata service. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/network/metadata_sink.h"
#include "agent/reconcile/link.h"

namespace lodge::agent {

// A control plane with one list of guests, and a memory of what was reported.
class FakeControl final : public Link {
  public:
    Result<link::LaunchDataReply> launch_data(const link::LaunchDataRequest&) override {
        return fail(ErrorCode::not_found, "none");
    }
    Result<link::HelloReply> hello(const link::HelloRequest& request) override {
        std::lock_guard lock(mutex_);
        facts_ = request.facts;
        hello_epoch_ = request.epoch;
        changed_.notify_all();
        return link::HelloReply{epoch_, 100, {true, "unix:/ovnsb_db.sock", "lodge-public", 1442}};
    }
    Result<link::HeartbeatReply> heartbeat(const link::Heartbeat& heartbeat) override {
        std::lock_guard lock(mutex_);
        heartbeat_ = heartbeat;
        changed_.notify_all();
        return link::HeartbeatReply{hello_epoch_ != epoch_};
    }
    Result<link::PollReply> poll(const link::PollRequest& request) override {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(std::min<std::int64_t>(request.wait_ms, 200)), [&] {
            return interrupted_ || version() != request.known_version || !console_requests_.empty();
        });
        if (interrupted_ || away_) return fail(ErrorCode::service_unavailable, "away");
        link::PollReply reply{version(), version() != request.known_version, {}, {}};
        if (reply.changed) reply.guests = guests_;
        reply.kept_volumes = kept_;
        reply.doomed_volumes = doomed_;
        reply.cuts = cuts_;
        reply.epoch = epoch_;
        reply.console_requests = std::exchange(console_requests_, {});
        return reply;
    }
    Result<link::ReportReply> report(const link::ReportRequest& request) override {
        std::lock_guard lock(mutex_);
        ++reports_;
        largest_report_ = std::max(largest_report_, request.guests.size());
        if (away_ || reports_refused_) return fail(ErrorCode::service_unavailable, "away");
        for (const auto& seen : request.guests) {
            history_.push_back(seen);
            for (auto& guest : guests_)
                if (guest.guest_id == seen.guest_id && guest.generation == seen.generation) {
                    guest.observed = seen.observed;
                    guest.reboots_done = seen.reboots_done;
                    guest.interrupts_done = seen.interrupts_done;
                }
        }
        for (const auto& console : request.consoles) consoles_.push_back(console);
        for (const auto& id : request.removed_volumes) version_ += std::erase(doomed_, id);
        changed_.notify_all();
        return link::ReportReply{};
    }
    Result<link::LeftoversReply> leftovers(const link::LeftoversRequest& request) override {
        std::lock_guard lock(mutex_);
        left_ = {request.guests, request.volumes};
        tells_files_ = tells_files_ || request.tells_files;
        changed_.notify_all();
        return over_;
    }
    Status fetch(const link::Content&, const std::filesystem::path&) override { return {}; }
    Status store_layer(const SnapshotId& id, const link::Content& content,
                       const std::filesystem::path&) override {
        std::lock_guard lock(mutex_);
        if (away_ || std::exchange(layer_refused_, false))
            return fail(ErrorCode::service_unavailable, "away");
        const auto sent = std::erase_if(cuts_, [&](const auto& cut) { return cut.snapshot_id == id; });
        if (sent == 0) return fail(ErrorCode::not_found, "no such layer is wanted");
        layers_[id] = content;
        ++version_;
        changed_.notify_all();
        return {};
    }
    void interrupt() override {
        std::lock_guard lock(mutex_);
        interrupted_ = true;
        changed_.notify_all();
    }

    void want(const link::DesiredGuest& guest) {
        std::lock_guard lock(mutex_);
        std::erase_if(guests_, [&](const auto& each) { return each.guest_id == guest.guest_id; });
        guests_.push_back(guest);
        ++version_;
        changed_.notify_all();
    }
    // The control plane starts anew, from a backup that holds this guest alone.
    void restore(const link::DesiredGuest& guest) {
        std::lock_guard lock(mutex_);
        guests_ = {guest};
        boot_ = "restored";
        changed_.notify_all();
    }
    bool wait_for_heartbeat(const std::string& hypervisor_error) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            return heartbeat_ && heartbeat_->hypervisor_ok == hypervisor_error.empty() &&
                   heartbeat_->hypervisor_error == hypervisor_error;
        });
    }
    bool wait_for_network_error(const std::string& error) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            return heartbeat_ && heartbeat_->network_ok == error.empty() &&
                   heartbeat_->network_error == error;
        });
    }
    // Until the last report of the guest names just these.
    bool wait_for_interfaces(const GuestId& id, const std::vector<NetworkInterfaceId>& interfaces) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            const link::ObservedGuest* last = nullptr;
            for (const auto& seen : history_)
                if (seen.guest_id == id) last = &seen;
            return last != nullptr && last->interfaces == interfaces;
        });
    }
    // The host was fenced, and has no guests any more.
    void fence() {
        std::lock_guard lock(mutex_);
        ++epoch_;
        ++version_;
        guests_.clear();
        changed_.notify_all();
    }
    bool wait_for_hello_of(std::int64_t epoch) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return hello_epoch_ == epoch; });
    }
    void ask_console(const InstanceId& id) {
        std::lock_guard lock(mutex_);
        console_requests_.push_back(id);
        changed_.notify_all();
    }
    void set_reports_refused(bool refused) {
        std::lock_guard lock(mutex_);
        reports_refused_ = refused;
    }
    void set_away(bool away) {
        std::lock_guard lock(mutex_);
        away_ = away;
    }
    // Waits until the guest was reported so; the report.
    std::optional<link::ObservedGuest> wait_for(const GuestId& id, Observed observed) {
        std::unique_lock lock(mutex_);
        std::optional<link::ObservedGuest> found;
        changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            for (const auto& seen : history_)
                if (seen.guest_id == id && seen.observed == observed) found = seen;
            return found.has_value();
        });
        return found;
    }
    bool wait_for_generation(const GuestId& id, std::int64_t generation) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            return std::any_of(history_.begin(), history_.end(), [&](const auto& seen) {
                return seen.guest_id == id && seen.generation == generation;
            });
        });
    }
    bool wait_for_reboots(const GuestId& id, std::int64_t done) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            return std::any_of(history_.begin(), history_.end(), [&](const auto& seen) {
                return seen.guest_id == id && seen.reboots_done == done;
            });
        });
    }
    bool wait_for_interrupts(const GuestId& id, std::int64_t done) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            return std::any_of(history_.begin(), history_.end(), [&](const auto& seen) {
                return seen.guest_id == id && seen.interrupts_done == done;
            });
        });
    }
    // Until the host was last heard to have just these left.
    bool wait_for_leftovers(const link::LeftoversRequest& left) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return left_ == left; });
    }
    bool tells_files() {
        std::lock_guard lock(mutex_);
        return tells_files_;
    }
    void set_over(const link::LeftoversReply& over) {
        std::lock_guard lock(mutex_);
        over_ = over;
    }
    void set_volumes(std::vector<VolumeId> kept, std::vector<VolumeId> doomed) {
        std::lock_guard lock(mutex_);
        kept_ = std::move(kept);
        doomed_ = std::move(doomed);
        ++version_;
        changed_.notify_all();
    }
    // Wants the guest as it is now, and the layer.
    void want_layer(const link::DesiredGuest& guest, const link::Cut& cut) {
        {
            std::lock_guard lock(mutex_);
            cuts_.push_back(cut);
        }
        want(guest);
    }
    void refuse_next_layer() {
        std::lock_guard lock(mutex_);
        layer_refused_ = true;
    }
    std::map<SnapshotId, link::Content> layers() {
        std::lock_guard lock(mutex_);
        return layers_;
    }
    std::vector<VolumeId> doomed() {
        std::lock_guard lock(mutex_);
        return doomed_;
    }
    bool wait_for_removal() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return doomed_.empty(); });
    }
    bool wait_for_console(const InstanceId& id) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
            return std::any_of(consoles_.begin(), consoles_.end(), [&](const auto& each) {
                return each.instance_id == id && !each.bytes.empty();
            });
        });
    }
    // What it believes of its guests, and all that it was told of them.
    std::vector<link::DesiredGuest> guests() {
        std::lock_guard lock(mutex_);
        return guests_;
    }
    std::vector<link::ObservedGuest> history() {
        std::lock_guard lock(mutex_);
        return history_;
    }
    // What each guest was last heard to have written to its console.
    std::map<InstanceId, std::string> consoles() {
        std::lock_guard lock(mutex_);
        std::map<InstanceId, std::string> last;
        for (const auto& console : consoles_) last[console.instance_id] = console.bytes;
        return last;
    }
    std::size_t largest_report() {
        std::lock_guard lock(mutex_);
        return largest_report_;
    }
    std::size_t reports() {
        std::lock_guard lock(mutex_);
        return reports_;
    }
    std::size_t count(Observed observed) {
        std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count_if(
            history_.begin(), history_.end(), [&](const auto& seen) { return seen.observed == observed; }));
    }

    std::optional<link::HostFacts> wait_for_hello() {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return facts_.has_value(); });
        return facts_;
    }

  private:
    std::string version() const { return boot_ + "." + std::to_string(version_); }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string boot_ = "boot";
    std::int64_t epoch_ = 1;
    std::int64_t hello_epoch_ = 0;
    std::optional<link::Heartbeat> heartbeat_;
    std::vector<link::DesiredGuest> guests_;
    std::vector<link::ObservedGuest> history_;
    std::vector<link::ConsoleOutput> consoles_;
    std::vector<InstanceId> console_requests_;
    std::optional<link::HostFacts> facts_;
    std::uint64_t version_ = 1;
    std::size_t reports_ = 0;
    std::size_t largest_report_ = 0;
    bool interrupted_ = false;
    bool away_ = false;
    bool reports_refused_ = false;
    bool layer_refused_ = false;
    link::LeftoversRequest left_;
    bool tells_files_ = false;
    link::LeftoversReply over_;
    std::vector<VolumeId> kept_;
    std::vector<VolumeId> doomed_;
    std::vector<link::Cut> cuts_;
    std::map<SnapshotId, link::Content> layers_;
};

// What the metadata service was told.
class SeenMetadata final : public MetadataSink {
  public:
    void set_networks(const std::vector<MetadataNetwork>& networks) override {
        std::lock_guard lock(mutex_);
        networks_ = networks;
    }
    void set_guests(const std::vector<link::DesiredGuest>& guests) override {
        std::lock_guard lock(mutex_);
        guests_ = guests;
    }
    bool await_launch_data(const GuestId&, std::int64_t) override { return has_launch_data; }
    std::vector<MetadataNetwork> networks() const {
        std::lock_guard lock(mutex_);
        return networks_;
    }
    std::vector<link::DesiredGuest> guests() const {
        std::lock_guard lock(mutex_);
        return guests_;
    }

    std::atomic<bool> has_launch_data{true};

  private:
    mutable std::mutex mutex_;
    std::vector<MetadataNetwork> networks_;
    std::vector<link::DesiredGuest> guests_;
};

}  // namespace lodge::agent

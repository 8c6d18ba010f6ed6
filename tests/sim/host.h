// A simulated host: its machine, which outlives its agent, and the agent's lives.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "agent/hypervisor/fake.h"
#include "agent/network/fake.h"
#include "agent/reconcile/agent.h"
#include "agent/storage/null_storage.h"
#include "tests/sim/crash.h"
#include "tests/sim/dice.h"

namespace lodge::sim {

// FakeHypervisor with a place to die at before and after everything that changes it.
class CrashingHypervisor final : public agent::Hypervisor {
  public:
    CrashingHypervisor(agent::FakeHypervisor& inner, CrashPlan& plan) : inner_(inner), plan_(plan) {}

    Result<agent::Capacity> capacity() override { return inner_.capacity(); }
    Result<std::vector<agent::Domain>> list() override { return inner_.list(); }
    Status start(const agent::GuestSpec& spec, const agent::Gate& gate) override {
        return around([&] {
            return inner_.start(spec, [&] {
                plan_.pass();
                return gate();
            });
        });
    }
    Status attach_interface(const GuestId& guest, const agent::Nic& nic) override {
        return around([&] { return inner_.attach_interface(guest, nic); });
    }
    Status request_detach(const GuestId& guest, const NetworkInterfaceId& id) override {
        return around([&] { return inner_.request_detach(guest, id); });
    }
    Status attach_disk(const GuestId& guest, const agent::DiskSpec& disk) override {
        return around([&] { return inner_.attach_disk(guest, disk); });
    }
    Status request_detach(const GuestId& guest, const VolumeId& id, bool politely) override {
        return around([&] { return inner_.request_detach(guest, id, politely); });
    }
    Status adjust_disk(const GuestId& guest, const agent::DiskSpec& disk) override {
        return around([&] { return inner_.adjust_disk(guest, disk); });
    }
    Status cut_disks(const GuestId& guest, const std::vector<agent::DiskSpec>& disks) override {
        return around([&] { return inner_.cut_disks(guest, disks); });
    }
    Status flatten_disk(const GuestId& guest, const agent::DiskSpec& disk) override {
        return around([&] { return inner_.flatten_disk(guest, disk); });
    }
    Status request_shutdown(const GuestId& guest) override {
        return around([&] { return inner_.request_shutdown(guest); });
    }
    Status destroy(const GuestId& guest) override {
        return around([&] { return inner_.destroy(guest); });
    }
    Status undefine(const GuestId& guest) override {
        return around([&] { return inner_.undefine(guest); });
    }
    Status request_reboot(const GuestId& guest) override {
        return around([&] { return inner_.request_reboot(guest); });
    }
    Status interrupt(const GuestId& guest) override {
        return around([&] { return inner_.interrupt(guest); });
    }
    Status reset(const GuestId& guest) override {
        return around([&] { return inner_.reset(guest); });
    }
    std::int64_t reboots_seen(const GuestId& guest) override { return inner_.reboots_seen(guest); }
    void on_change(std::function<void()> callback) override { inner_.on_change(std::move(callback)); }

  private:
    template <class Act>
    Status around(Act act) {
        plan_.pass();
        auto status = act();
        plan_.pass();
        return status;
    }

    agent::FakeHypervisor& inner_;
    CrashPlan& plan_;
};

// NullStorage that may be full, and whose user may die around what changes it.
class CrashingStorage final : public agent::Storage {
  public:
    CrashingStorage(agent::NullStorage& inner, CrashPlan& plan) : inner_(inner), plan_(plan) {}

    Result<std::string> ensure_image(const link::Content& content) override {
        return inner_.ensure_image(content);
    }
    bool has_image(const link::Content& content) override { return inner_.has_image(content); }
    Result<std::vector<std::string>> list_contents() override { return inner_.list_contents(); }
    Status remove_content(const std::string& sha256) override { return inner_.remove_content(sha256); }
    Result<agent::Firmware> ensure_firmware(const VolumeId& root_volume_id) override {
        plan_.pass();
        if (full) return fail(ErrorCode::io_failure, "No space left on device");
        return inner_.ensure_firmware(root_volume_id);
    }
    Status remove_variables(const VolumeId& root_volume_id) override {
        plan_.pass();
        return inner_.remove_variables(root_volume_id);
    }
    Result<std::string> ensure_store_disk(const GuestId& guest_id, std::int64_t number,
                                          std::int64_t size_bytes) override {
        plan_.pass();
        if (full) return fail(ErrorCode::io_failure, "No space left on device");
        return inner_.ensure_store_disk(guest_id, number, size_bytes);
    }
    Status remove_store_disks(const GuestId& guest_id) override {
        plan_.pass();
        return inner_.remove_store_disks(guest_id);
    }
    Result<std::vector<GuestId>> list_store_disks() override { return inner_.list_store_disks(); }
    Result<std::string> add_file(const VolumeId& volume_id, std::int64_t cuts,
                                 const link::DiskKey& key) override {
        plan_.pass();
        if (full) return fail(ErrorCode::io_failure, "No space left on device");
        auto made = inner_.add_file(volume_id, cuts, key);
        plan_.pass();
        return made;
    }
    Result<agent::LayerFile> read_layer(const VolumeId& volume_id, std::int64_t number,
                                        std::int64_t cuts) override {
        return inner_.read_layer(volume_id, number, cuts);
    }
    Status keep_layer(const VolumeId& volume_id, std::int64_t number, const link::Content& content) override {
        plan_.pass();
        return inner_.keep_layer(volume_id, number, content);
    }
    Status forget_layers(const VolumeId& volume_id, std::int64_t number) override {
        plan_.pass();
        return inner_.forget_layers(volume_id, number);
    }
    Result<agent::DiskChain> ensure_disk(const agent::WantedDisk& disk) override {
        plan_.pass();
        if (full && !inner_.has_disk(disk.volume_id))
            return fail(ErrorCode::io_failure, "No space left on device");
        auto made = inner_.ensure_disk(disk);
        plan_.pass();
        return made;
    }
    Status remove_disk(const VolumeId& volume_id) override {
        plan_.pass();
        auto removed = inner_.remove_disk(volume_id);
        plan_.pass();
        return removed;
    }
    Result<std::vector<VolumeId>> list_disks() override { return inner_.list_disks(); }
    std::string console_path(const InstanceId& id) const override { return inner_.console_path(id); }
    Result<std::string> console_tail(const InstanceId& id, std::size_t max_bytes) override {
        return inner_.console_tail(id, max_bytes);
    }
    Status remove_console(const InstanceId& id) override {
        plan_.pass();
        return inner_.remove_console(id);
    }
    Result<agent::DiskSpace> disk_space() override {
        LODGE_TRY(auto space, inner_.disk_space());
        if (full) space.free_mib = 0;
        return space;
    }

    bool full = false;

  private:
    agent::NullStorage& inner_;
    CrashPlan& plan_;
};

// What becomes of messages between a host and the control plane; given by the world.
class Post {
  public:
    virtual ~Post() = default;
    virtual Result<link::HelloReply> hello(const HostId& from, const link::HelloRequest& request) = 0;
    virtual Result<link::HeartbeatReply> heartbeat(const HostId& from, const link::Heartbeat& heartbeat) = 0;
    virtual Result<link::PollReply> poll(const HostId& from, const link::PollRequest& request) = 0;
    virtual Result<link::ReportReply> report(const HostId& from, const link::ReportRequest& request) = 0;
    virtual Result<link::LayerReply> layer(const HostId& from, const link::LayerRequest& request) = 0;
};

class PostLink final : public agent::Link {
  public:
    PostLink(Post& post, HostId id) : post_(post), id_(std::move(id)) {}
    Result<link::HelloReply> hello(const link::HelloRequest& request) override {
        return post_.hello(id_, request);
    }
    Result<link::HeartbeatReply> heartbeat(const link::Heartbeat& beat) override {
        return post_.heartbeat(id_, beat);
    }
    Result<link::PollReply> poll(const link::PollRequest& request) override {
        return post_.poll(id_, request);
    }
    Result<link::ReportReply> report(const link::ReportRequest& request) override {
        return post_.report(id_, request);
    }
    // What a bug leaves is to be found, not swept.
    Result<link::LeftoversReply> leftovers(const link::LeftoversRequest&) override {
        return link::LeftoversReply{};
    }
    Result<link::LaunchDataReply> launch_data(const link::LaunchDataRequest&) override {
        return fail(ErrorCode::not_found, "simulated guests ask for no metadata");
    }
    Status fetch(const link::Content&, const std::filesystem::path&) override {
        return fail(ErrorCode::not_found, "simulated hosts have no files");
    }
    Status store_layer(const SnapshotId& snapshot_id, const link::Content& content,
                       const std::filesystem::path&) override {
        return post_.layer(id_, {snapshot_id, content}).map([](auto&&) {});
    }
    void interrupt() override {}

  private:
    Post& post_;
    const HostId id_;
};

class SimHost {
  public:
    SimHost(HostId id, Post& post, const Clock& clock, Dice& dice);

    const HostId& id() const { return id_; }
    bool frozen() const { return clock_.steady_ms() < frozen_until_ms; }
    bool alive() const { return agent_ != nullptr; }
    void start_agent();
    void kill_agent();
    // One turn of one of the agent's threads, whichever the dice say among those whose time has come. What it
    // was; empty: none. The agent may die of it.
    std::string turn();
    // All of them, for when the world has come to rest.
    void all_turns();
    // IDs of instances whose guests run here now, those that were never let run apart.
    std::vector<InstanceId> running() const;
    std::vector<agent::Domain> domains() const;

    agent::FakeHypervisor machine;
    agent::NullStorage disks;
    CrashPlan plan;
    CrashingStorage storage{disks, plan};
    std::int64_t frozen_until_ms = 0;
    std::int64_t cut_off_until_ms = 0;
    std::int64_t agent_back_ms = 0;  // when its service manager starts it again
    std::int64_t epoch = 0;          // as the agent's folder has it
    bool hypervisor_away = false;

  private:
    enum Thread { polls, heartbeats, reconciles, networks, reports, works };
    bool run(Thread thread);

    const HostId id_;
    const Clock& clock_;
    Dice& dice_;
    CrashingHypervisor hypervisor_{machine, plan};
    agent::FakeNetwork network_;
    agent::NullMetadataSink metadata_;
    PostLink link_;
    SeededRandom random_;
    std::unique_ptr<agent::Agent> agent_;
    std::int64_t due_ms_[6] = {};
};

}  // namespace lodge::sim

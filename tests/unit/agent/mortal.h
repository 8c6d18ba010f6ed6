// The seams of an agent whose life may end at any call across one of them. See fate.h. What only reads, and
// whose failure the agent meets by going without, passes uncounted: dying there is dying at the next call.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "agent/hypervisor/hypervisor.h"
#include "agent/network/network.h"
#include "agent/reconcile/link.h"
#include "agent/storage/storage.h"
#include "tests/unit/fate.h"

namespace lodge::agent {

// What a life saw of what is on the host, look by look.
struct Looks {
    std::deque<std::vector<Domain>> domains;
    std::deque<std::vector<VolumeId>> roots;
    std::deque<std::vector<GuestId>> stores;
};

// Shows the next look out of `shown`, if there is one, in place of what there is, and notes what it showed.
template <class Answer, class Deque>
Answer show(Answer answer, Deque& shown, Deque& seen) {
    if (answer && !shown.empty()) {
        *answer = std::move(shown.front());
        shown.pop_front();
    }
    if (answer) seen.push_back(*answer);
    return answer;
}

class MortalHypervisor final : public Hypervisor {
  public:
    MortalHypervisor(Hypervisor& inner, Fate& fate, Looks& shown, Looks& seen)
        : inner_(inner), fate_(fate), shown_(shown), seen_(seen) {}

    Result<Capacity> capacity() override {
        return fate_.pass("capacity", [&] { return inner_.capacity(); });
    }
    Result<std::vector<Domain>> list() override {
        return show(fate_.pass("list", [&] { return inner_.list(); }), shown_.domains, seen_.domains);
    }
    Status start(const GuestSpec& spec, const Gate& gate) override {
        return fate_.pass("start", [&] { return inner_.start(spec, gate); });
    }
    Status attach_interface(const GuestId& guest_id, const Nic& nic) override {
        return fate_.pass("attach_interface", [&] { return inner_.attach_interface(guest_id, nic); });
    }
    Status request_detach(const GuestId& guest_id, const NetworkInterfaceId& id) override {
        return fate_.pass("request_detach", [&] { return inner_.request_detach(guest_id, id); });
    }
    Status attach_disk(const GuestId& guest_id, const DiskSpec& disk) override {
        return fate_.pass("attach_disk", [&] { return inner_.attach_disk(guest_id, disk); });
    }
    Status request_detach(const GuestId& guest_id, const VolumeId& id, bool politely) override {
        return fate_.pass("request_detach_disk",
                          [&] { return inner_.request_detach(guest_id, id, politely); });
    }
    Status adjust_disk(const GuestId& guest_id, const DiskSpec& disk) override {
        return fate_.pass("adjust_disk", [&] { return inner_.adjust_disk(guest_id, disk); });
    }
    Status cut_disks(const GuestId& guest_id, const std::vector<DiskSpec>& disks) override {
        return fate_.pass("cut_disks", [&] { return inner_.cut_disks(guest_id, disks); });
    }
    Status flatten_disk(const GuestId& guest_id, const DiskSpec& disk) override {
        return fate_.pass("flatten_disk", [&] { return inner_.flatten_disk(guest_id, disk); });
    }
    Status request_shutdown(const GuestId& guest_id) override {
        return fate_.pass("request_shutdown", [&] { return inner_.request_shutdown(guest_id); });
    }
    Status destroy(const GuestId& guest_id) override {
        return fate_.pass("destroy", [&] { return inner_.destroy(guest_id); });
    }
    Status undefine(const GuestId& guest_id) override {
        return fate_.pass("undefine", [&] { return inner_.undefine(guest_id); });
    }
    Status request_reboot(const GuestId& guest_id) override {
        return fate_.pass("request_reboot", [&] { return inner_.request_reboot(guest_id); });
    }
    Status reset(const GuestId& guest_id) override {
        return fate_.pass("reset", [&] { return inner_.reset(guest_id); });
    }
    Status interrupt(const GuestId& guest_id) override {
        return fate_.pass("interrupt", [&] { return inner_.interrupt(guest_id); });
    }
    std::int64_t reboots_seen(const GuestId& guest_id) override { return inner_.reboots_seen(guest_id); }
    void on_change(std::function<void()> callback) override { inner_.on_change(std::move(callback)); }

  private:
    Hypervisor& inner_;
    Fate& fate_;
    Looks& shown_;
    Looks& seen_;
};

class MortalStorage final : public Storage {
  public:
    MortalStorage(Storage& inner, Fate& fate, Looks& shown, Looks& seen)
        : inner_(inner), fate_(fate), shown_(shown), seen_(seen) {}

    Result<std::string> ensure_image(const link::Content& content) override {
        return fate_.pass("ensure_image", [&] { return inner_.ensure_image(content); });
    }
    bool has_image(const link::Content& content) override { return inner_.has_image(content); }
    Result<std::vector<std::string>> list_contents() override { return inner_.list_contents(); }
    Status remove_content(const std::string& sha256) override {
        return fate_.pass("remove_content", [&] { return inner_.remove_content(sha256); });
    }
    Result<std::string> ensure_store_disk(const GuestId& guest_id, std::int64_t number,
                                          std::int64_t size_bytes) override {
        return fate_.pass("ensure_store_disk",
                          [&] { return inner_.ensure_store_disk(guest_id, number, size_bytes); });
    }
    Status remove_store_disks(const GuestId& guest_id) override {
        return fate_.pass("remove_store_disks", [&] { return inner_.remove_store_disks(guest_id); });
    }
    Result<std::vector<GuestId>> list_store_disks() override {
        return show(inner_.list_store_disks(), shown_.stores, seen_.stores);
    }
    Result<std::string> add_file(const VolumeId& volume_id, std::int64_t cuts,
                                 const link::DiskKey& key) override {
        return fate_.pass("add_file", [&] { return inner_.add_file(volume_id, cuts, key); });
    }
    Result<LayerFile> read_layer(const VolumeId& volume_id, std::int64_t number, std::int64_t cuts) override {
        return fate_.pass("read_layer", [&] { return inner_.read_layer(volume_id, number, cuts); });
    }
    Status keep_layer(const VolumeId& volume_id, std::int64_t number, const link::Content& content) override {
        return fate_.pass("keep_layer", [&] { return inner_.keep_layer(volume_id, number, content); });
    }
    Status forget_layers(const VolumeId& volume_id, std::int64_t number) override {
        return fate_.pass("forget_layers", [&] { return inner_.forget_layers(volume_id, number); });
    }
    Result<DiskChain> ensure_disk(const WantedDisk& disk) override {
        return fate_.pass("ensure_disk", [&] { return inner_.ensure_disk(disk); });
    }
    Status remove_disk(const VolumeId& volume_id) override {
        return fate_.pass("remove_disk", [&] { return inner_.remove_disk(volume_id); });
    }
    Result<std::vector<VolumeId>> list_disks() override {
        return show(fate_.pass("list_disks", [&] { return inner_.list_disks(); }), shown_.roots, seen_.roots);
    }
    Result<Firmware> ensure_firmware(const VolumeId& root_volume_id) override {
        return fate_.pass("ensure_firmware", [&] { return inner_.ensure_firmware(root_volume_id); });
    }
    Status remove_variables(const VolumeId& root_volume_id) override {
        return fate_.pass("remove_variables", [&] { return inner_.remove_variables(root_volume_id); });
    }
    std::string console_path(const InstanceId& instance_id) const override {
        return inner_.console_path(instance_id);
    }
    Result<std::string> console_tail(const InstanceId& instance_id, std::size_t max_bytes) override {
        return inner_.console_tail(instance_id, max_bytes);
    }
    Status remove_console(const InstanceId& instance_id) override {
        return fate_.pass("remove_console", [&] { return inner_.remove_console(instance_id); });
    }
    Result<DiskSpace> disk_space() override { return inner_.disk_space(); }

  private:
    Storage& inner_;
    Fate& fate_;
    Looks& shown_;
    Looks& seen_;
};

class MortalNetwork final : public Network {
  public:
    MortalNetwork(Network& inner, Fate& fate) : inner_(inner), fate_(fate) {}

    Status configure(const link::ChassisSettings& settings) override {
        return fate_.pass("configure", [&] { return inner_.configure(settings); });
    }
    NetworkKind kind() const override { return inner_.kind(); }
    std::string problem() override {
        std::string said;
        const Status heard = fate_.pass("problem", [&]() -> Status {
            said = inner_.problem();
            return {};
        });
        return heard ? said : heard.error().message;
    }
    Status wait_installed(const std::vector<Port>& ports, std::int64_t timeout_ms) override {
        return fate_.pass("wait_installed", [&] { return inner_.wait_installed(ports, timeout_ms); });
    }
    bool is_installed(const std::string& port_uuid) const override { return inner_.is_installed(port_uuid); }
    Status release(const std::string& port_uuid) override {
        return fate_.pass("release", [&] { return inner_.release(port_uuid); });
    }
    Status sweep() override {
        return fate_.pass("sweep", [&] { return inner_.sweep(); });
    }
    Result<std::vector<MetadataNetwork>> ensure_metadata(const std::vector<MetadataVpc>& wanted) override {
        return fate_.pass("ensure_metadata", [&] { return inner_.ensure_metadata(wanted); });
    }
    void interrupt() override {}  // it outlives the agent
    void on_change(std::function<void()> callback) override { inner_.on_change(std::move(callback)); }

  private:
    Network& inner_;
    Fate& fate_;
};

class MortalLink final : public Link {
  public:
    MortalLink(Link& inner, Fate& fate) : inner_(inner), fate_(fate) {}

    Result<link::HelloReply> hello(const link::HelloRequest& request) override {
        return fate_.pass("hello", [&] { return inner_.hello(request); });
    }
    Result<link::HeartbeatReply> heartbeat(const link::Heartbeat& heartbeat) override {
        return fate_.pass("heartbeat", [&] { return inner_.heartbeat(heartbeat); });
    }
    Result<link::PollReply> poll(const link::PollRequest& request) override {
        return fate_.pass("poll", [&] { return inner_.poll(request); });
    }
    Result<link::ReportReply> report(const link::ReportRequest& request) override {
        return fate_.pass("report", [&] { return inner_.report(request); });
    }
    Result<link::LeftoversReply> leftovers(const link::LeftoversRequest& request) override {
        return fate_.pass("leftovers", [&] { return inner_.leftovers(request); });
    }
    Result<link::LaunchDataReply> launch_data(const link::LaunchDataRequest& request) override {
        return inner_.launch_data(request);
    }
    Status fetch(const link::Content& content, const std::filesystem::path& into) override {
        return inner_.fetch(content, into);
    }
    Status store_layer(const SnapshotId& snapshot_id, const link::Content& content,
                       const std::filesystem::path& file) override {
        return fate_.pass("store_layer", [&] { return inner_.store_layer(snapshot_id, content, file); });
    }
    void interrupt() override {}  // it outlives the agent

  private:
    Link& inner_;
    Fate& fate_;
};

}  // namespace lodge::agent

// Disks that exist by name alone, for simulated hosts and for tests. See storage.h for what the calls
// promise. Any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "agent/storage/storage.h"

namespace lodge::agent {

class NullStorage final : public Storage {
  public:
    // Where consoles come from and how they go: FakeHypervisor::console and forget_console.
    using Console = std::function<std::string(const InstanceId&)>;
    using ForgetConsole = std::function<void(const InstanceId&)>;

    explicit NullStorage(std::int64_t disk_mib, Console console = {}, ForgetConsole forget_console = {});

    Result<std::string> ensure_image(const link::Content& content) override;
    bool has_image(const link::Content& content) override;
    Result<std::vector<std::string>> list_contents() override;
    Status remove_content(const std::string& sha256) override;
    Result<DiskChain> ensure_disk(const WantedDisk& disk) override;
    Result<std::string> add_file(const VolumeId& volume_id, std::int64_t cuts,
                                 const link::DiskKey& key) override;
    Result<LayerFile> read_layer(const VolumeId& volume_id, std::int64_t number, std::int64_t cuts) override;
    Status keep_layer(const VolumeId& volume_id, std::int64_t number, const link::Content& content) override;
    Status forget_layers(const VolumeId& volume_id, std::int64_t number) override;
    Status remove_disk(const VolumeId& volume_id) override;
    Result<std::string> ensure_store_disk(const GuestId& guest_id, std::int64_t number,
                                          std::int64_t size_bytes) override;
    Status remove_store_disks(const GuestId& guest_id) override;
    Result<std::vector<GuestId>> list_store_disks() override;
    Result<std::vector<VolumeId>> list_disks() override;
    Result<Firmware> ensure_firmware(const VolumeId& root_volume_id) override;
    Status remove_variables(const VolumeId& root_volume_id) override;
    std::string console_path(const InstanceId& instance_id) const override;
    Result<std::string> console_tail(const InstanceId& instance_id, std::size_t max_bytes) override;
    Status remove_console(const InstanceId& instance_id) override;
    Result<DiskSpace> disk_space() override;

    // What tests do to it, and ask of it.
    static std::string path_of(const VolumeId& volume_id, std::int64_t number);
    void fail_next_image(std::string message);
    // ensure_image() waits for it until it is no longer away.
    void set_image_away(std::optional<std::string> sha256);
    void add_disk(const VolumeId& volume_id);
    bool has_disk(const VolumeId& volume_id) const;
    std::size_t disk_count() const;
    bool has_variables(const VolumeId& root_volume_id) const;
    // The number of the file that the volume writes to; nothing without one.
    std::optional<std::int64_t> last_file(const VolumeId& volume_id) const;
    // Of the earliest one that is not forgotten.
    std::int64_t first_file(const VolumeId& volume_id) const;

  private:
    const std::int64_t disk_mib_;
    const Console console_;
    const ForgetConsole forget_console_;
    mutable std::mutex mutex_;
    std::condition_variable image_arrived_;
    std::optional<std::string> image_away_;
    std::set<std::string> contents_;
    std::map<VolumeId, std::int64_t> disks_;        // and the number of the file that each writes to
    std::map<VolumeId, std::int64_t> first_files_;  // of those that lost some
    std::map<VolumeId, std::string> keys_;          // by ID; empty: the disk is not encrypted
    std::set<VolumeId> variables_;
    std::optional<std::string> next_image_fails_;
    std::set<GuestId> stores_;  // that have instance-store disks
};

}  // namespace lodge::agent

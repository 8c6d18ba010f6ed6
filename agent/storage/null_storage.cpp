#include "agent/storage/null_storage.h"

#include <utility>

namespace lodge::agent {

NullStorage::NullStorage(std::int64_t disk_mib, Console console, ForgetConsole forget_console)
    : disk_mib_(disk_mib), console_(std::move(console)), forget_console_(std::move(forget_console)) {}

Result<std::string> NullStorage::ensure_image(const link::Content& content) {
    std::unique_lock lock(mutex_);
    image_arrived_.wait(lock, [&] { return content.sha256 != image_away_; });
    if (const auto message = std::exchange(next_image_fails_, std::nullopt))
        return fail(ErrorCode::io_failure, *message);
    return "/simulated/images/" + content.sha256;
}

bool NullStorage::has_image(const link::Content& content) {
    std::lock_guard lock(mutex_);
    return content.sha256 != image_away_;
}

Result<std::string> NullStorage::ensure_disk(const WantedDisk& disk) {
    if (disk.must_exist && !has_disk(disk.volume_id))
        return fail(ErrorCode::not_found, "the disk " + disk.volume_id.str() + " is not on this host");
    if (!disk.image.sha256.empty()) LODGE_CHECK(ensure_image(disk.image));
    std::lock_guard lock(mutex_);
    disks_.insert(disk.volume_id);
    return "/simulated/disks/" + disk.volume_id.str() + ".qcow2";
}

Status NullStorage::remove_disk(const VolumeId& volume_id) {
    std::lock_guard lock(mutex_);
    disks_.erase(volume_id);
    return {};
}

Result<std::vector<VolumeId>> NullStorage::list_disks() {
    std::lock_guard lock(mutex_);
    return std::vector<VolumeId>(disks_.begin(), disks_.end());
}

std::string NullStorage::console_path(const InstanceId& instance_id) const {
    return "/simulated/consoles/" + instance_id.str() + ".log";
}

Result<std::string> NullStorage::console_tail(const InstanceId& instance_id, std::size_t max_bytes) {
    std::string text = console_ ? console_(instance_id) : std::string();
    if (text.size() > max_bytes) text.erase(0, text.size() - max_bytes);
    return text;
}

Status NullStorage::remove_console(const InstanceId& instance_id) {
    if (forget_console_) forget_console_(instance_id);
    return {};
}

Result<DiskSpace> NullStorage::disk_space() {
    return DiskSpace{disk_mib_, disk_mib_};
}

void NullStorage::fail_next_image(std::string message) {
    std::lock_guard lock(mutex_);
    next_image_fails_ = std::move(message);
}

void NullStorage::set_image_away(std::optional<std::string> sha256) {
    std::lock_guard lock(mutex_);
    image_away_ = std::move(sha256);
    image_arrived_.notify_all();
}

void NullStorage::add_disk(const VolumeId& volume_id) {
    std::lock_guard lock(mutex_);
    disks_.insert(volume_id);
}

bool NullStorage::has_disk(const VolumeId& volume_id) const {
    std::lock_guard lock(mutex_);
    return disks_.contains(volume_id);
}

std::size_t NullStorage::disk_count() const {
    std::lock_guard lock(mutex_);
    return disks_.size();
}

}  // namespace lodge::agent

#include "agent/storage/null_storage.h"

#include <algorithm>
#include <utility>

#include "agent/domain/disk_file.h"
#include "proto/base/encoding.h"

namespace lodge::agent {
namespace {

std::string image_path(const link::Content& content) {
    return "/simulated/images/" + content.sha256;
}

// Under the disk's file of that number.
std::vector<BaseFile> bases_of(const WantedDisk& disk, std::int64_t last) {
    std::vector<BaseFile> bases;
    std::int64_t number = disk.cuts;
    for (auto layer = disk.layers.rbegin(); layer != disk.layers.rend(); ++layer) {
        if (--number >= last) continue;
        const bool own = layer->sha256.empty();
        bases.push_back(
            {own ? NullStorage::path_of(disk.volume_id, number) : image_path(*layer), "qcow2", own});
    }
    if (!disk.image.sha256.empty()) bases.push_back({image_path(disk.image), disk.image.format});
    return bases;
}

}  // namespace

NullStorage::NullStorage(std::int64_t disk_mib, Console console, ForgetConsole forget_console)
    : disk_mib_(disk_mib), console_(std::move(console)), forget_console_(std::move(forget_console)) {}

std::string NullStorage::path_of(const VolumeId& volume_id, std::int64_t number) {
    return "/simulated/disks/" + disk_file_name(volume_id, number);
}

Result<std::string> NullStorage::ensure_image(const link::Content& content) {
    std::unique_lock lock(mutex_);
    image_arrived_.wait(lock, [&] { return content.sha256 != image_away_; });
    if (const auto message = std::exchange(next_image_fails_, std::nullopt))
        return fail(ErrorCode::io_failure, *message);
    contents_.insert(content.sha256);
    return image_path(content);
}

bool NullStorage::has_image(const link::Content& content) {
    std::lock_guard lock(mutex_);
    return content.sha256 != image_away_;
}

Result<DiskChain> NullStorage::ensure_disk(const WantedDisk& disk) {
    if (!disk.key.id.empty() && disk.key.passphrase.empty())
        return fail(ErrorCode::service_unavailable, "the key of " + disk.volume_id.str() + " is not told");
    if (disk.must_exist && !has_disk(disk.volume_id))
        return fail(ErrorCode::not_found, "the disk " + disk.volume_id.str() + " is not on this host");
    if (!disk.image.sha256.empty()) LODGE_CHECK(ensure_image(disk.image));
    for (const auto& layer : disk.layers)
        if (!layer.sha256.empty()) LODGE_CHECK(ensure_image(layer));
    std::lock_guard lock(mutex_);
    const auto [known, made] = disks_.try_emplace(disk.volume_id, disk.cuts);
    if (keys_.try_emplace(disk.volume_id, disk.key.id).first->second != disk.key.id)
        return fail(ErrorCode::conflict, "the disk " + disk.volume_id.str() + " has another key");
    if (!made && disk.grow) known->second = std::max(known->second, disk.cuts);
    return DiskChain{path_of(disk.volume_id, known->second), bases_of(disk, known->second)};
}

Result<std::vector<std::string>> NullStorage::list_contents() {
    std::lock_guard lock(mutex_);
    return std::vector<std::string>(contents_.begin(), contents_.end());
}

Status NullStorage::remove_content(const std::string& sha256) {
    std::lock_guard lock(mutex_);
    contents_.erase(sha256);
    return {};
}

Result<std::string> NullStorage::add_file(const VolumeId& volume_id, std::int64_t cuts,
                                          const link::DiskKey& key) {
    std::lock_guard lock(mutex_);
    if (keys_[volume_id] != key.id)
        return fail(ErrorCode::conflict, "the disk " + volume_id.str() + " has another key");
    const auto known = disks_.find(volume_id);
    if (known == disks_.end() || known->second + 1 < cuts)
        return fail(ErrorCode::io_failure, "there is no file before " + path_of(volume_id, cuts));
    known->second = std::max(known->second, cuts);
    return path_of(volume_id, cuts);
}

Result<LayerFile> NullStorage::read_layer(const VolumeId& volume_id, std::int64_t number, std::int64_t cuts) {
    std::lock_guard lock(mutex_);
    const auto known = disks_.find(volume_id);
    const std::string path = path_of(volume_id, number);
    if (known == disks_.end() || known->second <= number || number < file_number(first_files_, volume_id))
        return fail(ErrorCode::not_found, path + " is no layer");
    if (known->second > cuts) return fail(ErrorCode::conflict, cut_too_often(volume_id, known->second, cuts));
    const bool encrypted = !keys_[volume_id].empty();
    return LayerFile{path, {hex_encode(sha256(path)), "qcow2", 1 << 20, encrypted}};
}

Status NullStorage::keep_layer(const VolumeId&, std::int64_t, const link::Content& content) {
    std::lock_guard lock(mutex_);
    contents_.insert(content.sha256);
    return {};
}

Status NullStorage::forget_layers(const VolumeId& volume_id, std::int64_t number) {
    std::lock_guard lock(mutex_);
    if (!disks_.contains(volume_id))
        return fail(ErrorCode::not_found, path_of(volume_id, number) + " is not there");
    first_files_[volume_id] = std::max(number, file_number(first_files_, volume_id));
    return {};
}

Status NullStorage::remove_disk(const VolumeId& volume_id) {
    std::lock_guard lock(mutex_);
    disks_.erase(volume_id);
    first_files_.erase(volume_id);
    keys_.erase(volume_id);
    variables_.erase(volume_id);
    return {};
}

Result<std::string> NullStorage::ensure_store_disk(const GuestId& guest_id, std::int64_t number,
                                                   std::int64_t) {
    std::lock_guard lock(mutex_);
    stores_.insert(guest_id);
    return "/simulated/instance-store/" + guest_id.str() + "." + std::to_string(number);
}

Status NullStorage::remove_store_disks(const GuestId& guest_id) {
    std::lock_guard lock(mutex_);
    stores_.erase(guest_id);
    return {};
}

Result<std::vector<GuestId>> NullStorage::list_store_disks() {
    std::lock_guard lock(mutex_);
    return std::vector<GuestId>(stores_.begin(), stores_.end());
}

Result<std::vector<VolumeId>> NullStorage::list_disks() {
    std::lock_guard lock(mutex_);
    std::vector<VolumeId> all;
    for (const auto& [id, cuts] : disks_) all.push_back(id);
    return all;
}

Result<Firmware> NullStorage::ensure_firmware(const VolumeId& root_volume_id) {
    std::lock_guard lock(mutex_);
    variables_.insert(root_volume_id);
    return Firmware{"/simulated/uefi.fd", "/simulated/disks/" + root_volume_id.str() + ".fd"};
}

Status NullStorage::remove_variables(const VolumeId& root_volume_id) {
    std::lock_guard lock(mutex_);
    variables_.erase(root_volume_id);
    return {};
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
    disks_.try_emplace(volume_id, 0);
}

bool NullStorage::has_disk(const VolumeId& volume_id) const {
    std::lock_guard lock(mutex_);
    return disks_.contains(volume_id);
}

std::int64_t NullStorage::first_file(const VolumeId& volume_id) const {
    std::lock_guard lock(mutex_);
    return file_number(first_files_, volume_id);
}

std::optional<std::int64_t> NullStorage::last_file(const VolumeId& volume_id) const {
    std::lock_guard lock(mutex_);
    const auto found = disks_.find(volume_id);
    return found == disks_.end() ? std::nullopt : std::optional(found->second);
}

bool NullStorage::has_variables(const VolumeId& root_volume_id) const {
    std::lock_guard lock(mutex_);
    return variables_.contains(root_volume_id);
}

std::size_t NullStorage::disk_count() const {
    std::lock_guard lock(mutex_);
    return disks_.size();
}

}  // namespace lodge::agent

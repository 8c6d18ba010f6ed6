// Disks and consoles in files under one folder:
//
//     images/<sha256>         cached images, kernels, ramdisks
//     disks/<volume>.qcow2    volumes: overlays on cached images and layers, or empty at first
//     disks/<volume>.N.qcow2  what the volume writes to after the Nth cut; those before it are layers
//     disks/<volume>.fd       the variables of the firmware that boots from that root disk
//     instance-store/<guest>.N.qcow2  disks that end with their guest
//     consoles/<instance>.log what virtlogd writes
//     lock                    held by the one process that uses the folder
//
// See storage.h for what the calls promise.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/domain/disk_file.h"
#include "agent/storage/files.h"
#include "agent/storage/image_cache.h"
#include "agent/storage/storage.h"

namespace lodge::agent {

// A folder that several hosts have mounted, and keep the files of volumes in: each host in a folder of its
// own, named by its ID. Which volumes are whose the control plane says; a volume's files go from one of these
// folders to another by being renamed.
struct SharedPool {
    std::filesystem::path folder;
    std::string name;
    HostId host_id;
};

// UEFI's firmware as the host has it.
struct UefiFiles {
    std::filesystem::path code = "/usr/share/OVMF/OVMF_CODE_4M.fd";
    std::filesystem::path variables = "/usr/share/OVMF/OVMF_VARS_4M.fd";  // that machines begin with
};

class FileStorage final : public Storage {
  public:
    // Makes the folders, sweeps what a crash left unfinished. `conflict` when another process uses `root`.
    // With a `pool` volumes are there in place of disks/; invalid_input when its folder has no file
    // "lodge-pool" with the pool's name in it, as when it is not mounted.
    // QEMU's user must be able to pass through all folders above; a warning is logged about one that it may
    // not.
    static Result<std::unique_ptr<FileStorage>> open(std::filesystem::path root, FetchImage fetch,
                                                     UefiFiles uefi = {},
                                                     std::optional<SharedPool> pool = std::nullopt);

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

  private:
    FileStorage(std::filesystem::path root, Fd lock, FetchImage fetch, UefiFiles uefi,
                std::optional<SharedPool> pool);
    std::filesystem::path disk_path(const VolumeId& volume_id, std::int64_t number) const;
    std::filesystem::path variables_path(const VolumeId& root_volume_id) const;
    Result<std::vector<DiskFile>> list_files() const;
    // Their numbers, the first one first.
    Result<std::vector<std::int64_t>> files_of(const VolumeId& volume_id) const;
    Result<std::int64_t> flat_file_of(const VolumeId& volume_id) const;
    Status remove_marks(const VolumeId& volume_id, std::int64_t before) const;
    Status take_over(const VolumeId& volume_id) const;
    Result<std::vector<std::filesystem::path>> files_elsewhere(const VolumeId& volume_id) const;
    Status ensure_contents(const WantedDisk& disk);
    Status ensure_base(const WantedDisk& disk, const link::Content& content);
    Result<std::int64_t> make_files(const WantedDisk& disk, const std::vector<std::int64_t>& there) const;
    Result<std::vector<BaseFile>> bases_of(const WantedDisk& disk, std::int64_t last,
                                           std::int64_t flat) const;
    Status check_files(const WantedDisk& disk, const std::vector<std::int64_t>& there) const;
    Status make_file(const VolumeId& volume_id, std::int64_t number, std::int64_t size_bytes,
                     const link::DiskKey& key) const;

    const std::filesystem::path root_;
    const std::optional<SharedPool> pool_;
    const std::filesystem::path disks_;
    const Fd lock_;
    const UefiFiles uefi_;
    ImageCache images_;
    std::mutex files_mutex_;  // while files of disks, marks and variables are made, changed or removed
};

}  // namespace lodge::agent

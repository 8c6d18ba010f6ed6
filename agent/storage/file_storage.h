// Disks and consoles in files under one folder:
//
//     images/<sha256>         cached images, kernels, ramdisks
//     disks/<volume>.qcow2    volumes: overlays on cached images, or empty at first
//     consoles/<instance>.log what virtlogd writes
//     lock                    held by the one process that uses the folder
//
// See storage.h for what the calls promise.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "agent/storage/files.h"
#include "agent/storage/image_cache.h"
#include "agent/storage/storage.h"

namespace lodge::agent {

class FileStorage final : public Storage {
  public:
    // Makes the folders, sweeps what a crash left unfinished. `conflict` when another process uses `root`.
    // QEMU's user must be able to pass through all folders above; a warning is logged about one that it may
    // not.
    static Result<std::unique_ptr<FileStorage>> open(std::filesystem::path root, FetchImage fetch);

    Result<std::string> ensure_image(const link::Content& content) override;
    bool has_image(const link::Content& content) override;
    Result<std::string> ensure_disk(const WantedDisk& disk) override;
    Status remove_disk(const VolumeId& volume_id) override;
    Result<std::vector<VolumeId>> list_disks() override;
    std::string console_path(const InstanceId& instance_id) const override;
    Result<std::string> console_tail(const InstanceId& instance_id, std::size_t max_bytes) override;
    Status remove_console(const InstanceId& instance_id) override;
    Result<DiskSpace> disk_space() override;

  private:
    FileStorage(std::filesystem::path root, Fd lock, FetchImage fetch);
    std::filesystem::path disk_path(const VolumeId& volume_id) const;
    // `base`: the path of its image; empty: none.
    Status keep_existing(const WantedDisk& disk, const std::string& base) const;
    Status make_disk(const WantedDisk& disk, const std::string& base) const;
    Status check_base(const WantedDisk& disk, const std::string& base) const;

    const std::filesystem::path root_;
    const Fd lock_;
    ImageCache images_;
};

}  // namespace lodge::agent

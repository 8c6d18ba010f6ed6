// The seam to what guests' disks and consoles are kept in. Two implementations: files, and none for simulated
// hosts. Every call is idempotent, may block on the disk (or, ensure_image and ensure_disk, on fetching an
// image), and is safe from several threads for different volumes and instances. Errors are io_failure with a
// sentence that names the file, unless said otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/domain/guest_spec.h"
#include "proto/agent/messages.h"
#include "proto/base/result.h"

namespace lodge::agent {

// A disk as it is to be.
struct WantedDisk {
    VolumeId volume_id;
    std::int64_t size_bytes = 0;
    link::Content image;      // what it starts as; none: empty
    bool must_exist = false;  // it was there before: a missing one is an error, never a new one
    bool grow = true;         // one that is smaller; not while a machine may have it
    std::vector<link::Content> layers = {};  // as a link::GuestDisk's
    std::int64_t cuts = 0;                   // the same
    link::DiskKey key = {};                  // the same
};

// A disk as it is.
struct DiskChain {
    std::string path;
    std::vector<BaseFile> bases;  // what it lies on, the next one first
};

// A file that became a layer.
struct LayerFile {
    std::string path;
    link::Content content;
};

inline std::string cut_too_often(const VolumeId& volume_id, std::int64_t last, std::int64_t known) {
    return "the disk " + volume_id.str() + " has been cut " + std::to_string(last) +
           " times, and the control plane knows of " + std::to_string(known) +
           ": it was restored from a backup, and no snapshot is made of the disk";
}

struct DiskSpace {
    std::int64_t total_mib = 0;
    std::int64_t free_mib = 0;
};

class Storage {
  public:
    virtual ~Storage() = default;

    // The absolute path of the host's verified copy of an image, kernel or ramdisk, fetched if need be. Waits
    // when another thread is fetching the same one.
    virtual Result<std::string> ensure_image(const link::Content& content) = 0;
    // Whether ensure_image() has its copy at hand: it will not fetch, nor hash what it has.
    virtual bool has_image(const link::Content& content) = 0;
    // What there are copies of, by hash.
    virtual Result<std::vector<std::string>> list_contents() = 0;
    // Success when there is none. Who uses it at the time goes on with it.
    virtual Status remove_content(const std::string& sha256) = 0;
    // The volume's qcow2 file, by absolute paths, over its layers and its image (which are ensured as well),
    // or over none. One that is there already keeps what it holds, and grows if it is to. If there are fewer
    // than `cuts` files before it, the last one becomes a layer and an empty one takes its place. not_found
    // when it must exist and does not; invalid_input when the image does not fit; conflict when a file is
    // encrypted that is not to be, or the other way round; service_unavailable when the disk's key is not
    // told.
    virtual Result<DiskChain> ensure_disk(const WantedDisk& disk) = 0;
    // An empty file for the disk whose machine runs on file `cuts` - 1, unless an earlier call left one; its
    // path. Encrypted, if there is a key.
    virtual Result<std::string> add_file(const VolumeId& volume_id, std::int64_t cuts,
                                         const link::DiskKey& key) = 0;
    // One of the disk's files, which nobody writes to any more, of a disk that is to write to file `cuts`.
    // not_found when it is not there; conflict when the disk has been cut more often than that: a control
    // plane that was restored from a backup means another file by that number.
    virtual Result<LayerFile> read_layer(const VolumeId& volume_id, std::int64_t number,
                                         std::int64_t cuts) = 0;
    // The file, which nobody writes to any more, is what the image cache has under that name from now on.
    virtual Status keep_layer(const VolumeId& volume_id, std::int64_t number,
                              const link::Content& content) = 0;
    // Nothing lies under the disk's file of that number, and nobody needs the earlier ones as layers: they
    // go, and ensure_disk() asks for nothing under that file again. not_found when the file is not there.
    virtual Status forget_layers(const VolumeId& volume_id, std::int64_t number) = 0;
    // All its files, its firmware's variables among them. Success when there is none.
    virtual Status remove_disk(const VolumeId& volume_id) = 0;

    // An empty qcow2 file for the guest's instance-store disk of that number, unless there is one; its path.
    virtual Result<std::string> ensure_store_disk(const GuestId& guest_id, std::int64_t number,
                                                  std::int64_t size_bytes) = 0;
    // All of the guest's. Success when there is none.
    virtual Status remove_store_disks(const GuestId& guest_id) = 0;
    // Whose there are.
    virtual Result<std::vector<GuestId>> list_store_disks() = 0;

    // The disks that are there, whoever wanted them; files that are no volume's are not named.
    virtual Result<std::vector<VolumeId>> list_disks() = 0;

    // UEFI's firmware for the machine whose root disk that is. Its variables begin as the host's template and
    // last as long as the disk, or until they are removed. not_found when the host has no such firmware.
    virtual Result<Firmware> ensure_firmware(const VolumeId& root_volume_id) = 0;
    // Success when there are none.
    virtual Status remove_variables(const VolumeId& root_volume_id) = 0;

    // Where the instance's console output is to go.
    virtual std::string console_path(const InstanceId& instance_id) const = 0;
    // The last `max_bytes` of it; empty when there is none yet.
    virtual Result<std::string> console_tail(const InstanceId& instance_id, std::size_t max_bytes) = 0;
    virtual Status remove_console(const InstanceId& instance_id) = 0;

    virtual Result<DiskSpace> disk_space() = 0;
};

}  // namespace lodge::agent

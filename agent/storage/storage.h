// The seam to what guests' disks and consoles are kept in. Two implementations: files, and none for simulated
// hosts. Every call is idempotent, may block on the disk (or, ensure_image and ensure_disk, on fetching an
// image), and is safe from several threads for different volumes and instances. Errors are io_failure with a
// sentence that names the file, unless said otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/agent/messages.h"
#include "proto/base/result.h"

namespace lodge::agent {

// A disk as it is to be.
struct WantedDisk {
    VolumeId volume_id;
    std::int64_t size_bytes = 0;
    link::Content image;      // what it starts as; none: empty
    bool must_exist = false;  // it was there before: a missing one is an error, never a new empty disk
    bool grow = true;         // one that is smaller; not while a machine may have it
};

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
    // The absolute path of the volume's qcow2 file: an overlay on its image (which is ensured as well), or
    // one without. One that is there already keeps what it holds, and grows if it is to. not_found when it
    // must exist and does not; invalid_input when the image does not fit.
    virtual Result<std::string> ensure_disk(const WantedDisk& disk) = 0;
    // Success when there is none.
    virtual Status remove_disk(const VolumeId& volume_id) = 0;

    // The disks that are there, whoever wanted them; files that are no volume's are not named.
    virtual Result<std::vector<VolumeId>> list_disks() = 0;

    // Where the instance's console output is to go.
    virtual std::string console_path(const InstanceId& instance_id) const = 0;
    // The last `max_bytes` of it; empty when there is none yet.
    virtual Result<std::string> console_tail(const InstanceId& instance_id, std::size_t max_bytes) = 0;
    virtual Status remove_console(const InstanceId& instance_id) = 0;

    virtual Result<DiskSpace> disk_space() = 0;
};

}  // namespace lodge::agent

#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/attachment_state.h"

namespace lodge {

// A disk, and where it is attached. It has no host, and no file, before an instance first has it; from then
// on its file is on that instance's host until the host has removed it.
struct Volume {
    VolumeId id;
    AccountId account_id;
    std::string region;
    std::string zone;
    HostId host_id;  // empty: none yet
    std::int64_t size_bytes = 0;
    std::string type;             // "gp2", "gp3", …
    std::int64_t iops = 0;        // 0: the type has none to tell
    std::int64_t throughput = 0;  // MiB a second; the same
    ImageId image_id;             // whose overlay it is; empty: it began empty
    SnapshotId snapshot_id;       // that it was made from; empty: none
    SnapshotId below_id;          // whose layer its file lies on; empty: none
    std::int64_t cuts = 0;        // snapshots that left it a new file: its file's number on its host
    std::int64_t flat = -1;  // its file of that number holds all of it, once that was cut; see note_flat()
    std::string key_id;      // of what its files are encrypted with; empty: they are not
    bool made = false;       // its host has its file for certain: a missing one is never made anew
    bool deleting = false;   // until its host has removed the file
    bool modifying = false;  // until its guest has it as it is written here
    bool auto_enable_io = false;  // kept for who asks; I/O is never disabled
    UnixMs created_ms = 0;
    InstanceId instance_id;  // that has it
    bool is_root = false;
    AttachmentState attachment_state = AttachmentState::none;
    std::string device;  // as the API names it: "/dev/vda"
    UnixMs attached_ms = 0;
    bool delete_on_termination = false;
};

// How large and fast a volume is, or is to be.
struct VolumeShape {
    std::int64_t size_bytes = 0;
    std::string type;
    std::int64_t iops = 0;
    std::int64_t throughput = 0;
};

// The last change of a volume's shape that was asked for.
struct VolumeModification {
    VolumeId id;  // the volume's
    AccountId account_id;
    std::string region;
    VolumeShape original;
    VolumeShape target;
    UnixMs started_ms = 0;
    UnixMs ended_ms = 0;  // 0: it goes on
};

// How many volumes an instance may have besides its root disk: what its guest has ports for.
constexpr std::int64_t most_data_volumes(std::int64_t vcpus) {
    return vcpus <= 8 ? 8 : vcpus <= 32 ? 16 : 27;
}

}  // namespace lodge

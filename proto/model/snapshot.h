#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge {

// `deleted`: seen by nobody, and there for as long as others lie on its layer.
enum class SnapshotState { pending, completed, error, deleted };

template <>
struct EnumText<SnapshotState> {
    static constexpr std::array words = {std::pair{SnapshotState::pending, std::string_view("pending")},
                                         std::pair{SnapshotState::completed, std::string_view("completed")},
                                         std::pair{SnapshotState::error, std::string_view("error")},
                                         std::pair{SnapshotState::deleted, std::string_view("deleted")}};
};

// What a volume held at one moment: its layer, a file that holds what is not in those below it. They are the
// parent's layer and its parents', and beneath all of them the image's content. See
// scheduler/volumes/README.md.
struct Snapshot {
    SnapshotId id;
    AccountId account_id;
    std::string region;
    VolumeId volume_id;
    std::int64_t volume_size_bytes = 0;
    SnapshotId parent_id;  // empty: none
    ImageId image_id;      // empty: none
    SnapshotState state = SnapshotState::pending;
    std::string state_message;  // why it is in error
    std::string description;
    UnixMs created_ms = 0;
    UnixMs completed_ms = 0;
    HostId host_id;               // that has the layer's file; empty once it is in the image folder
    std::int64_t cut = 0;         // the file's number on that host
    std::string sha256;           // of the layer, in the image folder; empty: not there yet, or there is none
    std::int64_t size_bytes = 0;  // of the layer
    std::int64_t progress = 0;    // per cent
    bool is_public = false;
    std::string key_id;  // of what its layer is encrypted with; empty: it is not
};

}  // namespace lodge

// Takes in the layers of snapshots that hosts send in pieces, and places them in the image folder.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "api/images/folder.h"
#include "proto/base/random.h"
#include "scheduler/reconcile/agents.h"

namespace lodge::api {

// Thread-safe; methods block on the disk and the database.
class LayerReceiver {
  public:
    LayerReceiver(scheduler::Agents& agents, std::filesystem::path image_dir, const Clock& clock,
                  Random& random);

    // The next piece of a layer that `host_id` has to send; offset 0 begins anew. not_found: none is wanted
    // of it; conflict: another piece is the next one; io_failure: the folder is full or broken.
    Result<link::LayerReply> piece(const HostId& host_id, const SnapshotId& id, std::int64_t offset,
                                   std::int64_t total, std::string_view bytes);
    // conflict: not all of it is here. invalid_input: it is no layer that Lodge would make.
    Result<link::LayerReply> finish(const HostId& host_id, const link::LayerRequest& request);

  private:
    struct Upload {
        std::mutex mutex;
        HostId host_id;
        std::int64_t total = 0;
        std::int64_t told_per_cent = 0;
        std::int64_t last_ms = 0;  // steady
        images::ImageFolder folder;
        std::unique_ptr<images::IncomingFile> file;

        Upload(HostId from, std::int64_t bytes, images::ImageFolder into)
            : host_id(std::move(from)), total(bytes), folder(std::move(into)) {}
    };

    std::shared_ptr<Upload> find(const HostId& host_id, const SnapshotId& id);
    Result<std::shared_ptr<Upload>> begin(const HostId& host_id, const SnapshotId& id, std::int64_t total);
    Status place(Upload& upload, const link::Content& content) const;
    Result<bool> has(const link::Content& content) const;
    void forget_idle();

    scheduler::Agents& agents_;
    const std::filesystem::path image_dir_;
    const Clock& clock_;
    Random& random_;
    std::mutex mutex_;
    std::map<SnapshotId, std::shared_ptr<Upload>> uploads_;
};

}  // namespace lodge::api

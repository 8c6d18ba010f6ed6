#include "api/link/layer_receiver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "api/images/descriptor.h"
#include "api/images/probe.h"

namespace lodge::api {
namespace {

constexpr std::int64_t idle_ms = 600'000;  // after that a sender that has gone silent begins anew
constexpr std::int64_t spare_bytes = std::int64_t{1} << 30;  // for what else is in the folder's file system
constexpr std::int64_t told_step = 10;
constexpr std::uint64_t most_virtual_bytes = std::uint64_t{64} << 40;

tl::unexpected<Error> not_here(const SnapshotId& id) {
    return fail(ErrorCode::conflict, "not all of the layer of " + id.str() + " is here");
}

Status check_layer(int file, const link::Content& content) {
    return images::check_layer(file, content.size_bytes, content.encrypted, most_virtual_bytes);
}

}  // namespace

LayerReceiver::LayerReceiver(scheduler::Agents& agents, std::filesystem::path image_dir, const Clock& clock,
                             Random& random)
    : agents_(agents), image_dir_(std::move(image_dir)), clock_(clock), random_(random) {}

// While one is there the folder is not swept.
void LayerReceiver::forget_idle() {
    std::lock_guard lock(mutex_);
    std::erase_if(uploads_, [&](const auto& each) {
        const std::unique_lock busy(each.second->mutex, std::try_to_lock);
        return busy && clock_.steady_ms() - each.second->last_ms > idle_ms;
    });
}

std::shared_ptr<LayerReceiver::Upload> LayerReceiver::find(const HostId& host_id, const SnapshotId& id) {
    std::lock_guard lock(mutex_);
    const auto found = uploads_.find(id);
    return found != uploads_.end() && found->second->host_id == host_id ? found->second : nullptr;
}

Result<std::shared_ptr<LayerReceiver::Upload>> LayerReceiver::begin(const HostId& host_id,
                                                                    const SnapshotId& id,
                                                                    std::int64_t total) {
    LODGE_CHECK(agents_.awaited_layer(host_id, id).map([](auto&&) {}));
    LODGE_TRY(auto folder, images::ImageFolder::open(image_dir_));
    LODGE_TRY(const std::int64_t room, folder.free_bytes());
    if (total <= 0 || total > room - spare_bytes)
        return fail(ErrorCode::io_failure,
                    fmt::format("the layer of {} has {} bytes, and the control plane has room for {}",
                                id.str(), total, room - spare_bytes));
    auto upload = std::make_shared<Upload>(host_id, total, std::move(folder));
    LODGE_TRY(upload->file, upload->folder.receive(random_));
    std::lock_guard lock(mutex_);
    uploads_[id] = upload;
    return upload;
}

Result<link::LayerReply> LayerReceiver::piece(const HostId& host_id, const SnapshotId& id,
                                              std::int64_t offset, std::int64_t total,
                                              std::string_view bytes) {
    forget_idle();
    auto upload = find(host_id, id);
    if (offset == 0) {
        LODGE_TRY(upload, begin(host_id, id, total));
    }
    if (!upload) return not_here(id);
    std::int64_t per_cent = 0;
    {
        std::lock_guard lock(upload->mutex);
        const auto size = static_cast<std::int64_t>(bytes.size());
        if (upload->file->size_bytes() != offset || total != upload->total || size > total - offset)
            return fail(ErrorCode::conflict, "that is not the next piece of the layer of " + id.str());
        LODGE_CHECK(upload->file->write(bytes));
        upload->last_ms = clock_.steady_ms();
        per_cent = (offset + size) * 99 / total;
        if (per_cent < upload->told_per_cent + told_step) return link::LayerReply{};
        upload->told_per_cent = per_cent;
    }
    agents_.note_progress(host_id, id, per_cent);
    return link::LayerReply{};
}

Status LayerReceiver::place(Upload& upload, const link::Content& content) const {
    std::lock_guard lock(upload.mutex);
    LODGE_CHECK(upload.file->finish());
    if (upload.file->size_bytes() != upload.total || upload.total != content.size_bytes ||
        upload.file->sha256() != content.sha256)
        return fail(ErrorCode::conflict, "what has come is not the layer that was to come");
    LODGE_CHECK(check_layer(upload.file->fd(), content));
    return upload.folder.place(*upload.file).map([](auto&&) {});
}

// By an earlier call, or as another snapshot's.
Result<bool> LayerReceiver::has(const link::Content& content) const {
    const auto path = image_dir_ / content.sha256;
    const images::Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat found {};
    if (!file.open() || ::fstat(file.get(), &found) != 0 || found.st_size != content.size_bytes) return false;
    LODGE_CHECK(check_layer(file.get(), content));
    return true;
}

Result<link::LayerReply> LayerReceiver::finish(const HostId& host_id, const link::LayerRequest& request) {
    const auto upload = find(host_id, request.snapshot_id);
    // Held until the snapshot says that it uses the content: nobody sweeps it meanwhile.
    LODGE_TRY(const auto folder, images::ImageFolder::open(image_dir_));
    LODGE_TRY(const bool there, has(request.content));
    if (!there) {
        if (!upload) return not_here(request.snapshot_id);
        {
            std::lock_guard lock(mutex_);
            uploads_.erase(request.snapshot_id);  // no piece comes to it any more
        }
        LODGE_CHECK(place(*upload, request.content));
    }
    return agents_.layer(host_id, request);
}

}  // namespace lodge::api

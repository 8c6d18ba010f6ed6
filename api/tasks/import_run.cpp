#include "api/tasks/import_run.h"

#include <fmt/format.h>

#include "api/actions/block_devices.h"
#include "api/actions/image_view.h"
#include "api/images/convert.h"
#include "api/images/import.h"
#include "api/images/probe.h"
#include "db/store/images.h"
#include "db/store/import_tasks.h"
#include "db/store/snapshots.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::api::tasks {
namespace {

using images::ImageFolder;
using images::IncomingFile;

constexpr std::int64_t nearly_done_per_cent = 98;

// A disk as it has become content of the image folder.
struct Layer {
    link::Content content;
    std::int64_t source_bytes = 0;
    std::int64_t disk_bytes = 0;  // whole GiB
};

class ImportRun {
  public:
    ImportRun(const Tools& tools, const ImportTask& task, Progress& progress)
        : tools_(tools), task_(task), progress_(progress) {}

    Status run() {
        auto folder = ImageFolder::open(tools_.image_dir);
        if (!folder) return fail(ErrorCode::io_failure, "the image folder cannot be used");
        auto done = bring_all(*folder);
        if (!done) take_back(*folder);
        return done;
    }

  private:
    Status bring_all(ImageFolder& folder) {
        std::vector<Layer> layers;
        for (const auto& disk : task_.disks) {
            LODGE_TRY(auto layer, bring(folder, disk));
            layers.push_back(std::move(layer));
        }
        progress_.enter(task_.kind == ImportKind::image ? "preparing ami" : "completing",
                        nearly_done_per_cent, nearly_done_per_cent);
        // The folder is still held: what is placed is not swept before it is known.
        return tools_.database.write([&](db::Session& session) { return commit(session, layers); });
    }

    void take_back(ImageFolder& folder) {
        for (const auto& sha256 : placed_)
            folder.remove_unless(sha256, [&] {
                const auto used = tools_.database.read([&](db::Session& session) -> Result<bool> {
                    return db::images::content_in_use(session, sha256);
                });
                return !used || *used;
            });
    }

    // A step of the present disk: from its how manyth per cent on to which.
    void enter(const ImportDisk& disk, const std::string& message, std::int64_t from, std::int64_t to) {
        const auto disks = static_cast<std::int64_t>(task_.disks.size());
        auto at = [&](std::int64_t per_cent) {
            return (disk.position * 100 + per_cent) * nearly_done_per_cent / (disks * 100);
        };
        progress_.enter(message, at(from), at(to));
    }

    Result<Layer> bring(ImageFolder& folder, const ImportDisk& disk) {
        enter(disk, "downloading", 1, 45);
        LODGE_TRY(auto received, receive(folder, disk));
        Layer layer;
        layer.source_bytes = received.file->size_bytes();
        layer.disk_bytes = gib_of(received.virtual_size_bytes) * gib;
        LODGE_TRY(const auto file, convert(folder, disk, received));
        received.file.reset();
        LODGE_CHECK(file->take_in([&] { return progress_.cancelled(); }));
        LODGE_CHECK(file->finish());
        // Nobody is to have to believe qemu-img.
        LODGE_CHECK(images::check_layer(file->fd(), file->size_bytes(), false,
                                        static_cast<std::uint64_t>(tools_.most_disk_bytes)));
        // Whatever becomes of us, the sweep knows that it may go.
        LODGE_CHECK(tools_.database.write([&](db::Session& session) -> Status {
            db::snapshots::note_former_layer(session, file->sha256());
            return {};
        }));
        LODGE_TRY(const auto placed, folder.place(*file));
        if (placed == ImageFolder::Placed::made) placed_.push_back(file->sha256());
        layer.content = {file->sha256(), "qcow2", file->size_bytes()};
        return layer;
    }

    Result<images::Received> receive(ImageFolder& folder, const ImportDisk& disk) {
        // Asked again: what is allowed may have changed since the request.
        LODGE_TRY(const auto source, disk.bucket.empty()
                                         ? images::find_source(tools_.places, disk.url)
                                         : images::find_object(tools_.places, disk.bucket, disk.object_key));
        images::ContentRequest request;
        request.source = source.url.empty() ? source.file : source.url;
        request.format = disk.format;
        images::Descriptor file;
        if (source.url.empty()) {
            LODGE_TRY(file, images::open_below(source.folder, source.file));
            request.file = file.get();
        }
        images::ImportOptions options;
        options.probe.program = tools_.qemu_img;
        options.probe.max_virtual_size_bytes = static_cast<std::uint64_t>(tools_.most_disk_bytes);
        options.progress = [&](std::int64_t done, std::int64_t total) {
            progress_.advance(done, total);
            if (done == total) enter(disk, "validating", 45, 50);
        };
        options.may_follow = [&](const std::string& url) { return check_allowed(tools_.places, url); };
        options.cancelled = [&] { return progress_.cancelled(); };
        return receive_content(folder, request, options, tools_.random);
    }

    Result<std::unique_ptr<IncomingFile>> convert(ImageFolder& folder, const ImportDisk& disk,
                                                  const images::Received& received) {
        enter(disk, "converting", 50, 95);
        LODGE_TRY(auto file, folder.receive(tools_.random));
        images::ConvertOptions options;
        options.program = tools_.qemu_img;
        options.most_bytes = most_file_bytes(received.virtual_size_bytes);
        options.cancelled = [&] { return progress_.cancelled() || !images::check_room(folder, 0); };
        options.progress = [&](std::int64_t per_cent) { progress_.advance(per_cent, 100); };
        const auto done =
            images::convert_disk({{received.file->fd(), disk.format}}, file->fd(), "qcow2", options);
        if (done) return file;
        // Whatever qemu-img says of it: what it has written is still there.
        LODGE_CHECK(images::check_room(folder, 0));
        return tl::unexpected<Error>(done.error());
    }

    Status commit(db::Session& session, const std::vector<Layer>& layers) {
        auto task = db::import_tasks::find_any(session, task_.id.str());
        if (!task || task->progress.state != TaskState::active)
            return fail(ErrorCode::io_failure, "interrupted");
        for (std::size_t i = 0; i < layers.size(); ++i) {
            auto& disk = task->disks[i];
            disk.size_bytes = layers[i].source_bytes;
            disk.snapshot_id = make_snapshot(session, *task, disk, layers[i]);
        }
        if (task->kind == ImportKind::image) {
            LODGE_TRY(task->image_id, make_image(session, *task, layers));
        }
        task->progress = {TaskState::completed, "", 100, task->progress.attempts, tools_.clock.now_ms()};
        db::import_tasks::update(session, *task);
        return {};
    }

    SnapshotId make_snapshot(db::Session& session, const ImportTask& task, const ImportDisk& disk,
                             const Layer& layer) {
        Snapshot snapshot;
        snapshot.id = SnapshotId::make(tools_.random);
        snapshot.account_id = task.account_id;
        snapshot.region = task.region;
        snapshot.created_ms = tools_.clock.now_ms();
        const bool named = task.kind == ImportKind::snapshot && !task.description.empty();
        snapshot.description = named ? task.description
                               : !disk.description.empty()
                                   ? disk.description
                                   : "Created by AWS-VMImport service for " + task.id.str();
        volumes::insert_imported(session, snapshot, layer.content, layer.disk_bytes, snapshot.created_ms);
        return snapshot.id;
    }

    Result<ImageId> make_image(db::Session& session, const ImportTask& task,
                               const std::vector<Layer>& layers) {
        Image image;
        image.id = make_image_id(tools_.random, ImageType::machine);
        image.account_id = task.account_id;
        image.region = task.region;
        image.name = task.id.str();
        image.description = task.description;
        image.architecture = task.architecture;
        image.boot_mode = task.boot_mode;
        image.location = task.account_id + "/" + image.name;
        image.root_device_name = task.disks.front().device;
        image.created_ms = tools_.clock.now_ms();
        if (auto taken = db::images::find_by_name(session, image.account_id, image.region, image.name))
            return fail(ErrorCode::invalid_ami_name_duplicate, image.name, taken->id.str());
        for (std::size_t i = 0; i < layers.size(); ++i) {
            ImageDisk disk;
            disk.device = task.disks[i].device;
            disk.snapshot_id = task.disks[i].snapshot_id;
            const VolumeShape base{layers[i].disk_bytes, std::string(default_volume_type)};
            LODGE_TRY(disk.shape, changed_shape(base, {}));
            image.disks.push_back(std::move(disk));
        }
        db::images::insert(session, image);
        return image.id;
    }

    const Tools& tools_;
    const ImportTask& task_;
    Progress& progress_;
    std::vector<std::string> placed_;
};

}  // namespace

Status run_import(const Tools& tools, const ImportTask& task, Progress& progress) {
    return ImportRun(tools, task, progress).run();
}

}  // namespace lodge::api::tasks

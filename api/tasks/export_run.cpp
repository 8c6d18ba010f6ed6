#include "api/tasks/export_run.h"

#include <fcntl.h>

#include <algorithm>

#include "api/images/convert.h"
#include "api/images/folder.h"
#include "api/tasks/destination.h"
#include "db/store/export_tasks.h"
#include "db/store/images.h"
#include "db/store/snapshots.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::api::tasks {
namespace {

// What qemu-img makes of each format: VMDK as VMware's tools export it, VHD of exactly the disk's size.
struct Format {
    std::string_view name;
    std::string_view ending;
    std::string_view options;
};
constexpr Format formats[] = {{"RAW", "raw", "raw"},
                              {"VMDK", "vmdk", "vmdk,subformat=streamOptimized"},
                              {"VHD", "vhd", "vpc,subformat=dynamic,force_size=on"}};

const Format& format_of(const ExportTask& task) {
    return *std::find_if(std::begin(formats), std::end(formats) - 1,
                         [&](const Format& each) { return each.name == task.format; });
}

Result<std::unique_ptr<Destination>> open_destination(const Tools& tools, const ExportTask& task) {
    LODGE_TRY(const auto target, images::find_target(tools.places, task.bucket, task.prefix));
    return Destination::open(target, task.id.str() + "." + std::string(format_of(task).ending));
}

// The files of an image's root disk, the lowest first.
struct Chain {
    std::vector<link::Content> files;
    std::int64_t disk_bytes = 0;
};

Result<Chain> chain_of(db::Session& session, const ExportTask& task) {
    const auto image = db::images::find_any(session, task.image_id.str());
    if (!image || image->state != ImageState::available)
        return fail(ErrorCode::invalid_input, "the image is not there any more");
    if (image->disks.empty())
        return Chain{{{image->blob.sha256, image->blob.format, image->blob.size_bytes}},
                     image->blob.virtual_size_bytes};
    const auto snapshot = db::snapshots::find_any(session, image->disks.front().snapshot_id.str());
    if (!snapshot) return fail(ErrorCode::invalid_input, "the image's snapshot is not there any more");
    Chain chain;
    chain.disk_bytes = snapshot->volume_size_bytes;
    const auto base = db::images::find_any(session, snapshot->image_id.str());
    if (base) chain.files.push_back({base->blob.sha256, base->blob.format, base->blob.size_bytes});
    const auto layers = volumes::layers_of(session, snapshot->id);
    chain.files.insert(chain.files.end(), layers.begin(), layers.end());
    if (chain.files.empty()) return fail(ErrorCode::invalid_input, "the image's disk is empty");
    return chain;
}

class ExportRun {
  public:
    ExportRun(const Tools& tools, const ExportTask& task, Progress& progress)
        : tools_(tools), task_(task), progress_(progress) {}

    Status run() {
        // Held to the end: nothing of the image is swept meanwhile.
        const auto folder = images::ImageFolder::open(tools_.image_dir);
        if (!folder) return fail(ErrorCode::io_failure, "the image folder cannot be used");
        LODGE_TRY(const auto chain,
                  tools_.database.read([&](db::Session& session) { return chain_of(session, task_); }));
        LODGE_TRY(const auto files, open_files(chain));
        LODGE_TRY(const auto destination, open_destination(tools_, task_));
        LODGE_CHECK(convert(chain, files, *destination));
        if (progress_.cancelled()) return fail(ErrorCode::io_failure, "interrupted");
        LODGE_CHECK(destination->finish());
        return tools_.database.write([&](db::Session& session) { return complete(session); });
    }

  private:
    Result<std::vector<images::Descriptor>> open_files(const Chain& chain) const {
        std::vector<images::Descriptor> files;
        for (const auto& content : chain.files) {
            const auto path = tools_.image_dir / content.sha256;
            files.emplace_back(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
            if (content.sha256.empty() || !files.back().open())
                return fail(ErrorCode::io_failure, "a part of the image is missing in the image folder");
        }
        return files;
    }

    Status convert(const Chain& chain, const std::vector<images::Descriptor>& files,
                   const Destination& destination) {
        progress_.enter("converting", 1, 95);
        std::vector<images::ConvertPart> parts;
        for (std::size_t i = 0; i < files.size(); ++i)
            parts.push_back({files[i].get(), chain.files[i].format});
        images::ConvertOptions options;
        options.program = tools_.qemu_img;
        options.most_bytes = most_file_bytes(chain.disk_bytes);
        options.cancelled = [&] { return progress_.cancelled() || !destination.check_room(0); };
        options.progress = [&](std::int64_t per_cent) { progress_.advance(per_cent, 100); };
        const auto done =
            images::convert_disk(parts, destination.fd(), std::string(format_of(task_).options), options);
        if (!done) LODGE_CHECK(destination.check_room(0));
        return done;
    }

    // Cancelled at the last moment, it was too late.
    Status complete(db::Session& session) {
        auto task = db::export_tasks::find_any(session, task_.id.str());
        if (!task) return {};
        task->progress = {TaskState::completed, "", 100, task->progress.attempts, tools_.clock.now_ms()};
        db::export_tasks::update(session, *task);
        return {};
    }

    const Tools& tools_;
    const ExportTask& task_;
    Progress& progress_;
};

}  // namespace

Status run_export(const Tools& tools, const ExportTask& task, Progress& progress) {
    return ExportRun(tools, task, progress).run();
}

// Which opening it anew does.
void remove_export(const Tools& tools, const ExportTask& task) {
    static_cast<void>(open_destination(tools, task));
}

}  // namespace lodge::api::tasks

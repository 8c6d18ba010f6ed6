// ImportImage, ImportSnapshot, CancelImportTask, and the Describe calls of both. What they ask for is done by
// api/tasks. Source: EC2 reference, "ImportImage", "ImportSnapshot"; VM Import/Export user guide.
#include "db/store/import_tasks.h"

#include <array>

#include "api/actions/block_devices.h"
#include "api/actions/boot_modes.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "api/actions/task_view.h"
#include "proto/base/letters.h"
#include "proto/ec2/import_tasks.h"

namespace lodge::api {
namespace {

using Record = Tagged<ImportTask>;

constexpr std::string_view image_task_type = "import-image-task";
constexpr std::string_view snapshot_task_type = "import-snapshot-task";
constexpr std::string_view default_root_device = "/dev/sda1";  // EC2's for what is imported

// --- What is asked for

struct Format {
    std::string_view name;  // EC2's, and those it has not
    std::string_view qemu;
};
constexpr std::array formats = {Format{"RAW", "raw"},   Format{"VHD", "vpc"}, Format{"VHDX", "vhdx"},
                                Format{"VMDK", "vmdk"}, Format{"VDI", "vdi"}, Format{"QCOW2", "qcow2"}};

Result<std::string> read_format(const std::optional<std::string>& given, const std::string& of) {
    if (!given) return fail(ErrorCode::missing_parameter, of + ".Format");
    const auto name = upper_case(*given);
    if (name == "OVA")
        return fail(ErrorCode::unsupported_operation,
                    "The format OVA is not supported: unpack it (tar -xf) and import its disks.");
    for (const auto& format : formats)
        if (format.name == name) return std::string(format.qemu);
    return fail(ErrorCode::invalid_parameter_value,
                "The disk format '" + *given + "' is none of RAW, VHD, VHDX, VMDK, VDI and QCOW2.");
}

std::string shown_format(const ImportDisk& disk) {
    for (const auto& format : formats)
        if (format.qemu == disk.format) return std::string(format.name);
    return disk.format;
}

// The disk of a container, which may be read. `of` is the container's name in the request.
template <class Container>
Result<ImportDisk> read_container(const RequestContext& context, const Container& container,
                                  const std::string& of) {
    ImportDisk disk;
    disk.description = container.description.value_or("");
    LODGE_TRY(disk.format, read_format(container.format, of));
    if (container.url.has_value() == container.user_bucket.has_value())
        return fail(
            container.url ? ErrorCode::invalid_parameter_combination : ErrorCode::missing_parameter,
            container.url ? of + " has both Url and UserBucket" : of + ".Url or " + of + ".UserBucket");
    const auto& places = context.services.settings.places;
    if (container.url) {
        disk.url = *container.url;
        LODGE_CHECK(images::find_source(places, disk.url).map([](auto&&) {}));
        return disk;
    }
    disk.bucket = container.user_bucket->s3_bucket.value_or("");
    disk.object_key = container.user_bucket->s3_key.value_or("");
    LODGE_CHECK(images::find_object(places, disk.bucket, disk.object_key).map([](auto&&) {}));
    return disk;
}

// The root disk comes first; the others are what the request calls them, or the next letter.
Status name_devices(const std::vector<ec2::ImageDiskContainer>& containers, std::vector<ImportDisk>& disks) {
    disks.front().device = containers.front().device_name.value_or(std::string(default_root_device));
    DeviceNames names(disks.front().device);
    for (std::size_t i = 1; i < disks.size(); ++i) {
        const std::string next = std::string("/dev/sd") + static_cast<char>('a' + i);
        disks[i].device = containers[i].device_name.value_or(next);
        LODGE_CHECK(names.take(disks[i].device));
    }
    return {};
}

Result<std::vector<ImportDisk>> read_disks(const RequestContext& context,
                                           const std::vector<ec2::ImageDiskContainer>& containers) {
    constexpr std::size_t most_disks = 21;  // an instance's, and its root disk
    if (containers.empty()) return fail(ErrorCode::missing_parameter, "DiskContainer");
    if (containers.size() > most_disks)
        return fail(ErrorCode::invalid_parameter_value,
                    "At most " + std::to_string(most_disks) + " DiskContainers can be given.");
    std::vector<ImportDisk> disks;
    for (const auto& container : containers) {
        LODGE_TRY(auto disk,
                  read_container(context, container, "DiskContainer." + std::to_string(disks.size() + 1)));
        disks.push_back(std::move(disk));
    }
    LODGE_CHECK(name_devices(containers, disks));
    return disks;
}

// Writes a new task, or finds the one that the token made.
Result<Record> begin_task(db::Session& session, const RequestContext& context, ImportTask task,
                          const std::optional<std::string>& client_token, const std::vector<ec2::Tag>& tags,
                          std::string_view type) {
    LODGE_TRY(const auto earlier, replay(session, context, client_token));
    if (earlier) {
        auto found = db::import_tasks::find(session, context.account_id, context.region, *earlier);
        if (!found) return fail(ErrorCode::invalid_conversion_task_id, *earlier);
        return with_tags(session, std::move(*found));
    }
    LODGE_CHECK(check_task_limit(session, context));
    task.id = make_import_task_id(context.services.random, task.kind);
    task.account_id = context.account_id;
    task.region = context.region;
    task.created_ms = context.now_ms();
    for (std::size_t i = 0; i < task.disks.size(); ++i) {
        task.disks[i].task_id = task.id;
        task.disks[i].position = static_cast<std::int64_t>(i);
    }
    db::import_tasks::insert(session, task);
    put_tags(session, context, task.id.str(), type, tags);
    remember(session, context, client_token, task.id.str());
    return with_tags(session, std::move(task));
}

// --- What is shown

std::optional<ec2::UserBucket> shown_bucket(const ImportDisk& disk) {
    if (disk.bucket.empty()) return std::nullopt;
    return ec2::UserBucket{disk.bucket, disk.object_key};
}

std::optional<double> shown_size(const ImportDisk& disk) {
    if (disk.size_bytes == 0) return std::nullopt;
    return static_cast<double>(disk.size_bytes);
}

ec2::SnapshotDetail shown(const ImportTask& task, const ImportDisk& disk) {
    ec2::SnapshotDetail out;
    out.description = unless_empty(disk.description);
    out.device_name = disk.device;
    out.disk_image_size = shown_size(disk);
    out.format = shown_format(disk);
    out.snapshot_id = unless_empty(disk.snapshot_id.str());
    out.status = std::string(to_text(task.progress.state));
    out.url = unless_empty(disk.url);
    out.user_bucket = shown_bucket(disk);
    return out;
}

ec2::ImportImageTask to_image_task(const Record& record) {
    const auto& task = record.value;
    ec2::ImportImageTask out;
    out.architecture = task.architecture;
    out.description = unless_empty(task.description);
    out.encrypted = false;
    out.hypervisor = "xen";
    out.image_id = unless_empty(task.image_id.str());
    out.import_task_id = task.id.str();
    out.license_type = "BYOL";
    out.platform = "Linux";
    out.progress = shown_progress(task.progress);
    for (const auto& disk : task.disks) out.snapshot_details.push_back(shown(task, disk));
    out.status = std::string(to_text(task.progress.state));
    out.status_message = unless_empty(task.progress.message);
    out.tags = to_ec2(record.tags);
    out.usage_operation = "RunInstances";
    return out;
}

ec2::ImportSnapshotTask to_snapshot_task(const Record& record) {
    const auto& task = record.value;
    const auto& disk = task.disks.front();
    ec2::SnapshotTaskDetail detail;
    detail.description = unless_empty(disk.description);
    detail.disk_image_size = shown_size(disk);
    detail.encrypted = false;
    detail.format = shown_format(disk);
    detail.progress = shown_progress(task.progress);
    detail.snapshot_id = unless_empty(disk.snapshot_id.str());
    detail.status = std::string(to_text(task.progress.state));
    detail.status_message = unless_empty(task.progress.message);
    detail.url = unless_empty(disk.url);
    detail.user_bucket = shown_bucket(disk);
    return {unless_empty(task.description), task.id.str(), std::move(detail), to_ec2(record.tags)};
}

template <ImportKind kind>
bool well_formed(std::string_view id) {
    return parse_import_task_id(id, kind).has_value();
}

template <ImportKind kind>
describe::Resource<Record> resource(const RequestContext& context) {
    return {well_formed<kind>,
            ErrorCode::invalid_conversion_task_id_malformed,
            ErrorCode::invalid_conversion_task_id,
            task_filters<Record>(),
            [](const Record& record) -> const std::vector<Tag>& { return record.tags; },
            [](const Record& record) { return record.value.id.str(); },
            [&context](db::Session& session, const std::string& id) -> std::optional<Record> {
                auto found = db::import_tasks::find(session, context.account_id, context.region, id);
                if (!found) return std::nullopt;
                return with_tags(session, std::move(*found));
            },
            [&context](db::Session& session, const std::string& after, std::int64_t limit) {
                std::vector<Record> records;
                for (auto& each :
                     db::import_tasks::list(session, context.account_id, context.region, kind, after, limit))
                    records.push_back(with_tags(session, std::move(each)));
                return records;
            }};
}

}  // namespace

Result<ec2::ImportImageTask> import_image(RequestContext& context, const ec2::ImportImageRequest& request) {
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, image_task_type, {image_task_type}));
    ImportTask task;
    LODGE_TRY(task.disks, read_disks(context, request.disk_container));
    task.kind = ImportKind::image;
    task.architecture = request.architecture.value_or("x86_64");
    task.boot_mode = from_text<BootMode>(request.boot_mode.value_or("")).value_or(BootMode::legacy_bios);
    LODGE_CHECK(check_boot_mode(task.boot_mode, task.architecture, false));
    task.description = request.description.value_or("");
    return context.write([&](db::Session& session) -> Result<ec2::ImportImageTask> {
        return begin_task(session, context, task, request.client_token, tags, image_task_type)
            .map(to_image_task);
    });
}

Result<ec2::ImportSnapshotTask> import_snapshot(RequestContext& context,
                                                const ec2::ImportSnapshotRequest& request) {
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, snapshot_task_type, {snapshot_task_type}));
    if (!request.disk_container) return fail(ErrorCode::missing_parameter, "DiskContainer");
    ImportTask task;
    task.kind = ImportKind::snapshot;
    LODGE_TRY(auto disk, read_container(context, *request.disk_container, "DiskContainer"));
    task.disks.push_back(std::move(disk));
    task.description = request.description.value_or("");
    return context.write([&](db::Session& session) -> Result<ec2::ImportSnapshotTask> {
        return begin_task(session, context, task, request.client_token, tags, snapshot_task_type)
            .map(to_snapshot_task);
    });
}

Result<ec2::DescribeImportImageTasksResponse> describe_import_image_tasks(
    RequestContext& context, const ec2::DescribeImportImageTasksRequest& request) {
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.import_task_id, request.filters, request.max_results, request.next_token},
                  resource<ImportKind::image>(context)));
    ec2::DescribeImportImageTasksResponse response;
    for (const auto& record : page.records) response.import_image_tasks.push_back(to_image_task(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribeImportSnapshotTasksResponse> describe_import_snapshot_tasks(
    RequestContext& context, const ec2::DescribeImportSnapshotTasksRequest& request) {
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.import_task_id, request.filters, request.max_results, request.next_token},
                  resource<ImportKind::snapshot>(context)));
    ec2::DescribeImportSnapshotTasksResponse response;
    for (const auto& record : page.records)
        response.import_snapshot_tasks.push_back(to_snapshot_task(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::CancelImportTaskResponse> cancel_import_task(RequestContext& context,
                                                         const ec2::CancelImportTaskRequest& request) {
    if (!request.import_task_id) return fail(ErrorCode::missing_parameter, "ImportTaskId");
    const auto& id = *request.import_task_id;
    if (!well_formed<ImportKind::image>(id) && !well_formed<ImportKind::snapshot>(id))
        return fail(ErrorCode::invalid_conversion_task_id_malformed, id);
    return context.write([&](db::Session& session) -> Result<ec2::CancelImportTaskResponse> {
        auto task = db::import_tasks::find(session, context.account_id, context.region, id);
        if (!task) return fail(ErrorCode::invalid_conversion_task_id, id);
        const std::string before(to_text(task->progress.state));
        LODGE_CHECK(cancel(task->progress, id, request.cancel_reason.value_or(""), context.now_ms()));
        db::import_tasks::update(session, *task);
        return ec2::CancelImportTaskResponse{id, before, std::string(to_text(task->progress.state))};
    });
}

}  // namespace lodge::api

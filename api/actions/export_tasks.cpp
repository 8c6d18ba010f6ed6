// ExportImage, DescribeExportImageTasks, CancelExportTask. What they ask for is done by api/tasks. Source:
// EC2 reference, "ExportImage"; VM Import/Export user guide.
#include "db/store/export_tasks.h"

#include "api/actions/launch_request.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "api/actions/task_view.h"
#include "proto/ec2/export_tasks.h"

namespace lodge::api {
namespace {

using Record = Tagged<ExportTask>;

constexpr std::string_view task_type = "export-image-task";

// EC2 exports the root disk of an image; one with more would come to less than it is.
Status check_exportable(const Image& image) {
    const auto refuse = [&](const std::string& why) {
        return fail(ErrorCode::invalid_parameter_value, "The image '" + image.id.str() + "' " + why);
    };
    if (image.type != ImageType::machine) return refuse("is a kernel or ramdisk, which cannot be exported.");
    if (image.disks.size() > 1)
        return refuse("has more disks than its root disk; make one without them by CreateImage (NoDevice).");
    if (!image.disks.empty() && image.disks.front().encrypted)
        return refuse("is of an encrypted snapshot, which cannot be exported.");
    if (image.state == ImageState::available) return {};
    return fail(ErrorCode::incorrect_state, "The image '" + image.id.str() + "' is not available.");
}

// Own ones only: who may launch another's does not get its disk for that.
Result<Record> begin_task(db::Session& session, const RequestContext& context,
                          const ec2::ExportImageRequest& request, const std::vector<ec2::Tag>& tags) {
    LODGE_TRY(const auto earlier, replay(session, context, request.client_token));
    if (earlier) {
        auto found = db::export_tasks::find(session, context.account_id, context.region, *earlier);
        if (!found) return fail(ErrorCode::invalid_export_task_id_not_found, *earlier);
        return with_tags(session, std::move(*found));
    }
    LODGE_TRY(const auto image, find_own_image(session, context, request.image_id));
    LODGE_CHECK(check_exportable(image));
    LODGE_CHECK(check_task_limit(session, context));
    ExportTask task;
    task.id = ExportTaskId::make(context.services.random);
    task.account_id = context.account_id;
    task.region = context.region;
    task.image_id = image.id;
    task.description = request.description.value_or("");
    task.format = request.disk_image_format;
    task.bucket = request.s3_export_location.s3_bucket;
    task.prefix = request.s3_export_location.s3_prefix.value_or("");
    task.created_ms = context.now_ms();
    db::export_tasks::insert(session, task);
    put_tags(session, context, task.id.str(), task_type, tags);
    remember(session, context, request.client_token, task.id.str());
    return with_tags(session, std::move(task));
}

ec2::ExportImageTask shown(const Record& record) {
    const auto& task = record.value;
    ec2::ExportImageTask out;
    out.description = unless_empty(task.description);
    out.export_image_task_id = task.id.str();
    out.image_id = task.image_id.str();
    out.progress = shown_progress(task.progress);
    out.s3_export_location = ec2::ExportTaskS3Location{task.bucket, unless_empty(task.prefix)};
    out.status = std::string(to_text(task.progress.state));
    out.status_message = unless_empty(task.progress.message);
    out.tags = to_ec2(record.tags);
    return out;
}

ec2::ExportImageResult to_result(const Record& record) {
    auto task = shown(record);
    ec2::ExportImageResult out;
    out.description = std::move(task.description);
    out.disk_image_format = record.value.format;
    out.export_image_task_id = std::move(task.export_image_task_id);
    out.image_id = std::move(task.image_id);
    out.progress = std::move(task.progress);
    out.role_name = "vmimport";
    out.s3_export_location = std::move(task.s3_export_location);
    out.status = std::move(task.status);
    out.status_message = std::move(task.status_message);
    out.tags = std::move(task.tags);
    return out;
}

}  // namespace

Result<ec2::ExportImageResult> export_image(RequestContext& context, const ec2::ExportImageRequest& request) {
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, task_type, {task_type}));
    const auto& to = request.s3_export_location;
    LODGE_CHECK(images::find_target(context.services.settings.places, to.s3_bucket, to.s3_prefix.value_or(""))
                    .map([](auto&&) {}));
    return context.write([&](db::Session& session) -> Result<ec2::ExportImageResult> {
        return begin_task(session, context, request, tags).map(to_result);
    });
}

Result<ec2::DescribeExportImageTasksResponse> describe_export_image_tasks(
    RequestContext& context, const ec2::DescribeExportImageTasksRequest& request) {
    const auto resource = resource_of<ExportTaskId>(
        context, ErrorCode::invalid_export_task_id_malformed, ErrorCode::invalid_export_task_id_not_found,
        task_filters<Record>(), db::export_tasks::find, db::export_tasks::list, with_tags<ExportTask>);
    LODGE_TRY(auto page, describe::describe(context,
                                            {request.export_image_task_id, request.filter,
                                             request.max_results, request.next_token},
                                            resource));
    ec2::DescribeExportImageTasksResponse response;
    for (const auto& record : page.records) response.export_image_tasks.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::CancelExportTaskResponse> cancel_export_task(RequestContext& context,
                                                         const ec2::CancelExportTaskRequest& request) {
    const auto& id = request.export_task_id;
    return context.write([&](db::Session& session) -> Result<ec2::CancelExportTaskResponse> {
        LODGE_TRY(auto task, find_or_fail<ExportTaskId>(session, context, id, db::export_tasks::find,
                                                        ErrorCode::invalid_export_task_id_malformed,
                                                        ErrorCode::invalid_export_task_id_not_found));
        LODGE_CHECK(cancel(task.progress, id, "", context.now_ms()));
        db::export_tasks::update(session, task);
        return ec2::CancelExportTaskResponse{};
    });
}

}  // namespace lodge::api

// DescribeImages, DeregisterImage, EnableImageDeprecation, DisableImageDeprecation.
#include "db/store/images.h"

#include <algorithm>

#include "api/actions/image_view.h"
#include "api/actions/launch_request.h"
#include "api/actions/sharing.h"
#include "api/actions/tagging.h"
#include "api/actions/words.h"
#include "api/describe/engine.h"
#include "db/store/snapshots.h"
#include "db/store/tags.h"
#include "proto/base/encoding.h"
#include "proto/ec2/images.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::api {
namespace {

struct ImageRecord {
    Image image;
    std::vector<Tag> tags;
    std::vector<AccountId> permitted = {};  // accounts with a launch permission, if the request asks for that
};

ec2::Image shown(const RequestContext& context, const ImageRecord& record) {
    const auto& image = record.image;
    bool mine = image.account_id == context.account_id;
    ec2::Image out;
    out.image_id = image.id.str();
    out.image_location = image.location;
    out.state = std::string(to_text(image.state));
    out.owner_id = image.account_id;
    out.creation_date = image.created_ms;
    out.public_ = image.is_public;
    out.architecture = image.architecture;
    out.image_type = std::string(to_text(image.type));
    if (!image.kernel_id.empty()) out.kernel_id = image.kernel_id;
    if (!image.ramdisk_id.empty()) out.ramdisk_id = image.ramdisk_id;
    out.platform_details = "Linux/UNIX";
    out.usage_operation = "RunInstances";
    if (by_operator(image.account_id)) out.image_owner_alias = "amazon";
    out.name = image.name;
    out.description = image.description;
    out.virtualization_type = "hvm";
    out.hypervisor = "xen";
    out.ena_support = true;
    out.sriov_net_support = "simple";
    out.boot_mode = std::string(to_text(image.boot_mode));
    if (image.deprecated_ms > 0) out.deprecation_time = image.deprecated_ms;
    bool tells_launches = mine && image.last_launched_ms > 0;
    if (tells_launches) out.last_launched_time = image.last_launched_ms;
    out.tags = to_ec2(record.tags);
    if (image.type != ImageType::machine) return out;
    out.root_device_type = "ebs";
    out.root_device_name = image.root_device_name;
    out.block_device_mapping = block_devices_of(image);
    return out;
}

template <class F>
describe::FilterField<ImageRecord> text(std::string_view name, F value) {
    return {name, [value](const ImageRecord& record, describe::Values& out) {
                std::string found(value(record.image));
                if (!found.empty()) out.push_back(std::move(found));
            }};
}

// Of a machine image alone.
template <class F>
describe::FilterField<ImageRecord> machine(std::string_view name, F value) {
    return text(
        name, [value](const Image& i) { return i.type == ImageType::machine ? std::string(value(i)) : ""; });
}

// A value of each of its disks, where they have one.
template <class F>
describe::FilterField<ImageRecord> disk(std::string_view name, F value) {
    return {name, [value](const ImageRecord& record, describe::Values& out) {
                for (const auto& each : disks_of(record.image)) {
                    std::string found(value(each));
                    if (!found.empty()) out.push_back(std::move(found));
                }
            }};
}

const describe::FilterTable<ImageRecord>& image_filters() {
    static const describe::FilterTable<ImageRecord> table = {
        text("architecture", [](const Image& i) { return i.architecture; }),
        disk("block-device-mapping.delete-on-termination",
             [](const ImageDisk& d) { return word(d.delete_on_termination); }),
        disk("block-device-mapping.device-name", [](const ImageDisk& d) { return d.device; }),
        disk("block-device-mapping.encrypted", [](const ImageDisk& d) { return word(d.encrypted); }),
        disk("block-device-mapping.snapshot-id", [](const ImageDisk& d) { return d.snapshot_id.str(); }),
        disk("block-device-mapping.volume-size",
             [](const ImageDisk& d) { return std::to_string(size_gib(d)); }),
        disk("block-device-mapping.volume-type", [](const ImageDisk& d) { return d.shape.type; }),
        text("creation-date", [](const Image& i) { return format_time(i.created_ms); }),
        text("description", [](const Image& i) { return i.description; }),
        text("ena-support", [](const Image&) { return "true"; }),
        text("free-tier-eligible", [](const Image&) { return ""; }),
        text("hypervisor", [](const Image&) { return "xen"; }),
        text("image-allowed", [](const Image&) { return "true"; }),
        text("image-id", [](const Image& i) { return i.id.str(); }),
        text("image-type", [](const Image& i) { return to_text(i.type); }),
        text("is-public", [](const Image& i) { return i.is_public ? "true" : "false"; }),
        text("kernel-id", [](const Image& i) { return i.kernel_id; }),
        text("manifest-location", [](const Image& i) { return i.location; }),
        text("name", [](const Image& i) { return i.name; }),
        text("owner-alias", [](const Image& i) { return by_operator(i.account_id) ? "amazon" : ""; }),
        text("owner-id", [](const Image& i) { return i.account_id; }),
        text("platform", [](const Image&) { return ""; }),
        text("product-code", [](const Image&) { return ""; }),
        text("product-code.type", [](const Image&) { return ""; }),
        text("ramdisk-id", [](const Image& i) { return i.ramdisk_id; }),
        machine("root-device-name", [](const Image& i) { return i.root_device_name; }),
        machine("root-device-type", [](const Image&) { return "ebs"; }),
        text("source-image-id", [](const Image&) { return ""; }),
        text("source-image-region", [](const Image&) { return ""; }),
        text("source-instance-id", [](const Image&) { return ""; }),
        text("sriov-net-support", [](const Image&) { return "simple"; }),
        text("state", [](const Image& i) { return to_text(i.state); }),
        text("state-reason-code", [](const Image&) { return ""; }),
        text("state-reason-message", [](const Image&) { return ""; }),
        text("virtualization-type", [](const Image&) { return "hvm"; }),
    };
    return table;
}

// ExecutableBy: "all" are the public ones, "self" and an account those it may launch by an explicit
// permission; the owner's permission is not explicit.
bool executable_by(const RequestContext& context, const ImageRecord& record, const std::string& user) {
    if (user == "all") return record.image.is_public;
    return is_permitted(context, record.image.account_id, record.permitted, user);
}

// A deprecated image is to be found by who knows it and by its owner; it is offered to nobody.
bool is_offered(const RequestContext& context, const ec2::DescribeImagesRequest& request,
                const Image& image) {
    bool deprecated = image.deprecated_ms > 0 && image.deprecated_ms <= context.now_ms();
    return !deprecated || image.account_id == context.account_id || !request.image_id.empty() ||
           request.include_deprecated.value_or(false);
}

bool asked_for(const RequestContext& context, const ec2::DescribeImagesRequest& request,
               const ImageRecord& record) {
    auto owned = [&](const std::string& owner) { return is_owner(context, record.image.account_id, owner); };
    auto usable = [&](const std::string& user) { return executable_by(context, record, user); };
    return record.image.state != ImageState::deregistered && is_offered(context, request, record.image) &&
           (request.owner.empty() || std::any_of(request.owner.begin(), request.owner.end(), owned)) &&
           (request.executable_by.empty() ||
            std::any_of(request.executable_by.begin(), request.executable_by.end(), usable));
}

std::string sort_key(const ImageRecord& record) {
    return record.image.id.str();
}

const std::vector<Tag>& tags_of(const ImageRecord& record) {
    return record.tags;
}

bool well_formed(std::string_view id) {
    return parse_image_id(id).has_value();
}

// One that the account has deregistered. EC2 knows those for a while: who asks by ID gets an empty list,
// which tools count on that have just deregistered it.
std::optional<Image> find_former(db::Session& session, const RequestContext& context, const std::string& id) {
    auto image = db::images::find_any(session, id);
    const bool own = image && image->account_id == context.account_id && image->region == context.region &&
                     image->state == ImageState::deregistered;
    return own ? std::move(image) : std::nullopt;
}

// Those of its disks that are the account's, and that no other image begins with. The image has none any
// more.
void delete_snapshots(db::Session& session, const RequestContext& context, const Image& image) {
    for (const auto& disk : image.disks) {
        auto snapshot =
            db::snapshots::find_visible(session, context.account_id, context.region, disk.snapshot_id.str());
        if (!snapshot || snapshot->account_id != context.account_id ||
            db::snapshots::image_with(session, snapshot->id))
            continue;
        volumes::begin_delete(session, *snapshot);
    }
}

// To the minute, not past, and not too far ahead.
Result<UnixMs> deprecation_time(const RequestContext& context, const Image& image, UnixMs wish_ms) {
    constexpr std::int64_t minute_ms = 60'000;
    constexpr std::int64_t day_ms = 24 * 60 * minute_ms;
    constexpr std::int64_t furthest_ms = 3'653 * day_ms;       // 10 years from now
    constexpr std::int64_t furthest_public_ms = 731 * day_ms;  // 2 years from the image's creation
    auto refuse = [&](const std::string& why) {
        return fail(ErrorCode::invalid_parameter_value, "DeprecateAt (" + format_time(wish_ms) + ") " + why);
    };
    if (wish_ms < context.now_ms()) return refuse("is in the past.");
    if (wish_ms > context.now_ms() + furthest_ms) return refuse("is more than 10 years ahead.");
    if (image.is_public && wish_ms > image.created_ms + furthest_public_ms)
        return refuse("is more than 2 years after the creation of the public image.");
    return (wish_ms + minute_ms / 2) / minute_ms * minute_ms;
}

}  // namespace

Result<ec2::DescribeImagesResponse> describe_images(RequestContext& context,
                                                    const ec2::DescribeImagesRequest& request) {
    auto record = [&](db::Session& session, Image image) {
        auto tags = db::tags::of(session, context.account_id, image.id.str());
        ImageRecord made{std::move(image), std::move(tags)};
        if (!request.executable_by.empty())
            made.permitted = db::images::launch_permissions(session, made.image.id);
        return made;
    };
    describe::Resource<ImageRecord> resource{
        well_formed,
        ErrorCode::invalid_ami_id_malformed,
        ErrorCode::invalid_ami_id_not_found,
        image_filters(),
        tags_of,
        sort_key,
        [&](db::Session& session, const std::string& id) -> std::optional<ImageRecord> {
            auto image = db::images::find_visible(session, context.account_id, context.region, id);
            if (!image) image = find_former(session, context, id);
            if (!image) return std::nullopt;
            return record(session, std::move(*image));
        },
        [&](db::Session& session, const std::string& after, std::int64_t) {
            // Images are few: one look gives all that follow.
            std::vector<ImageRecord> records;
            for (auto& image : db::images::list_visible(session, context.account_id, context.region))
                if (image.id.str() > after) records.push_back(record(session, std::move(image)));
            return records;
        }};
    resource.single_batch = true;
    resource.wanted = [&](const ImageRecord& each) { return asked_for(context, request, each); };
    LODGE_TRY(
        auto page,
        describe::describe(
            context, {request.image_id, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeImagesResponse response;
    for (const auto& each : page.records) response.images.push_back(shown(context, each));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DeregisterImageResponse> deregister_image(RequestContext& context,
                                                      const ec2::DeregisterImageRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeregisterImageResponse> {
        LODGE_TRY(auto image, find_own_image(session, context, request.image_id));
        db::images::deregister(session, image.id);
        db::tags::erase_all(session, image.id.str());
        if (request.delete_associated_snapshots.value_or(false)) delete_snapshots(session, context, image);
        return ec2::DeregisterImageResponse{true};
    });
}

Result<ec2::EnableImageDeprecationResponse> enable_image_deprecation(
    RequestContext& context, const ec2::EnableImageDeprecationRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::EnableImageDeprecationResponse> {
        LODGE_TRY(auto image, find_own_image(session, context, request.image_id));
        LODGE_TRY(image.deprecated_ms, deprecation_time(context, image, request.deprecate_at));
        db::images::update_attributes(session, image);
        return ec2::EnableImageDeprecationResponse{true};
    });
}

Result<ec2::DisableImageDeprecationResponse> disable_image_deprecation(
    RequestContext& context, const ec2::DisableImageDeprecationRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DisableImageDeprecationResponse> {
        LODGE_TRY(auto image, find_own_image(session, context, request.image_id));
        image.deprecated_ms = 0;
        db::images::update_attributes(session, image);
        return ec2::DisableImageDeprecationResponse{true};
    });
}

}  // namespace lodge::api

// The operator's images: content that `lodge image import` has checked and put into the image folder.
#include "db/store/images.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "api/actions/boot_modes.h"
#include "api/actions/image_names.h"
#include "api/admin/operations.h"
#include "api/images/folder.h"
#include "db/store/accounts.h"
#include "db/store/tags.h"
#include "proto/base/encoding.h"

namespace lodge::api::admin {
namespace {

namespace fs = std::filesystem;

// One that was made of snapshots has no content of its own: that is theirs.
Json show(const Image& image) {
    const bool of_snapshots = !image.disks.empty();
    return {{"id", image.id.str()},
            {"name", image.name},
            {"account_id", image.account_id},
            {"region", image.region},
            {"type", std::string(to_text(image.type))},
            {"state", std::string(to_text(image.state))},
            {"architecture", image.architecture},
            {"boot_mode", std::string(to_text(image.boot_mode))},
            {"format", of_snapshots ? "snapshots" : image.blob.format},
            {"size_bytes", image.blob.size_bytes},
            {"virtual_size_bytes",
             of_snapshots ? image.disks.front().shape.size_bytes : image.blob.virtual_size_bytes},
            {"sha256", image.blob.sha256},
            {"public", image.is_public},
            {"kernel_id", image.kernel_id},
            {"ramdisk_id", image.ramdisk_id},
            {"created", format_time(image.created_ms)}};
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && hex_decode(text).has_value();
}

// The content a part of the request names, made sure to be in the folder and of the size it says.
Result<ImageBlob> read_blob(const Call& call, const Json& part) {
    ImageBlob blob;
    LODGE_TRY(blob.sha256, text(part, "sha256"));
    blob.format = text_or(part, "format", "raw");
    blob.size_bytes = number_or(part, "size_bytes", 0);
    blob.virtual_size_bytes = number_or(part, "virtual_size_bytes", blob.size_bytes);
    if (blob.format != "qcow2" && blob.format != "raw")
        return fail(ErrorCode::invalid_input, "the format is qcow2 or raw");
    if (!is_sha256(blob.sha256)) return fail(ErrorCode::invalid_input, "sha256 is not 64 hexadecimal digits");
    std::error_code error;
    auto size = fs::file_size(call.facts.image_dir / blob.sha256, error);
    if (error || static_cast<std::int64_t>(size) != blob.size_bytes)
        return fail(ErrorCode::invalid_input,
                    "the image folder has no content " + blob.sha256 + " of that size");
    return blob;
}

Result<Image> read_image(const Call& call) {
    const auto& settings = call.services.settings;
    Image image;
    LODGE_TRY(image.name, text(call.body, "name"));
    LODGE_CHECK(check_image_name(image.name));
    image.description = text_or(call.body, "description", "");
    image.architecture = text_or(call.body, "architecture", "x86_64");
    if (image.architecture != "x86_64" && image.architecture != "arm64")
        return fail(ErrorCode::invalid_input, "the architecture is x86_64 or arm64");
    const auto boot_mode = from_text<BootMode>(text_or(call.body, "boot_mode", "legacy-bios"));
    if (!boot_mode)
        return fail(ErrorCode::invalid_input, "the boot mode is legacy-bios, uefi or uefi-preferred");
    image.boot_mode = *boot_mode;
    image.account_id = text_or(call.body, "account_id", std::string(operator_account));
    image.region = text_or(call.body, "region", settings.default_region);
    if (settings.zones_of(image.region).empty())
        return fail(ErrorCode::not_found, "there is no region " + image.region);
    image.root_device_name = text_or(call.body, "root_device_name", "/dev/vda");
    image.kernel_cmdline = text_or(call.body, "kernel_cmdline", "");
    image.is_public = flag_or(call.body, "public", true);
    image.location = image.account_id + "/" + image.name;
    image.created_ms = call.services.clock.now_ms();
    auto id = parse_image_id(
        text_or(call.body, "image_id", make_image_id(call.services.random, ImageType::machine).str()));
    if (!id) return fail(ErrorCode::invalid_input, "the image ID is not ami- and 17 hexadecimal digits");
    image.id = *id;
    return image;
}

// The kernel or ramdisk of an import as an image of its own; the same content again is the same image, unless
// those who may launch the new one could not use it.
Result<std::string> add_part(db::Session& session, const Call& call, const Image& owner, const char* name,
                             ImageType type) {
    auto part = call.body.find(name);
    if (part == call.body.end()) return std::string();
    LODGE_TRY(auto blob, read_blob(call, *part));
    for (const auto& known : db::images::list_visible(session, owner.account_id, owner.region))
        if (known.type == type && known.blob.sha256 == blob.sha256 &&
            (known.is_public || (known.account_id == owner.account_id && !owner.is_public)))
            return known.id.str();
    Image image = owner;
    image.id = make_image_id(call.services.random, type);
    image.type = type;
    image.name = owner.name + "-" + name + "-" + blob.sha256.substr(0, 12);
    image.location = image.account_id + "/" + image.name;
    image.blob = blob;
    image.root_device_name.clear();
    image.kernel_cmdline.clear();
    db::images::insert(session, image);
    return image.id.str();
}

}  // namespace

Result<Json> list_images(const Call& call) {
    return call.services.database.read([&](db::Session& session) -> Result<Json> {
        Json all = Json::array();
        for (const auto& image : db::images::list_all(session))
            if (image.state != ImageState::deregistered) all.push_back(show(image));
        return Json{{"images", all}};
    });
}

Result<Json> import_image(const Call& call) {
    LODGE_TRY(auto image, read_image(call));
    auto disk = call.body.find("disk");
    if (disk == call.body.end() || !disk->is_object())
        return fail(ErrorCode::invalid_input, "disk is missing");
    LODGE_TRY(image.blob, read_blob(call, *disk));
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        if (!db::accounts::find(session, image.account_id))
            return fail(ErrorCode::not_found, "there is no account " + image.account_id);
        if (auto taken = db::images::find_by_name(session, image.account_id, image.region, image.name))
            return fail(ErrorCode::conflict, "the name " + image.name + " is taken by " + taken->id.str());
        if (db::images::find_any(session, image.id.str()))
            return fail(ErrorCode::conflict, "the ID " + image.id.str() + " is taken");
        LODGE_TRY(image.kernel_id, add_part(session, call, image, "kernel", ImageType::kernel));
        LODGE_TRY(image.ramdisk_id, add_part(session, call, image, "ramdisk", ImageType::ramdisk));
        LODGE_CHECK(check_boot_mode(image.boot_mode, image.architecture,
                                    !image.kernel_id.empty() || !image.ramdisk_id.empty()));
        db::images::insert(session, image);
        return show(image);
    });
}

Result<Json> delete_image(const Call& call) {
    LODGE_TRY(auto sha256, call.services.database.write([&](db::Session& session) -> Result<std::string> {
        auto image = db::images::find_any(session, call.id);
        if (!image || image->state == ImageState::deregistered)
            return fail(ErrorCode::not_found, "there is no image " + call.id);
        for (const auto& other : db::images::list_all(session)) {
            bool needed = other.state != ImageState::deregistered &&
                          (other.kernel_id == call.id || other.ramdisk_id == call.id);
            if (needed) return fail(ErrorCode::conflict, "the image " + other.id.str() + " needs it");
        }
        db::images::deregister(session, image->id);
        db::tags::erase_all(session, call.id);
        return image->blob.sha256;
    }));
    if (!sha256.empty()) sweep_images(call.services.database, call.facts.image_dir, &sha256);
    return Json::object();
}

}  // namespace lodge::api::admin

namespace lodge::api {

// What no image was ever made of is an import's that failed, or newer than the backup that this database is.
void sweep_images(db::Database& database, const std::filesystem::path& image_dir, const std::string* only) {
    constexpr std::chrono::seconds spare{600};
    constexpr std::chrono::seconds spare_unknown = std::chrono::hours(7 * 24);
    const auto keeps = [&](bool unless_over) {
        return [&database, only, unless_over](const std::string& sha256) {
            if (only && sha256 != *only) return true;
            auto used = database.read([&](db::Session& session) -> Result<bool> {
                return unless_over ? !db::images::content_is_over(session, sha256)
                                   : db::images::content_in_use(session, sha256);
            });
            return !used || *used;
        };
    };
    auto gone = images::remove_unused_content(image_dir, only ? std::chrono::seconds(0) : spare, keeps(true));
    if (!only) gone += images::remove_unused_content(image_dir, spare_unknown, keeps(false));
    if (gone > 0) spdlog::info("{} files of unused image content are gone", gone);
}

}  // namespace lodge::api

// `lodge image import`: content into the image folder (api/images), then its registration by lodged.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/interrupt.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"
#include "api/cli/request.h"
#include "api/images/import.h"

namespace lodge::cli {
namespace {

using images::Content;
using images::ContentKind;
using images::ContentRequest;
using images::ImageFolder;
using nlohmann::json;

constexpr long register_timeout_s = 120;

// The work of one import: what was brought so far, to be taken back if lodged refuses the image.
class Import {
  public:
    Import(Session& session, const Arguments& arguments, ImageFolder folder)
        : session_(session), arguments_(arguments), folder_(std::move(folder)) {}

    // Small things first: a wrong kernel is told before gigabytes are fetched.
    Status bring_all() {
        for (auto [kind, option, member] : {std::tuple{ContentKind::kernel, "--kernel", "kernel"},
                                            std::tuple{ContentKind::ramdisk, "--ramdisk", "ramdisk"},
                                            std::tuple{ContentKind::disk, "FILE|URL", "disk"}})
            if (arguments_.has(option)) LODGE_CHECK(bring(kind, arguments_.text(option), member));
        return {};
    }

    Answer<json> register_image() {
        body_["name"] = arguments_.text("--name");
        body_["description"] = arguments_.text("--description");
        body_["architecture"] = arguments_.text("--arch");
        body_["public"] = !arguments_.has("--private");
        put(body_, "account_id", arguments_, "--account");
        put(body_, "region", arguments_, "--region");
        put(body_, "image_id", arguments_, "--image-id");
        put(body_, "root_device_name", arguments_, "--root-device");
        put(body_, "kernel_cmdline", arguments_, "--cmdline");
        put(body_, "boot_mode", arguments_, "--boot-mode");
        return session_.client.post("/v1/images", body_, register_timeout_s);
    }

    void take_back() {
        for (const auto& content : brought_)
            if (content.made) folder_.remove_unless(content.sha256, [&] { return in_use(content.sha256); });
    }

  private:
    Status bring(ContentKind kind, const std::string& source, const char* member) {
        Progress progress(session_.err, source, ::isatty(STDERR_FILENO) == 1);
        images::ImportOptions options;
        options.progress = [&](std::int64_t done, std::int64_t total) { progress.update(done, total); };
        options.cancelled = interrupted;
        ContentRequest request{kind, source, arguments_.text("--format"), arguments_.text("--arch")};
        auto content = import_content(folder_, request, options, random_);
        progress.finish();
        if (!content && interrupted())
            return fail(ErrorCode::io_failure, "interrupted; nothing was imported");
        if (!content) return tl::unexpected<Error>(refusal(source, content.error()));
        brought_.push_back(*content);
        body_[member] = {{"sha256", content->sha256},
                         {"format", content->format},
                         {"size_bytes", content->size_bytes},
                         {"virtual_size_bytes", content->virtual_size_bytes}};
        return {};
    }

    // Errors about reading name the source already; judgements of its content do not.
    static Error refusal(const std::string& source, const Error& error) {
        if (error.code != ErrorCode::invalid_input) return error;
        return {error.code, fmt::format("{}: {}", source, error.message)};
    }

    // When in doubt, it is.
    bool in_use(const std::string& sha256) const {
        auto known = session_.client.get("/v1/images");
        if (!known) return true;
        for (const auto& image : rows(*known, "images"))
            if (cell(image, "sha256") == sha256) return true;
        return false;
    }

    Session& session_;
    const Arguments& arguments_;
    ImageFolder folder_;
    SystemRandom random_;
    std::vector<Content> brought_;
    json body_ = json::object();
};

// What lodged's refusal means for the operator.
Error explain(const CallError& error, const std::string& name) {
    if (error.outcome_unknown)
        return {error.code,
                error.message + "\nIt may have registered the image nevertheless: lodge image list"};
    if (error.code == ErrorCode::conflict || error.code == ErrorCode::invalid_ami_name_duplicate)
        return {error.code,
                fmt::format("not imported again: {}\nTake that image, or another --name than {}, or delete "
                            "it first: lodge image delete ID",
                            error.message, name)};
    return error;
}

Result<ImageFolder> open_folder(const Client& client) {
    LODGE_TRY(auto info, client.get("/v1/info"));
    auto folder = cell(info, "image_dir");
    if (folder == "-")
        return fail(ErrorCode::internal_error, "lodged does not say where its image folder is");
    return ImageFolder::open(folder);
}

Status import_image(Session& session, const Arguments& arguments) {
    catch_interrupts();
    LODGE_TRY(auto folder, open_folder(session.client));
    Import import(session, arguments, std::move(folder));
    auto brought = import.bring_all();
    if (!brought) {
        import.take_back();
        return brought;
    }
    auto image = import.register_image();
    if (!image) {
        if (!image.error().outcome_unknown) import.take_back();
        return tl::unexpected<Error>(explain(image.error(), arguments.text("--name")));
    }
    if (print_json(session, *image)) return {};
    session.out << cell(*image, "id") << '\n';
    return {};
}

}  // namespace

Command image_import_command() {
    return {
        .group = "image",
        .name = "import",
        .summary = "Import a disk image, and print its ID",
        .details =
            "The file is copied into lodged's image folder, checked, and registered; run this on lodged's "
            "machine.\n"
            "The format is what you say and is never guessed. Refused are images that rest on other files\n"
            "(backing or data files), encrypted and damaged ones. With --kernel, guests boot that kernel\n"
            "directly instead of the disk's boot loader. With --boot-mode uefi it is UEFI that looks for "
            "one:\n"
            "the file EFI/BOOT/BOOTX64.EFI on the EFI system partition.",
        .examples =
            "  lodge image import "
            "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2 "
            "\\\n      --name debian-12 --arch x86_64 --format qcow2\n"
            "  lodge image import rootfs.raw --name tiny --arch x86_64 --format raw \\\n"
            "      --kernel vmlinuz --ramdisk initrd.img --cmdline 'root=/dev/vda console=ttyS0'",
        .options = {{.name = "FILE|URL",
                     .takes = Takes::file,
                     .help = "The image: a path, http:, https: or file:",
                     .required = true},
                    {.name = "--name", .placeholder = "NAME", .help = "The image's name", .required = true},
                    {.name = "--arch",
                     .takes = Takes::choice,
                     .help = "The guests' architecture",
                     .required = true,
                     .choices = {"x86_64", "arm64"}},
                    {.name = "--format",
                     .takes = Takes::choice,
                     .help = "The file's format",
                     .required = true,
                     .choices = {"qcow2", "raw"}},
                    {.name = "--image-id",
                     .placeholder = "ami-…",
                     .help = "The ID to register it under (default: a new one)",
                     .rule = image_id_rule()},
                    {.name = "--description", .placeholder = "TEXT", .help = "A sentence about it"},
                    {.name = "--account",
                     .placeholder = "DIGITS",
                     .help = "The account that owns it",
                     .rule = account_id_rule()},
                    {.name = "--region",
                     .placeholder = "REGION",
                     .help = "Its region (default: lodged's default region)"},
                    {.name = "--private",
                     .takes = Takes::nothing,
                     .help = "Show it to its account only (default: to all)"},
                    {.name = "--boot-mode",
                     .takes = Takes::choice,
                     .help = "The firmware that boots the disk (default: legacy-bios)",
                     .choices = {"legacy-bios", "uefi", "uefi-preferred"}},
                    {.name = "--kernel",
                     .takes = Takes::file,
                     .placeholder = "FILE",
                     .help = "A kernel to boot directly"},
                    {.name = "--ramdisk",
                     .takes = Takes::file,
                     .placeholder = "FILE",
                     .help = "The kernel's ramdisk",
                     .needs = "--kernel"},
                    {.name = "--cmdline",
                     .placeholder = "TEXT",
                     .help = "The kernel's command line",
                     .needs = "--kernel"},
                    {.name = "--root-device",
                     .placeholder = "NAME",
                     .help = "The root disk's name in the guest, e.g. /dev/vda"}},
        .run = import_image};
}

}  // namespace lodge::cli

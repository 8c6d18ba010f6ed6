#include "agent/storage/file_storage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/storage/console_file.h"
#include "agent/storage/disk_header.h"
#include "agent/storage/process.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr unsigned passable = 0711;  // QEMU's user opens files by name, and lists nothing
constexpr unsigned private_folder = 0700;
constexpr unsigned private_file = 0600;  // libvirt gives the disk to QEMU's user while the guest runs
constexpr std::int64_t qemu_img_timeout_ms = 60'000;
constexpr std::int64_t bytes_per_mib = 1 << 20;

// IDs become files' names, so they must be nothing but IDs.
template <class Id>
Status check_id(const Id& id) {
    if (Id::parse(id.str())) return {};
    return fail(ErrorCode::invalid_input, "'" + id.str() + "' is no ID");
}

Status check_volume(const VolumeId& id) {
    return check_id(id);
}

void warn_of_closed_folders(const fs::path& root) {
    for (fs::path folder = root.parent_path(); folder != folder.parent_path();
         folder = folder.parent_path()) {
        struct stat info {};
        if (stat(folder.c_str(), &info) == 0 && (info.st_mode & S_IXOTH) == 0)
            spdlog::warn("QEMU's user may not pass through {}: guests with disks below it do not start",
                         folder.string());
    }
}

Result<Fd> lock_folder(const fs::path& root) {
    const fs::path path = root / "lock";
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, private_file));
    if (!fd) return tl::unexpected(file_error("opening", path));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(ErrorCode::conflict, "another process uses " + root.string());
    return fd;
}

}  // namespace

Result<std::unique_ptr<FileStorage>> FileStorage::open(fs::path root, FetchImage fetch) {
    std::error_code error;
    root = fs::absolute(root, error).lexically_normal();
    LODGE_CHECK(make_folder(root, passable));
    LODGE_TRY(Fd lock, lock_folder(root));
    LODGE_CHECK(make_folder(root / "images", passable));
    LODGE_CHECK(make_folder(root / "disks", passable));
    LODGE_CHECK(make_folder(root / "consoles", private_folder));
    LODGE_CHECK(sweep_temporary(root / "images"));
    LODGE_CHECK(sweep_temporary(root / "disks"));
    warn_of_closed_folders(root);
    return std::unique_ptr<FileStorage>(new FileStorage(root, std::move(lock), std::move(fetch)));
}

FileStorage::FileStorage(fs::path root, Fd lock, FetchImage fetch)
    : root_(std::move(root)), lock_(std::move(lock)), images_(root_ / "images", std::move(fetch)) {}

fs::path FileStorage::disk_path(const VolumeId& volume_id) const {
    return root_ / "disks" / (volume_id.str() + ".qcow2");
}

Result<std::string> FileStorage::ensure_image(const link::Content& content) {
    return images_.ensure(content);
}

bool FileStorage::has_image(const link::Content& content) {
    return images_.has(content);
}

Result<std::string> FileStorage::ensure_disk(const WantedDisk& disk) {
    LODGE_CHECK(check_volume(disk.volume_id));
    const fs::path path = disk_path(disk.volume_id);
    std::error_code error;
    const bool exists = fs::exists(path, error);
    if (!exists && disk.must_exist)
        return fail(ErrorCode::not_found,
                    "the disk " + disk.volume_id.str() + " is not on this host: " + path.string());
    std::string base;
    if (!disk.image.sha256.empty()) {
        LODGE_TRY(base, images_.ensure(disk.image));
    }
    LODGE_CHECK(exists ? keep_existing(disk, base) : make_disk(disk, base));
    return path.string();
}

// An overlay holds the blocks that differ from one image; on another one they would be rubbish.
Status FileStorage::keep_existing(const WantedDisk& disk, const std::string& base) const {
    const fs::path path = disk_path(disk.volume_id);
    LODGE_TRY(const DiskHeader header, read_disk_header(path, "qcow2"));
    if (fs::path(header.backing_file).filename() != fs::path(base).filename())
        return fail(ErrorCode::conflict,
                    path.string() + " is an overlay on '" + header.backing_file + "', not on '" + base + "'");
    if (!disk.grow || header.virtual_size_bytes >= disk.size_bytes) return {};
    // Without its backing file, which a user may have made.
    const nlohmann::json alone = {{"driver", "qcow2"},
                                  {"backing", nullptr},
                                  {"file", {{"driver", "file"}, {"filename", path.string()}}}};
    return run_program({"qemu-img", "resize", "-q", "json:" + alone.dump(), std::to_string(disk.size_bytes)},
                       qemu_img_timeout_ms);
}

Status FileStorage::check_base(const WantedDisk& disk, const std::string& base) const {
    LODGE_TRY(const DiskHeader header, read_disk_header(base, disk.image.format));
    if (!header.backing_file.empty())
        return fail(ErrorCode::invalid_input, "the image " + base + " names a backing file of its own");
    if (disk.size_bytes >= header.virtual_size_bytes) return {};
    return fail(ErrorCode::invalid_input, fmt::format("a disk of {} bytes is smaller than its image of {}",
                                                      disk.size_bytes, header.virtual_size_bytes));
}

Status FileStorage::make_disk(const WantedDisk& disk, const std::string& base) const {
    const fs::path final = disk_path(disk.volume_id);
    const fs::path temporary = final.parent_path() / (temporary_prefix + disk.volume_id.str());
    std::vector<std::string> command = {"qemu-img", "create", "-q", "-f", "qcow2"};
    if (!base.empty()) {
        LODGE_CHECK(check_base(disk, base));
        // -u: qemu-img does not open the image, which a user may have made.
        command.insert(command.end(), {"-u", "-F", disk.image.format, "-b", base});
    }
    command.insert(command.end(), {temporary.string(), std::to_string(disk.size_bytes)});
    Status status = run_program(command, qemu_img_timeout_ms);
    if (status) status = publish(temporary, final, private_file);
    if (!status) static_cast<void>(remove_file(temporary));
    return status;
}

Status FileStorage::remove_disk(const VolumeId& volume_id) {
    LODGE_CHECK(check_volume(volume_id));
    return remove_file(disk_path(volume_id));
}

Result<std::vector<VolumeId>> FileStorage::list_disks() {
    std::vector<VolumeId> found;
    std::error_code error;
    for (fs::directory_iterator each(root_ / "disks", error), end; !error && each != end;
         each.increment(error)) {
        const fs::path& path = each->path();
        auto id = path.extension() == ".qcow2" ? VolumeId::parse(path.stem().string()) : std::nullopt;
        if (id) found.push_back(std::move(*id));
    }
    if (error) return fail(ErrorCode::io_failure, "cannot list " + (root_ / "disks").string());
    return found;
}

std::string FileStorage::console_path(const InstanceId& instance_id) const {
    return (root_ / "consoles" / (instance_id.str() + ".log")).string();
}

Result<std::string> FileStorage::console_tail(const InstanceId& instance_id, std::size_t max_bytes) {
    LODGE_CHECK(check_id(instance_id));
    return read_console_tail(console_path(instance_id), max_bytes);
}

Status FileStorage::remove_console(const InstanceId& instance_id) {
    LODGE_CHECK(check_id(instance_id));
    return remove_console_files(console_path(instance_id));
}

Result<DiskSpace> FileStorage::disk_space() {
    struct statvfs info {};
    if (statvfs(root_.c_str(), &info) != 0)
        return tl::unexpected(file_error("asking for the space of", root_));
    const auto mib = [&](fsblkcnt_t blocks) {
        return static_cast<std::int64_t>(blocks) * static_cast<std::int64_t>(info.f_frsize) / bytes_per_mib;
    };
    return DiskSpace{mib(info.f_blocks), mib(info.f_bavail)};
}

}  // namespace lodge::agent

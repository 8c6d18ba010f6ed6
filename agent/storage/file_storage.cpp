#include "agent/storage/file_storage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "agent/domain/disk_file.h"
#include "agent/storage/console_file.h"
#include "agent/storage/disk_header.h"
#include "agent/storage/encrypted_file.h"
#include "agent/storage/process.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr unsigned passable = 0711;  // QEMU's user opens files by name, and lists nothing
constexpr unsigned private_folder = 0700;
constexpr unsigned private_file = 0600;  // libvirt gives the disk to QEMU's user while the guest runs
constexpr std::int64_t qemu_img_timeout_ms = 60'000;
constexpr std::int64_t bytes_per_mib = 1 << 20;
constexpr std::int64_t none = -1;
constexpr std::size_t most_variable_bytes = 16 << 20;  // OVMF has half a MiB

// IDs become files' names, so they must be nothing but IDs.
template <class Id>
Status check_id(const Id& id) {
    if (Id::parse(id.str())) return {};
    return fail(ErrorCode::invalid_input, "'" + id.str() + "' is no ID");
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

// Without what is under it, which a user may have made. The passphrase goes by a pipe: others on the machine
// see a program's arguments.
Status resize(const fs::path& path, std::int64_t size_bytes, const link::DiskKey& key) {
    nlohmann::json alone = {{"driver", "qcow2"},
                            {"backing", nullptr},
                            {"file", {{"driver", "file"}, {"filename", path.string()}}}};
    std::vector<std::string> argv = {"qemu-img", "resize", "-q"};
    if (!key.id.empty()) {
        alone["encrypt"] = {{"format", "luks"}, {"key-secret", "key"}};
        argv.insert(argv.end(), {"--object", "secret,id=key,file=/dev/stdin"});
    }
    argv.insert(argv.end(), {"json:" + alone.dump(), std::to_string(size_bytes)});
    return run_program(argv, qemu_img_timeout_ms, key.passphrase);
}

Status create(const fs::path& path, std::int64_t size_bytes) {
    return run_program({"qemu-img", "create", "-q", "-f", "qcow2", path.string(), std::to_string(size_bytes)},
                       qemu_img_timeout_ms);
}

Status grow_file(const fs::path& path, std::int64_t size_bytes, const link::DiskKey& key) {
    LODGE_TRY(const DiskHeader header, read_disk_header(path, "qcow2"));
    return header.virtual_size_bytes >= size_bytes ? Status() : resize(path, size_bytes, key);
}

// A disk that is to be encrypted never goes on in a file that is not.
Status check_encryption(const fs::path& path, const DiskHeader& header, bool wanted) {
    if (header.encrypted == wanted) return {};
    return fail(ErrorCode::conflict, path.string() + (wanted ? " is not encrypted, and is to be"
                                                             : " is encrypted, and is not to be"));
}

Status check_key(const VolumeId& volume_id, const link::DiskKey& key) {
    if (key.id.empty() || !key.passphrase.empty()) return {};
    return fail(ErrorCode::service_unavailable,
                "the control plane cannot tell the key of the encrypted disk " + volume_id.str());
}

// What is not mounted has no such file, and shows nothing of what it holds.
Status check_pool(const SharedPool& pool) {
    std::string name;
    std::ifstream(pool.folder / "lodge-pool") >> name;
    if (name == pool.name) return {};
    return fail(ErrorCode::invalid_input, "the folder " + pool.folder.string() + " is not the storage pool " +
                                              pool.name + ": its file lodge-pool says '" + name +
                                              "'; is it mounted?");
}

// Whether a QEMU, on whichever machine, has it open to write: of the bytes that it locks, one for each
// permission it holds or shares (block/file-posix.c), this is that of writing.
bool has_writer(const fs::path& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 101;
    lock.l_len = 1;
    return file && fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

// As rename(), but never over another file, which NFS has no call for.
Status move_name(const fs::path& from, const fs::path& to) {
    std::error_code error;
    if (::link(from.c_str(), to.c_str()) != 0) {
        if (errno != EEXIST) return tl::unexpected(file_error("taking over", from));
        if (!fs::equivalent(from, to, error))  // else somebody died in between
            return fail(ErrorCode::conflict, "the disk is in two places: " + from.string() + " and " +
                                                 to.string() + "; move the one away that is not it");
    }
    return ::unlink(from.c_str()) == 0 ? Status() : Status(tl::unexpected(file_error("taking over", from)));
}

// Volumes from before the host was in the pool are not seen there.
Status check_no_disks(const fs::path& folder) {
    for (const fs::path& each : list_folder(folder).value_or(std::vector<fs::path>()))
        if (parse_disk_file(each.string()))
            return fail(ErrorCode::invalid_input, "volumes are in " + folder.string() +
                                                      ": a host joins a storage pool before it has any");
    return {};
}

// Of what lies under the disk, that which lies above the file `flat`, and that file.
WantedDisk without_forgotten(WantedDisk disk, std::int64_t flat) {
    if (flat == none) return disk;
    const auto needed = static_cast<std::size_t>(std::max<std::int64_t>(disk.cuts - flat, 0));
    if (disk.layers.size() > needed)
        disk.layers.erase(disk.layers.begin(), disk.layers.end() - static_cast<std::ptrdiff_t>(needed));
    disk.image = {};
    return disk;
}

fs::path disks_folder(const fs::path& root, const std::optional<SharedPool>& pool) {
    return pool ? pool->folder / pool->host_id.str() : root / "disks";
}

Result<DiskSpace> space_of(const fs::path& folder) {
    struct statvfs info {};
    if (statvfs(folder.c_str(), &info) != 0)
        return tl::unexpected(file_error("asking for the space of", folder));
    const auto mib = [&](fsblkcnt_t blocks) {
        return static_cast<std::int64_t>(blocks) * static_cast<std::int64_t>(info.f_frsize) / bytes_per_mib;
    };
    return DiskSpace{mib(info.f_blocks), mib(info.f_bavail)};
}

Status check_firmware(const fs::path& file) {
    std::error_code error;
    if (fs::exists(file, error)) return {};
    return fail(ErrorCode::not_found, "this host has no UEFI firmware: " + file.string() +
                                          " is missing (on Debian, install the package ovmf)");
}

Status copy_variables(const fs::path& from, const fs::path& to) {
    LODGE_CHECK(check_firmware(from));
    const Fd fd(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return tl::unexpected(file_error("opening", from));
    LODGE_TRY(const std::string bytes, read_at(fd, from, 0, most_variable_bytes));
    return write_file(to, bytes, private_file);
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

Result<std::unique_ptr<FileStorage>> FileStorage::open(fs::path root, FetchImage fetch, UefiFiles uefi,
                                                       std::optional<SharedPool> pool) {
    std::error_code error;
    root = fs::absolute(root, error).lexically_normal();
    uefi = {fs::absolute(uefi.code, error), fs::absolute(uefi.variables, error)};
    if (pool) {
        LODGE_CHECK(check_pool(*pool));
        LODGE_CHECK(check_no_disks(root / "disks"));
    }
    LODGE_CHECK(make_folder(root, passable));
    LODGE_TRY(Fd lock, lock_folder(root));
    LODGE_CHECK(make_folder(root / "images", passable));
    const fs::path disks = disks_folder(root, pool);
    LODGE_CHECK(make_folder(disks, passable));
    LODGE_CHECK(make_folder(root / "instance-store", passable));
    LODGE_CHECK(make_folder(root / "consoles", private_folder));
    LODGE_CHECK(sweep_temporary(root / "images"));
    LODGE_CHECK(sweep_temporary(disks));
    LODGE_CHECK(sweep_temporary(root / "instance-store"));
    warn_of_closed_folders(root);
    if (pool) warn_of_closed_folders(disks);
    return std::unique_ptr<FileStorage>(
        new FileStorage(root, std::move(lock), std::move(fetch), std::move(uefi), std::move(pool)));
}

FileStorage::FileStorage(fs::path root, Fd lock, FetchImage fetch, UefiFiles uefi,
                         std::optional<SharedPool> pool)
    : root_(std::move(root)),
      pool_(std::move(pool)),
      disks_(disks_folder(root_, pool_)),
      lock_(std::move(lock)),
      uefi_(std::move(uefi)),
      images_(root_ / "images", std::move(fetch)) {}

fs::path FileStorage::disk_path(const VolumeId& volume_id, std::int64_t number) const {
    return disks_ / disk_file_name(volume_id, number);
}

fs::path FileStorage::variables_path(const VolumeId& root_volume_id) const {
    return disks_ / (root_volume_id.str() + ".fd");
}

Result<std::string> FileStorage::ensure_image(const link::Content& content) {
    return images_.ensure(content);
}

bool FileStorage::has_image(const link::Content& content) {
    return images_.has(content);
}

Result<std::vector<std::string>> FileStorage::list_contents() {
    return images_.list();
}

Status FileStorage::remove_content(const std::string& sha256) {
    return images_.remove(sha256);
}

Result<std::vector<DiskFile>> FileStorage::list_files() const {
    LODGE_TRY(const auto files, list_folder(disks_));
    std::vector<DiskFile> found;
    for (const fs::path& each : files)
        if (auto file = parse_disk_file(each.string())) found.push_back(std::move(*file));
    return found;
}

Result<std::vector<std::int64_t>> FileStorage::files_of(const VolumeId& volume_id) const {
    LODGE_CHECK(check_id(volume_id));
    LODGE_TRY(const std::vector<DiskFile> all, list_files());
    std::vector<std::int64_t> numbers;
    for (const DiskFile& file : all)
        if (file.volume_id == volume_id) numbers.push_back(file.number);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

// The last one that has the mark; `none`: there is none.
Result<std::int64_t> FileStorage::flat_file_of(const VolumeId& volume_id) const {
    LODGE_TRY(const auto files, list_folder(disks_));
    std::int64_t last = none;
    for (const fs::path& each : files)
        if (const auto mark = parse_flat_mark(each.string()); mark && mark->volume_id == volume_id)
            last = std::max(last, mark->number);
    return last;
}

Result<DiskChain> FileStorage::ensure_disk(const WantedDisk& wanted) {
    LODGE_CHECK(check_key(wanted.volume_id, wanted.key));
    if (pool_) LODGE_CHECK(take_over(wanted.volume_id));
    LODGE_TRY(const std::int64_t flat, flat_file_of(wanted.volume_id));
    const WantedDisk disk = without_forgotten(wanted, flat);
    LODGE_TRY(const auto before, files_of(disk.volume_id));
    if (before.empty() && disk.must_exist)
        return fail(ErrorCode::not_found, "the disk " + disk.volume_id.str() + " is not on this host: " +
                                              disk_path(disk.volume_id, disk.cuts).string());
    LODGE_CHECK(ensure_contents(disk));
    std::lock_guard lock(files_mutex_);
    LODGE_TRY(const auto there, files_of(disk.volume_id));
    LODGE_CHECK(check_files(disk, there));
    LODGE_TRY(const std::int64_t last, make_files(disk, there));
    LODGE_TRY(const auto bases, bases_of(disk, last, flat));
    if (disk.grow) LODGE_CHECK(grow_file(disk_path(disk.volume_id, last), disk.size_bytes, disk.key));
    return DiskChain{disk_path(disk.volume_id, last).string(), bases};
}

// What is in other hosts' folders of a disk that is this host's now, whether anybody knows that it was made
// or not: an ID is never another disk's. Nothing of it while a machine writes to it, and nothing over a file
// that is here: which of two is the disk nobody could tell.
Status FileStorage::take_over(const VolumeId& volume_id) const {
    LODGE_CHECK(check_id(volume_id));
    LODGE_TRY(const auto files, files_elsewhere(volume_id));
    for (const fs::path& file : files)
        if (has_writer(file))
            return fail(ErrorCode::service_unavailable, "a machine of another host has " + file.string());
    for (const fs::path& file : files) {
        LODGE_CHECK(move_name(file, disks_ / file.filename()));
        spdlog::info("disk {}: taken over from {}", volume_id.str(), file.string());
    }
    return {};
}

// Marks come before what they are about.
Result<std::vector<fs::path>> FileStorage::files_elsewhere(const VolumeId& volume_id) const {
    LODGE_TRY(const auto hosts, list_folder(pool_->folder));
    const fs::path variables = variables_path(volume_id).filename();
    std::vector<fs::path> found;
    for (const fs::path& host : hosts) {
        if (!HostId::parse(host.filename().string()) || host == disks_) continue;
        LODGE_TRY(const auto files, list_folder(host));
        for (const fs::path& each : files) {
            const auto disk = parse_disk_file(each.string());
            const auto mark = parse_flat_mark(each.string());
            if (mark && mark->volume_id == volume_id) found.insert(found.begin(), each);
            if (each.filename() == variables || (disk && disk->volume_id == volume_id)) found.push_back(each);
        }
    }
    return found;
}

// Everything that lies in the image cache, and fits.
Status FileStorage::ensure_contents(const WantedDisk& disk) {
    for (const link::Content& layer : disk.layers)
        if (!layer.sha256.empty()) LODGE_CHECK(ensure_base(disk, layer));
    return disk.image.sha256.empty() ? Status() : ensure_base(disk, disk.image);
}

Status FileStorage::ensure_base(const WantedDisk& disk, const link::Content& content) {
    LODGE_TRY(const std::string path, images_.ensure(content));
    LODGE_TRY(const DiskHeader header, read_disk_header(path, content.format));
    if (!header.backing_file.empty())
        return fail(ErrorCode::invalid_input, "the image " + path + " names a backing file of its own");
    LODGE_CHECK(check_encryption(path, header, content.encrypted));
    if (disk.size_bytes >= header.virtual_size_bytes) return {};
    return fail(ErrorCode::invalid_input, fmt::format("a disk of {} bytes is smaller than its image of {}",
                                                      disk.size_bytes, header.virtual_size_bytes));
}

// Returns the number of the file that the disk writes to. One that a machine may have gets no new file: its
// cut is made with the machine.
Result<std::int64_t> FileStorage::make_files(const WantedDisk& disk,
                                             const std::vector<std::int64_t>& there) const {
    if (!there.empty() && (!disk.grow || there.back() >= disk.cuts)) return there.back();
    const std::int64_t unsent =
        std::count_if(disk.layers.begin(), disk.layers.end(), [](const auto& l) { return l.sha256.empty(); });
    // A layer that was sent proves that the disk went on in the next file.
    if (!there.empty() && disk.must_exist && there.back() < disk.cuts - unsent)
        return fail(ErrorCode::not_found, "the disk's last file is not on this host: " +
                                              disk_path(disk.volume_id, disk.cuts - unsent).string());
    std::int64_t size_bytes = disk.size_bytes;
    if (!there.empty()) {
        LODGE_TRY(const DiskHeader header,
                  read_disk_header(disk_path(disk.volume_id, there.back()), "qcow2"));
        size_bytes = header.virtual_size_bytes;
    }
    for (auto number = there.empty() ? disk.cuts - unsent : there.back() + 1; number <= disk.cuts; ++number)
        LODGE_CHECK(make_file(disk.volume_id, number, size_bytes, disk.key));
    return disk.cuts;
}

// Of the disk whose own file is `last`, the next one first: earlier files that the control plane does not
// know of, since it was restored from a backup, then its layers, then its image.
Result<std::vector<BaseFile>> FileStorage::bases_of(const WantedDisk& disk, std::int64_t last,
                                                    std::int64_t flat) const {
    std::vector<BaseFile> bases;
    const auto add_own = [&](std::int64_t number) -> Status {
        const fs::path path = disk_path(disk.volume_id, number);
        std::error_code error;
        bases.push_back({path.string(), "qcow2", true, !disk.key.id.empty()});
        if (fs::exists(path, error)) return {};
        return fail(ErrorCode::not_found, "a layer of the disk is not on this host: " + path.string());
    };
    for (std::int64_t number = last - 1; number >= std::max(disk.cuts, flat); --number)
        LODGE_CHECK(add_own(number));
    std::int64_t number = disk.cuts;
    for (auto layer = disk.layers.rbegin(); layer != disk.layers.rend(); ++layer) {
        if (--number >= last) continue;  // its cut waits for the machine that has the disk
        if (layer->sha256.empty()) {
            LODGE_CHECK(add_own(number));
        } else {
            bases.push_back({images_.path_of(*layer), layer->format, false, layer->encrypted});
        }
    }
    if (!disk.image.sha256.empty()) bases.push_back({images_.path_of(disk.image), disk.image.format});
    return bases;
}

// They are what they are to be. The first file of a disk that an older agent made names its image, which no
// layer may.
Status FileStorage::check_files(const WantedDisk& disk, const std::vector<std::int64_t>& there) const {
    for (const std::int64_t number : there) {
        const fs::path path = disk_path(disk.volume_id, number);
        LODGE_TRY(const DiskHeader header, read_disk_header(path, "qcow2"));
        LODGE_CHECK(check_encryption(path, header, !disk.key.id.empty()));
        if (header.backing_file.empty()) continue;
        if (fs::path(header.backing_file).filename() != disk.image.sha256)
            return fail(ErrorCode::conflict, path.string() + " is an overlay on '" + header.backing_file +
                                                 "', not on '" + disk.image.sha256 + "'");
        if (disk.grow)
            LODGE_CHECK(
                run_program({"qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-b", "", path.string()},
                            qemu_img_timeout_ms));
    }
    return {};
}

// It names no file under it: what that is, whoever opens it says.
Status FileStorage::make_file(const VolumeId& volume_id, std::int64_t number, std::int64_t size_bytes,
                              const link::DiskKey& key) const {
    return make_whole(disk_path(volume_id, number), private_file, [&](const fs::path& temporary) {
        return key.id.empty() ? create(temporary, size_bytes)
                              : make_encrypted_file(temporary, size_bytes, key.passphrase);
    });
}

// One that is there already may be a machine's by now, whatever the caller has seen: it is only ever resized,
// which QEMU's lock refuses then.
Result<std::string> FileStorage::add_file(const VolumeId& volume_id, std::int64_t cuts,
                                          const link::DiskKey& key) {
    LODGE_CHECK(check_id(volume_id));
    LODGE_CHECK(check_key(volume_id, key));
    std::lock_guard lock(files_mutex_);
    const fs::path path = disk_path(volume_id, cuts);
    LODGE_TRY(const DiskHeader before, read_disk_header(disk_path(volume_id, cuts - 1), "qcow2"));
    std::error_code error;
    if (!fs::exists(path, error)) {
        LODGE_CHECK(make_file(volume_id, cuts, before.virtual_size_bytes, key));
        return path.string();
    }
    LODGE_TRY(const DiskHeader there, read_disk_header(path, "qcow2"));
    LODGE_CHECK(check_encryption(path, there, !key.id.empty()));
    if (there.virtual_size_bytes != before.virtual_size_bytes)
        LODGE_CHECK(resize(path, before.virtual_size_bytes, key));
    return path.string();
}

Result<LayerFile> FileStorage::read_layer(const VolumeId& volume_id, std::int64_t number, std::int64_t cuts) {
    LODGE_TRY(const auto there, files_of(volume_id));
    const fs::path path = disk_path(volume_id, number);
    if (std::find(there.begin(), there.end(), number) == there.end())
        return fail(ErrorCode::not_found, "a layer of the disk is not on this host: " + path.string());
    if (there.back() > cuts) return fail(ErrorCode::conflict, cut_too_often(volume_id, there.back(), cuts));
    LODGE_TRY(const DiskHeader header, read_disk_header(path, "qcow2"));
    if (!header.backing_file.empty())
        return fail(ErrorCode::service_unavailable,
                    path.string() + " is of an older agent: it can be sent once its instance was stopped");
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) return fail(ErrorCode::io_failure, "cannot read " + path.string());
    LODGE_TRY(const std::string hash, sha256_of_file(path));
    return LayerFile{path.string(), {hash, "qcow2", static_cast<std::int64_t>(size), header.encrypted}};
}

Status FileStorage::keep_layer(const VolumeId& volume_id, std::int64_t number, const link::Content& content) {
    LODGE_CHECK(check_id(volume_id));
    return images_.adopt(content, disk_path(volume_id, number));
}

Status FileStorage::remove_marks(const VolumeId& volume_id, std::int64_t before) const {
    LODGE_TRY(const auto files, list_folder(disks_));
    for (const fs::path& each : files)
        if (const auto mark = parse_flat_mark(each.string());
            mark && mark->volume_id == volume_id && mark->number < before)
            LODGE_CHECK(remove_file(each));
    return {};
}

Status FileStorage::forget_layers(const VolumeId& volume_id, std::int64_t number) {
    std::lock_guard lock(files_mutex_);
    LODGE_TRY(const auto there, files_of(volume_id));
    if (std::find(there.begin(), there.end(), number) == there.end())
        return fail(ErrorCode::not_found,
                    "the disk's file is not on this host: " + disk_path(volume_id, number).string());
    LODGE_CHECK(write_file(disks_ / flat_mark_name(volume_id, number), "", private_file));
    for (const std::int64_t each : there)
        if (each < number) LODGE_CHECK(remove_file(disk_path(volume_id, each)));
    return remove_marks(volume_id, number);
}

// The variables first, so that a disk that is listed still leads to them. Then the oldest file first: what is
// left of a disk whose removal was cut short is never taken for a younger one.
Status FileStorage::remove_disk(const VolumeId& volume_id) {
    if (pool_) LODGE_CHECK(take_over(volume_id));
    std::lock_guard lock(files_mutex_);
    LODGE_TRY(const auto there, files_of(volume_id));
    LODGE_CHECK(remove_file(variables_path(volume_id)));
    LODGE_CHECK(remove_marks(volume_id, std::numeric_limits<std::int64_t>::max()));
    for (const std::int64_t number : there) LODGE_CHECK(remove_file(disk_path(volume_id, number)));
    return {};
}

// Named by its guest, so that the next guest of the instance never finds it.
Result<std::string> FileStorage::ensure_store_disk(const GuestId& guest_id, std::int64_t number,
                                                   std::int64_t size_bytes) {
    LODGE_CHECK(check_id(guest_id));
    const fs::path final = root_ / "instance-store" / fmt::format("{}.{}.qcow2", guest_id.str(), number);
    std::error_code error;
    if (fs::exists(final, error)) return final.string();
    LODGE_CHECK(make_whole(final, private_file,
                           [&](const fs::path& temporary) { return create(temporary, size_bytes); }));
    return final.string();
}

Status FileStorage::remove_store_disks(const GuestId& guest_id) {
    LODGE_CHECK(check_id(guest_id));
    LODGE_TRY(const auto files, list_folder(root_ / "instance-store"));
    for (const fs::path& each : files)
        if (each.filename().string().starts_with(guest_id.str() + ".")) LODGE_CHECK(remove_file(each));
    return {};
}

Result<std::vector<GuestId>> FileStorage::list_store_disks() {
    LODGE_TRY(const auto files, list_folder(root_ / "instance-store"));
    std::set<GuestId> found;
    for (const fs::path& each : files) {
        const std::string name = each.filename().string();
        if (const auto id = GuestId::parse(name.substr(0, name.find('.')))) found.insert(*id);
    }
    return std::vector<GuestId>(found.begin(), found.end());
}

Result<Firmware> FileStorage::ensure_firmware(const VolumeId& root_volume_id) {
    LODGE_CHECK(check_id(root_volume_id));
    LODGE_CHECK(check_firmware(uefi_.code));
    const fs::path own = variables_path(root_volume_id);
    std::lock_guard lock(files_mutex_);
    std::error_code error;
    if (!fs::exists(own, error)) LODGE_CHECK(copy_variables(uefi_.variables, own));
    return Firmware{uefi_.code.string(), own.string()};
}

Status FileStorage::remove_variables(const VolumeId& root_volume_id) {
    LODGE_CHECK(check_id(root_volume_id));
    std::lock_guard lock(files_mutex_);
    return remove_file(variables_path(root_volume_id));
}

Result<std::vector<VolumeId>> FileStorage::list_disks() {
    LODGE_TRY(const std::vector<DiskFile> files, list_files());
    std::set<VolumeId> found;
    for (const DiskFile& file : files) found.insert(file.volume_id);
    return std::vector<VolumeId>(found.begin(), found.end());
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

// What is free is so in both places: images are copied to the one, volumes grow in the other.
Result<DiskSpace> FileStorage::disk_space() {
    LODGE_TRY(const DiskSpace own, space_of(root_));
    LODGE_TRY(const DiskSpace disks, space_of(disks_));
    return DiskSpace{disks.total_mib, std::min(own.free_mib, disks.free_mib)};
}

}  // namespace lodge::agent

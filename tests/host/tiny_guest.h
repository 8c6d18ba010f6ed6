// Guests of the tiny image for what drives LibvirtHypervisor directly: the image's files, and a
// specification.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "agent/domain/guest_spec.h"
#include "agent/storage/file_storage.h"
#include "proto/base/random.h"

namespace lodge::agent {

inline std::string from_environment(const char* name, const std::string& otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : value;
}

// The libvirtd that tests/host/libvirtd.py runs, else the machine's.
inline std::string libvirt_uri() {
    return from_environment("LODGE_LIBVIRT_URI", "qemu:///system");
}

// In LODGE_IMAGES, else /var/tmp/lodge-images; deploy/images/build makes it.
class TinyImage {
  public:
    const std::filesystem::path& folder() const { return folder_; }
    bool is_there() const { return std::filesystem::exists(folder_ / "lodge-tiny.json"); }

    // A host's storage in `folder`, which gets the image's files from here.
    Result<std::unique_ptr<FileStorage>> open_storage(const std::filesystem::path& folder) const {
        return FileStorage::open(
            folder, [this](const link::Content& content, const std::filesystem::path& into) -> Status {
                for (const char* name : {disk, kernel, ramdisk})
                    if (sha256_of_file(folder_ / name).value_or("") == content.sha256)
                        std::filesystem::copy_file(folder_ / name, into);
                return {};
            });
    }

    // A new guest of one vCPU, with a root disk of its own. A path is empty where the storage failed.
    GuestSpec make_spec(FileStorage& storage, Random& random, const HostId& host) const {
        GuestSpec spec;
        spec.guest_id = GuestId::make(random);
        spec.instance_id = InstanceId::make(random);
        spec.host_id = host;
        spec.instance_type = "t3.nano";
        spec.architecture = "x86_64";
        spec.vcpus = spec.core_count = spec.threads_per_core = 1;
        spec.memory_mib = 256;
        spec.root.volume_id = VolumeId::make(random);
        const link::Content image = content(disk, "qcow2");
        spec.root.target = "vda";
        const auto chain = storage.ensure_disk({spec.root.volume_id, 1LL << 30, image, false});
        if (chain) {
            spec.root.path = chain->path;
            spec.root.bases = chain->bases;
        }
        spec.kernel_path = storage.ensure_image(content(kernel, "raw")).value_or("");
        spec.ramdisk_path = storage.ensure_image(content(ramdisk, "raw")).value_or("");
        spec.kernel_cmdline = "console=ttyS0 loglevel=6 panic=5 no_timer_check cryptomgr.notests";
        spec.console_path = storage.console_path(spec.instance_id);
        return spec;
    }

  private:
    static constexpr const char* disk = "lodge-tiny.qcow2";
    static constexpr const char* kernel = "lodge-tiny.vmlinuz";
    static constexpr const char* ramdisk = "lodge-tiny.initrd";

    link::Content content(const char* name, const std::string& format) const {
        const auto path = folder_ / name;
        return {sha256_of_file(path).value_or(""), format,
                static_cast<std::int64_t>(std::filesystem::file_size(path))};
    }

    const std::filesystem::path folder_ = from_environment("LODGE_IMAGES", "/var/tmp/lodge-images");
};

}  // namespace lodge::agent

#include "agent/network/ip_devices.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "agent/storage/files.h"
#include "agent/storage/process.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t patience_ms = 10'000;
constexpr const char* folder = "/run/netns";
constexpr long nsfs_magic = 0x6e736673;

Status ip(const std::vector<std::string>& arguments, std::string_view batch = {}) {
    std::vector<std::string> argv = {"ip"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_program(argv, patience_ms, batch);
}

// Nothing when it is not there, or is the file of one that is not, or not any more.
std::optional<std::uint64_t> inode_of(const std::string& path) {
    struct statfs system {};
    struct stat file {};
    if (statfs(path.c_str(), &system) != 0 || system.f_type != nsfs_magic) return std::nullopt;
    if (stat(path.c_str(), &file) != 0) return std::nullopt;
    return file.st_ino;
}

struct Setting {
    std::string name;  // below /proc/sys/net
    std::string value;
};

// In the calling thread's namespace.
Status write_settings(const std::vector<Setting>& settings) {
    for (const Setting& setting : settings) {
        const std::string path = "/proc/sys/net/" + setting.name;
        if (!fs::exists(path)) continue;  // a kernel without IPv6
        std::ofstream file(path);
        file << setting.value << std::flush;
        if (!file) return tl::unexpected(file_error("writing", path));
    }
    return {};
}

// A thread moves to the namespace and ends there.
Status write_settings_in(const std::string& path, const std::vector<Setting>& settings) {
    Status done;
    std::thread([&] {
        const Fd netns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!netns || setns(netns.get(), CLONE_NEWNET) != 0)
            done = tl::unexpected(file_error("entering", path));
        else
            done = write_settings(settings);
    }).join();
    return done;
}

// A new namespace has what the machine's own says, forwarding included: it would lead from subnet to subnet
// past all groups. Several devices have the same addresses, so each answers for its own alone.
std::vector<Setting> namespace_settings() {
    return {{"ipv4/ip_forward", "0"},
            {"ipv4/conf/all/rp_filter", "1"},
            {"ipv4/conf/default/rp_filter", "1"},
            {"ipv4/conf/all/arp_ignore", "1"},
            {"ipv4/conf/all/accept_redirects", "0"},
            {"ipv4/conf/default/accept_redirects", "0"},
            {"ipv4/conf/all/accept_source_route", "0"},
            {"ipv6/conf/all/disable_ipv6", "1"},
            {"ipv6/conf/default/disable_ipv6", "1"}};
}

// The near end belongs to the switch: the machine itself neither listens nor answers there.
std::vector<Setting> near_end_settings(const std::string& name) {
    return {{"ipv4/conf/" + name + "/arp_ignore", "8"}, {"ipv6/conf/" + name + "/disable_ipv6", "1"}};
}

std::string mtu_of(const MetadataDevice& device) {
    return device.mtu > 0 ? " mtu " + std::to_string(device.mtu) : "";
}

std::string far_end_commands(const MetadataDevice& device) {
    std::string batch = "link set dev " + device.name + " address " + device.mac + mtu_of(device) + " up\n";
    for (const std::string& address : device.addresses)
        batch += "address replace " + address + "/32 dev " + device.name + "\n";
    return batch + "route replace " + device.route + " dev " + device.name + "\n";
}

}  // namespace

unsigned IpDevices::index(const std::string& device) const {
    return if_nametoindex(device.c_str());
}

std::string IpDevices::path_of(const std::string& netns) const {
    return std::string(folder) + "/" + netns;
}

Result<std::uint64_t> IpDevices::ensure_namespace(const std::string& netns) {
    const std::string path = path_of(netns);
    std::optional<std::uint64_t> inode = inode_of(path);
    if (inode && prepared_.contains(*inode)) return *inode;
    if (!inode) {
        std::error_code ignored;
        fs::remove(path, ignored);  // what an interrupted `ip` has left
        LODGE_CHECK(ip({"netns", "add", netns}));
        inode = inode_of(path);
        if (!inode) return fail(ErrorCode::io_failure, path + " is no network namespace");
    }
    LODGE_CHECK(write_settings_in(path, namespace_settings()));
    LODGE_CHECK(ip({"-n", netns, "link", "set", "dev", "lo", "up"}));
    prepared_.insert(*inode);
    return *inode;
}

// The ends of a cable come and go together.
Status IpDevices::ensure_device(const MetadataDevice& device) {
    if (!exists(device.name)) {
        LODGE_CHECK(ip({"link", "add", "dev", device.name, "type", "veth", "peer", "name", device.name,
                        "netns", device.netns}));
    }
    LODGE_CHECK(write_settings(near_end_settings(device.name)));
    LODGE_CHECK(ip({"-batch", "-"}, "link set dev " + device.name + mtu_of(device) + " up\n"));
    return ip({"-n", device.netns, "-batch", "-"}, far_end_commands(device));
}

Status IpDevices::remove_device(const std::string& device) {
    return exists(device) ? ip({"link", "delete", "dev", device}) : Status();
}

Status IpDevices::remove_namespace(const std::string& netns) {
    if (const auto inode = inode_of(path_of(netns))) prepared_.erase(*inode);
    std::error_code ignored;
    return fs::exists(path_of(netns), ignored) ? ip({"netns", "delete", netns}) : Status();
}

std::vector<std::string> IpDevices::namespaces(const std::string& prefix) const {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
        if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path().filename());
    return found;
}

}  // namespace lodge::agent

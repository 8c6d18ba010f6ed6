#include "agent/hypervisor/libvirt.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "agent/domain/disk_file.h"
#include "agent/domain/disk_xml.h"
#include "agent/domain/domain_xml.h"
#include "agent/domain/guest_tag.h"
#include "agent/domain/interface_xml.h"
#include "agent/domain/live_domain.h"
#include "agent/hypervisor/libvirt_state.h"
#include "proto/base/clock.h"

namespace lodge::agent {
namespace {

constexpr const char* test_type = "test";
constexpr int agent_patience_s = 5;
constexpr std::int64_t young_ms = 15'000;
constexpr std::int64_t flatten_bytes_per_s = 64 << 20;  // at least; the guest has the rest of the disk's
constexpr std::int64_t flatten_s = 1'800;  // at most, if the disk gives it: snapshots may be made by the hour

std::string domain_type(const LibvirtOptions& options) {
    return options.uri.starts_with("test:") ? test_type : accelerator_name(options.accelerator);
}

struct CFree {
    void operator()(char* text) const noexcept { std::free(text); }
};
using CString = std::unique_ptr<char, CFree>;

// Undefines it with what libvirt keeps beside it and would refuse to leave behind: an operator may have made
// a managed save, a snapshot or a checkpoint. The firmware's variables stay: they are the storage's, for the
// instance's next guest. The test driver knows neither those nor checkpoints.
int undefine_with_extras(virDomainPtr domain, const std::string& type) {
    constexpr unsigned known_to_all =
        VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
    constexpr unsigned others = VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
    return virDomainUndefineFlags(domain, type == test_type ? known_to_all : known_to_all | others);
}

// A domain may vanish between two calls; whatever is asked of it then has an empty answer, not an error.
bool vanished() {
    const int code = virGetLastErrorCode();
    return code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_NO_DOMAIN_METADATA;
}

Result<std::optional<GuestTag>> tag_of(virDomainPtr domain) {
    const CString xml(virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, guest_tag_namespace,
                                           VIR_DOMAIN_AFFECT_CURRENT));
    if (xml) return parse_guest_tag(xml.get());
    if (vanished()) return std::nullopt;
    return tl::unexpected(libvirt_error("reading a domain's metadata"));
}

Result<std::vector<DomainHandle>> all_domains(virConnectPtr connection) {
    virDomainPtr* raw = nullptr;
    const int count = virConnectListAllDomains(connection, &raw, 0);
    if (count < 0) return tl::unexpected(libvirt_error("listing the domains"));
    std::vector<DomainHandle> domains(raw, raw + count);
    std::free(raw);
    return domains;
}

// What its XML tells; nothing for a domain without our tag, or gone by now.
Result<std::optional<LiveDomain>> read_domain(virDomainPtr domain) {
    const CString xml(virDomainGetXMLDesc(domain, 0));
    if (xml) return parse_live_domain(xml.get());
    if (vanished()) return std::nullopt;
    return tl::unexpected(libvirt_error("reading a domain's definition"));
}

bool has(const LiveDomain& domain, const NetworkInterfaceId& id) {
    return std::find(domain.interfaces.begin(), domain.interfaces.end(), id) != domain.interfaces.end();
}

bool has(const LiveDomain& domain, const VolumeId& id) {
    return std::find(domain.disks.begin(), domain.disks.end(), id) != domain.disks.end();
}

// 1: a disk is being flattened, 0: it is not.
int is_flattening(virDomainPtr domain, const std::string& target) {
    virDomainBlockJobInfo job;
    return virDomainGetBlockJobInfo(domain, target.c_str(), &job, 0);
}

// What is done to a disk waits for no flattening, which begins again later.
int end_flattening(virDomainPtr domain, const std::string& target) {
    const int flattening = is_flattening(domain, target);
    if (flattening <= 0) return flattening;
    if (virDomainBlockJobAbort(domain, target.c_str(), 0) == 0) return 0;
    return is_flattening(domain, target) == 0 ? 0 : -1;  // it was done meanwhile
}

int end_flattening_of(virDomainPtr domain, const LiveDomain& live, const VolumeId& id) {
    for (const auto& [target, of] : live.targets)
        if (of == id) return end_flattening(domain, target);
    return 0;
}

int end_flattening_of(virDomainPtr, const LiveDomain&, const NetworkInterfaceId&) {
    return 0;
}

int flatten(virDomainPtr domain, const DiskSpec& disk) {
    const auto live = read_domain(domain);
    if (!live || !*live) return -1;
    const auto flat = (*live)->flat.find(disk.volume_id);
    if (flat != (*live)->flat.end() && flat->second == file_number((*live)->cuts, disk.volume_id)) return 0;
    if (is_flattening(domain, disk.target) == 1) return 0;
    const auto bytes_per_s = std::max(flatten_bytes_per_s, disk.size_bytes / flatten_s);
    return virDomainBlockPull(domain, disk.target.c_str(), static_cast<unsigned long>(bytes_per_s),
                              VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES);
}

int grow_disk(virDomainPtr domain, const DiskSpec& disk) {
    virDomainBlockInfo info;
    if (virDomainGetBlockInfo(domain, disk.target.c_str(), &info, 0) != 0) return -1;
    const auto wanted = static_cast<unsigned long long>(disk.size_bytes);
    if (info.capacity >= wanted) return 0;
    if (end_flattening(domain, disk.target) != 0) return -1;
    return virDomainBlockResize(domain, disk.target.c_str(), wanted, VIR_DOMAIN_BLOCK_RESIZE_BYTES);
}

// 0 takes a limit off.
int limit_disk(virDomainPtr domain, const DiskSpec& disk) {
    virTypedParameterPtr limits = nullptr;
    int count = 0;
    int room = 0;
    int done = virTypedParamsAddULLong(&limits, &count, &room, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC,
                                       static_cast<unsigned long long>(disk.limits.bytes_per_s));
    if (done == 0)
        done = virTypedParamsAddULLong(&limits, &count, &room, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC,
                                       static_cast<unsigned long long>(disk.limits.iops));
    if (done == 0)
        done = virDomainSetBlockIoTune(domain, disk.target.c_str(), limits, count, VIR_DOMAIN_AFFECT_LIVE);
    virTypedParamsFree(limits, count);
    return done;
}

struct FileSystems {
    virDomainFSInfoPtr* list = nullptr;
    int count = 0;

    ~FileSystems() {
        for (int i = 0; i < count; ++i) virDomainFSInfoFree(list[i]);
        std::free(list);
    }
};

// Where one is mounted that lies on the disk; empty: nowhere. One that cannot be asked now may have any.
std::string mounted_at(virDomainPtr domain, const LiveDomain& live, const VolumeId& id) {
    FileSystems found;
    virDomainAgentSetResponseTimeout(domain, agent_patience_s, 0);
    found.count = virDomainGetFSInfo(domain, &found.list, 0);
    if (found.count < 0) return "a place that its agent does not tell of now";
    for (int i = 0; i < found.count; ++i)
        for (std::size_t disk = 0; disk < found.list[i]->ndevAlias; ++disk) {
            const auto target = live.targets.find(found.list[i]->devAlias[disk]);
            if (target != live.targets.end() && target->second == id) return found.list[i]->mountpoint;
        }
    return "";
}

// Those that are not done yet, since an earlier call may have been. The files are there, which libvirt would
// make itself, but with the name of what is under them.
int cut(virDomainPtr domain, const std::vector<DiskSpec>& disks, bool still) {
    const auto live = read_domain(domain);
    if (!live || !*live) return -1;
    std::vector<DiskSpec> left;
    std::vector<std::string> others;
    for (const auto& [target, id] : (*live)->targets) {
        const auto wanted = std::find_if(disks.begin(), disks.end(), [&, of = &id](const DiskSpec& disk) {
            return disk.volume_id == *of && file_number((*live)->cuts, *of) < disk.cuts;
        });
        if (wanted == disks.end())
            others.push_back(target);
        else
            left.push_back(*wanted);
    }
    if (left.empty()) return 0;
    for (const DiskSpec& disk : left)
        if (end_flattening(domain, disk.target) != 0) return -1;
    constexpr unsigned flags = VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA |
                               VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC;
    const std::string xml = cut_xml(left, others);
    if (still && (*live)->has_agent) {
        virDomainAgentSetResponseTimeout(domain, agent_patience_s, 0);
        const SnapshotHandle made(
            virDomainSnapshotCreateXML(domain, xml.c_str(), flags | VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE));
        if (made) return 0;
        const std::string why = libvirt_error("freezing").message;
        spdlog::warn("{} is cut without its file systems being still: {}", virDomainGetName(domain), why);
        return cut(domain, disks, false);  // what failed may have been to go on again
    }
    const SnapshotHandle made(virDomainSnapshotCreateXML(domain, xml.c_str(), flags));
    return made ? 0 : -1;
}

// Off a domain that runs, in case its agent died before it could. Nothing is lost if it fails.
void take_mark_off(virDomainPtr domain) {
    virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, nullptr, nullptr, held_mark_namespace,
                         VIR_DOMAIN_AFFECT_LIVE);
}

bool is_held(int state, int reason, const LiveDomain& domain) {
    return state == VIR_DOMAIN_PAUSED && reason != VIR_DOMAIN_PAUSED_STARTING_UP && domain.held;
}

}  // namespace

LibvirtHypervisor::LibvirtHypervisor(LibvirtOptions options)
    : options_(std::move(options)),
      domain_type_(domain_type(options_)),
      watch_(std::make_shared<LibvirtWatch>()),
      connection_(options_.uri, watch_) {}

// Events that are still under way find the watch alive, and nobody to call.
LibvirtHypervisor::~LibvirtHypervisor() {
    watch_->on_change({});
}

void LibvirtHypervisor::on_change(std::function<void()> callback) {
    watch_->on_change(std::move(callback));
}

std::int64_t LibvirtHypervisor::reboots_seen(const GuestId& guest_id) {
    return watch_->reboots(domain_name(guest_id));
}

Result<Capacity> LibvirtHypervisor::capacity() {
    return connection_.run([this](virConnectPtr connection) -> Result<Capacity> {
        virNodeInfo node;
        if (virNodeGetInfo(connection, &node) != 0)
            return tl::unexpected(libvirt_error("asking for the host's size"));
        const CString name(virConnectGetHostname(connection));
        if (!name) return tl::unexpected(libvirt_error("asking for the host's name"));
        return Capacity{name.get(), node.model, node.cpus, static_cast<std::int64_t>(node.memory / 1024),
                        domain_type_ == "kvm" ? "kvm" : "qemu"};
    });
}

Result<std::optional<Domain>> LibvirtHypervisor::observe(virDomainPtr domain) const {
    if (!is_domain_name(virDomainGetName(domain))) return std::nullopt;
    LODGE_TRY(const std::optional<LiveDomain> live, read_domain(domain));
    if (!live || live->tag.host_id != options_.owner) return std::nullopt;
    int state = 0;
    int reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) != 0) {
        if (vanished()) return std::nullopt;
        return tl::unexpected(libvirt_error("reading a domain's state"));
    }
    Domain seen{live->tag.guest_id, live->tag.instance_id, domain_state(state, reason)};
    if (is_held(state, reason, *live)) {
        seen.state = DomainState::held;
    } else if (live->held && seen.state == DomainState::running) {
        take_mark_off(domain);
    }
    if (seen.state != DomainState::shut_off) {
        seen.interfaces = live->interfaces;
        seen.disks = live->disks;
        seen.cuts = live->cuts;
        seen.flat = live->flat;
        return seen;
    }
    seen.end_reason = end_reason_of_state(state, reason);
    // libvirtd has forgotten the reason when it was started anew; the event may have told us.
    if (seen.end_reason == EndReason::unknown) seen.end_reason = watch_->end_reason(virDomainGetName(domain));
    return seen;
}

Result<std::vector<Domain>> LibvirtHypervisor::list() {
    return connection_.run([this](virConnectPtr connection) -> Result<std::vector<Domain>> {
        LODGE_TRY(const std::vector<DomainHandle> domains, all_domains(connection));
        std::vector<Domain> ours;
        for (const DomainHandle& domain : domains) {
            LODGE_TRY(const std::optional<Domain> seen, observe(domain.get()));
            if (seen) ours.push_back(*seen);
        }
        return ours;
    });
}

Result<DomainHandle> LibvirtHypervisor::find(virConnectPtr connection, const GuestId& guest_id) const {
    DomainHandle domain(virDomainLookupByName(connection, domain_name(guest_id).c_str()));
    if (!domain) {
        if (vanished()) return DomainHandle();
        return tl::unexpected(libvirt_error("looking for " + domain_name(guest_id)));
    }
    LODGE_TRY(const std::optional<GuestTag> tag, tag_of(domain.get()));
    if (!tag || tag->host_id != options_.owner)
        return fail(ErrorCode::conflict, "the domain " + domain_name(guest_id) + " is not this agent's");
    return domain;
}

// The test driver starts nothing paused, and takes no flags.
int LibvirtHypervisor::create_paused(virDomainPtr domain) const {
    if (domain_type_ != test_type) return virDomainCreateWithFlags(domain, VIR_DOMAIN_START_PAUSED);
    const int created = virDomainCreate(domain);
    return created == 0 ? virDomainSuspend(domain) : created;
}

Status LibvirtHypervisor::define_and_create(virConnectPtr connection, const GuestSpec& spec) const {
    const std::string name = domain_name(spec.guest_id);
    const DomainHandle domain(virDomainDefineXML(connection, domain_xml(spec, {domain_type_}).c_str()));
    if (!domain) return tl::unexpected(libvirt_error("defining " + name));
    if (create_paused(domain.get()) == 0) return {};
    Error error = libvirt_error("starting " + name);
    if (virDomainIsActive(domain.get()) == 1) return {};  // another call was faster
    undefine_with_extras(domain.get(), domain_type_);
    return tl::unexpected(std::move(error));
}

Result<bool> LibvirtHypervisor::create_held(virConnectPtr connection, const GuestSpec& spec) const {
    LODGE_TRY(const DomainHandle known, find(connection, spec.guest_id));
    if (!known || virDomainIsActive(known.get()) != 1) LODGE_CHECK(define_and_create(connection, spec));
    LODGE_TRY(const DomainHandle domain, find(connection, spec.guest_id));
    if (domain) {
        LODGE_TRY(const std::optional<Domain> seen, observe(domain.get()));
        if (seen && seen->state != DomainState::shut_off) return seen->state == DomainState::held;
    }
    return fail(ErrorCode::io_failure, domain_name(spec.guest_id) + " ended while it was started");
}

// Only calls that have QEMU open files need them: libvirt hands them over, and QEMU keeps them.
Result<std::unique_ptr<LibvirtSecrets::Lent>> LibvirtHypervisor::lend_keys(
    const std::vector<DiskSpec>& disks) {
    std::vector<link::DiskKey> keys;
    for (const DiskSpec& disk : disks)
        if (!disk.key.id.empty()) keys.push_back(disk.key);
    if (keys.empty()) return nullptr;
    return connection_.run([&](virConnectPtr connection) { return secrets_.lend(connection, keys); });
}

Result<bool> LibvirtHypervisor::hold(const GuestSpec& spec) {
    std::vector<DiskSpec> disks = spec.disks;
    disks.push_back(spec.root);
    LODGE_TRY(const auto keys, lend_keys(disks));
    return connection_.run([&](virConnectPtr connection) { return create_held(connection, spec); });
}

Status LibvirtHypervisor::start(const GuestSpec& spec, const Gate& gate) {
    LODGE_TRY(const bool held, hold(spec));
    if (!held) return {};
    Status done = gate();
    if (done) {
        done = let_run(spec.guest_id);
        if (done || done.error().code == ErrorCode::service_unavailable) return done;
    }
    LODGE_CHECK(destroy(spec.guest_id));
    LODGE_CHECK(undefine(spec.guest_id));
    return done;
}

// The mark goes last: a domain without it would stay paused, were we to die in between.
Status LibvirtHypervisor::let_run(const GuestId& guest_id) {
    return connection_.run([&](virConnectPtr connection) -> Status {
        LODGE_TRY(const DomainHandle domain, find(connection, guest_id));
        int state = VIR_DOMAIN_SHUTOFF;
        if (domain) virDomainGetState(domain.get(), &state, nullptr, 0);
        if (state == VIR_DOMAIN_PAUSED && virDomainResume(domain.get()) != 0)
            return tl::unexpected(libvirt_error("letting " + domain_name(guest_id) + " run"));
        if (!domain || virDomainIsActive(domain.get()) != 1)
            return fail(ErrorCode::io_failure, domain_name(guest_id) + " ended while it was started");
        take_mark_off(domain.get());
        return {};
    });
}

template <class Id>
Status LibvirtHypervisor::plug_in(const GuestId& guest_id, const Id& id, const std::string& xml) {
    return if_running(
        guest_id, "attaching " + id.str() + " to",
        [&](virDomainPtr domain) {
            const auto live = read_domain(domain);
            if (live && *live && has(**live, id)) return 0;
            return virDomainAttachDeviceFlags(domain, xml.c_str(), VIR_DOMAIN_AFFECT_LIVE);
        },
        fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running"));
}

template <class Id>
Status LibvirtHypervisor::ask_to_let_go(const GuestId& guest_id, const Id& id, const std::string& alias) {
    return if_running(guest_id, "detaching " + id.str() + " from",
                      [&](virDomainPtr domain) {
                          const auto live = read_domain(domain);
                          if (live && (!*live || !has(**live, id))) return 0;
                          if (live && end_flattening_of(domain, **live, id) != 0) return -1;
                          return virDomainDetachDeviceAlias(domain, alias.c_str(), VIR_DOMAIN_AFFECT_LIVE);
                      },
                      {});
}

Status LibvirtHypervisor::attach_interface(const GuestId& guest_id, const Nic& nic) {
    return plug_in(guest_id, nic.network_interface_id, interface_xml(nic, options_.owner));
}

Status LibvirtHypervisor::request_detach(const GuestId& guest_id, const NetworkInterfaceId& id) {
    return ask_to_let_go(guest_id, id, interface_alias(id));
}

Status LibvirtHypervisor::attach_disk(const GuestId& guest_id, const DiskSpec& disk) {
    LODGE_TRY(const auto keys, lend_keys({disk}));
    return plug_in(guest_id, disk.volume_id, disk_xml(disk));
}

// Linux would let go of a disk with a mounted file system, and lose what it has not written yet.
Status LibvirtHypervisor::request_detach(const GuestId& guest_id, const VolumeId& id, bool politely) {
    std::string mounted;
    const auto look = [&](virDomainPtr domain) {
        const auto live = read_domain(domain);
        if (live && *live && has(**live, id) && (*live)->has_agent) mounted = mounted_at(domain, **live, id);
        return 0;
    };
    if (politely) LODGE_CHECK(if_running(guest_id, "asking about " + id.str() + " in", look, {}));
    if (mounted.empty()) return ask_to_let_go(guest_id, id, disk_alias(id));
    spdlog::debug("{} stays in {}: it is mounted at {}", id.str(), domain_name(guest_id), mounted);
    return {};
}

Status LibvirtHypervisor::adjust_disk(const GuestId& guest_id, const DiskSpec& disk) {
    return if_running(
        guest_id, "adjusting " + disk.volume_id.str() + " of",
        [&](virDomainPtr domain) {
            const int grown = grow_disk(domain, disk);
            return grown == 0 ? limit_disk(domain, disk) : grown;
        },
        fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running"));
}

// A machine that was just reset has not mounted anything yet, and its agent is the one that it had before.
Status LibvirtHypervisor::cut_disks(const GuestId& guest_id, const std::vector<DiskSpec>& disks) {
    const auto reset_ms = watch_->last_reset_ms(domain_name(guest_id));
    LODGE_TRY(const auto keys, lend_keys(disks));
    const bool still = reset_ms == 0 || SystemClock().steady_ms() - reset_ms >= young_ms;
    return if_running(
        guest_id, "cutting disks of", [&](virDomainPtr domain) { return cut(domain, disks, still); },
        fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running"));
}

Status LibvirtHypervisor::flatten_disk(const GuestId& guest_id, const DiskSpec& disk) {
    return if_running(
        guest_id, "flattening " + disk.volume_id.str() + " of",
        [&](virDomainPtr domain) { return flatten(domain, disk); },
        fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running"));
}

Status LibvirtHypervisor::if_running(const GuestId& guest_id, const std::string& doing,
                                     const std::function<int(virDomainPtr)>& act, const Status& off) {
    return connection_.run([&](virConnectPtr connection) -> Status {
        LODGE_TRY(const DomainHandle domain, find(connection, guest_id));
        if (!domain || virDomainIsActive(domain.get()) == 0) return off;
        if (act(domain.get()) == 0) return {};
        Error error = libvirt_error(doing + " " + domain_name(guest_id));
        if (virDomainIsActive(domain.get()) == 0) return off;  // it ended meanwhile
        return tl::unexpected(std::move(error));
    });
}

Status LibvirtHypervisor::request_shutdown(const GuestId& guest_id) {
    // The test driver knows no flags; without one libvirt may ask an agent inside the guest instead.
    const unsigned flags = domain_type_ == test_type ? 0 : VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN;
    return if_running(guest_id, "shutting down",
                      [flags](virDomainPtr domain) { return virDomainShutdownFlags(domain, flags); }, {});
}

Status LibvirtHypervisor::destroy(const GuestId& guest_id) {
    return if_running(guest_id, "ending", virDomainDestroy, {});
}

Status LibvirtHypervisor::undefine(const GuestId& guest_id) {
    return connection_.run([&](virConnectPtr connection) -> Status {
        LODGE_TRY(const DomainHandle domain, find(connection, guest_id));
        if (!domain) return {};
        if (virDomainIsActive(domain.get()) == 1)
            return fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is running");
        if (undefine_with_extras(domain.get(), domain_type_) == 0 || vanished()) return {};
        return tl::unexpected(libvirt_error("undefining " + domain_name(guest_id)));
    });
}

Status LibvirtHypervisor::request_reboot(const GuestId& guest_id) {
    return if_running(
        guest_id, "rebooting",
        [](virDomainPtr domain) { return virDomainReboot(domain, VIR_DOMAIN_REBOOT_ACPI_POWER_BTN); },
        fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running"));
}

Status LibvirtHypervisor::reset(const GuestId& guest_id) {
    return if_running(
        guest_id, "resetting", [](virDomainPtr domain) { return virDomainReset(domain, 0); },
        fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running"));
}

Status LibvirtHypervisor::interrupt(const GuestId& guest_id) {
    return if_running(
        guest_id, "interrupting", [](virDomainPtr domain) { return virDomainInjectNMI(domain, 0); },
        fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running"));
}

}  // namespace lodge::agent

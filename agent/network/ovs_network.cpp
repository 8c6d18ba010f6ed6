#include "agent/network/ovs_network.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/domain/interface_xml.h"
#include "agent/network/unixctl.h"
#include "agent/network/words.h"

namespace lodge::agent {
namespace {

constexpr int follow_ms = 5'000;
const Json::json_pointer next_cfg_result("/rows/0/next_cfg");

// The folder of the switch's sockets and process IDs.
std::string ovs_rundir(const std::string& ovs_db) {
    constexpr std::string_view unix_scheme = "unix:";
    if (!ovs_db.starts_with(unix_scheme)) return "/run/openvswitch";
    return ovs_db.substr(unix_scheme.size(), ovs_db.rfind('/') - unix_scheme.size());
}

}  // namespace

OvsNetwork::OvsNetwork(OvsOptions options, HostDevices& devices, const Clock& clock)
    : options_(std::move(options)), devices_(devices), clock_(clock) {}

OvsNetwork::~OvsNetwork() = default;

void OvsNetwork::on_change(std::function<void()> callback) {
    std::lock_guard lock(callback_mutex_);
    callback_ = std::move(callback);
}

void OvsNetwork::interrupt() {
    std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
}

void OvsNetwork::call_back() {
    std::lock_guard lock(callback_mutex_);
    if (callback_) callback_();
}

void OvsNetwork::watched(const std::function<void()>& change) {
    {
        std::lock_guard lock(mutex_);
        change();
        changed_.notify_all();
    }
    call_back();
}

void OvsNetwork::watch() {
    if (client_) return;
    ovsdb::Options options;
    options.remote = options_.ovs_db;
    options.database = "Open_vSwitch";
    options.monitored = OvsView::monitored();
    options.retry_ms = options_.retry_ms;
    ovsdb::Events events;
    events.connected = [this](const Json& rows) { watched([&] { view_.reset(rows); }); };
    events.updated = [this](const Json& rows) { watched([&] { view_.update(rows); }); };
    events.lost = [this] { watched([] {}); };
    auto client = std::make_unique<ovsdb::Client>(std::move(options), std::move(events));
    std::lock_guard lock(mutex_);
    client_ = std::move(client);
}

NetworkKind OvsNetwork::kind() const {
    std::lock_guard lock(mutex_);
    return kind_;
}

Result<Json> OvsNetwork::transact(const Json& operations) {
    if (operations.empty()) return operations;
    LODGE_TRY(Json results, client_->transact(operations));
    for (const Json& each : results)
        if (const auto count = each.find("count"); count != each.end() && *count == 0)
            return fail(ErrorCode::service_unavailable, "Open vSwitch has changed meanwhile");
    return results;
}

// Returns when ovs-vswitchd has followed: it takes what comes and goes between two of its looks for
// unchanged.
Status OvsNetwork::transact_and_follow(const Json& operations) {
    if (operations.empty()) return {};
    Json whole;
    {
        std::lock_guard lock(mutex_);
        whole = with_sequence(view_, operations);
    }
    LODGE_TRY(const Json results, transact(whole));
    const Json wanted = results.back().value(next_cfg_result, Json());
    std::unique_lock lock(mutex_);
    const auto follows = [&] {
        return view_.root() && wanted.is_number_integer() &&
               view_.root()->cur_cfg >= wanted.get<std::int64_t>();
    };
    changed_.wait_for(lock, std::chrono::milliseconds(follow_ms), [&] { return interrupted_ || follows(); });
    if (follows()) return {};
    if (interrupted_) return interrupted();
    return fail(ErrorCode::service_unavailable, "ovs-vswitchd does not follow its database");
}

void OvsNetwork::note_settings(const link::ChassisSettings& settings, NetworkKind kind) {
    {
        std::lock_guard lock(mutex_);
        settings_ = settings;
        if (std::exchange(kind_, kind) == kind) return;
    }
    call_back();
}

Status OvsNetwork::configure(const link::ChassisSettings& settings) {
    const bool present = settings.has_ovn;
    if (present) watch();
    note_settings(settings, present ? NetworkKind::present : NetworkKind::none);
    if (!present) return {};
    if (const std::string trouble = client_->problem(); !trouble.empty())
        return fail(ErrorCode::service_unavailable, "Open vSwitch's database: " + trouble);
    const OvsTls& tls = options_.tls;
    const ChassisWish wish{settings, options_.host_id.str(), options_.public_bridge, options_.encap_ip, tls};
    Json operations;
    {
        std::lock_guard lock(mutex_);
        operations = configure_chassis(view_, wish);
    }
    LODGE_CHECK(transact(operations));
    return {};
}

std::string OvsNetwork::problem() {
    {
        std::lock_guard lock(mutex_);
        if (kind_ != NetworkKind::present) return "";
    }
    if (const std::string trouble = client_->problem(); !trouble.empty())
        return "Open vSwitch's database: " + trouble;
    const auto ask = [&](const std::string& rundir, const char* program, const char* method) {
        return ask_daemon(rundir, program, method, options_.ask_ms, clock_);
    };
    if (const auto version = ask(ovs_rundir(options_.ovs_db), "ovs-vswitchd", "version"); !version)
        return version.error().message;
    const auto connection = ask(options_.ovn_rundir, "ovn-controller", "connection-status");
    if (!connection) return connection.error().message;
    std::lock_guard lock(mutex_);
    if (*connection != "connected") return "ovn-controller does not reach " + remote_of(view_);
    return view_.has_bridge(integration_bridge) ? "" : "ovn-controller has not made br-int yet";
}

bool OvsNetwork::is_installed_locked(const std::string& port_uuid) const {
    const auto plugged = view_.plugged(port_uuid);
    return std::any_of(plugged.begin(), plugged.end(), [](const OvsInterface* each) {
        return each->id("ovn-installed") == "true" && each->error.empty();
    });
}

bool OvsNetwork::is_installed(const std::string& port_uuid) const {
    std::lock_guard lock(mutex_);
    return is_installed_locked(port_uuid);
}

std::string OvsNetwork::seen_of(const std::string& port_uuid) const {
    const auto plugged = view_.plugged(port_uuid);
    if (plugged.empty()) return "Open vSwitch has no interface of that port (" + port_uuid + ")";
    const OvsInterface& first = *plugged.front();
    if (!first.error.empty()) return "Open vSwitch cannot use " + first.name + ": " + first.error;
    return "ovn-controller has not claimed " + first.name + " for it (" + port_uuid + ")";
}

Status OvsNetwork::wait_installed(const std::vector<Port>& ports, std::int64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    const auto missing = [&] {
        return std::find_if(ports.begin(), ports.end(),
                            [&](const Port& port) { return !is_installed_locked(port.uuid); });
    };
    changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                      [&] { return interrupted_ || missing() == ports.end(); });
    if (missing() == ports.end()) return {};
    if (interrupted_) return interrupted();
    const Port port = *missing();
    const std::string seen = seen_of(port.uuid);
    lock.unlock();
    if (const std::string trouble = problem(); !trouble.empty())
        return fail(ErrorCode::service_unavailable, trouble);
    return not_installed(port, timeout_ms, seen);
}

// Those whose device is gone. libvirt makes a tap before it plugs it in, so that none is on its way.
Status OvsNetwork::remove_stale(const std::function<bool(const OvsInterface&)>& ours) {
    if (kind() != NetworkKind::present) return {};
    Json operations;
    {
        std::lock_guard lock(mutex_);
        std::vector<std::string> names;
        for (const auto& [uuid, each] : view_.interfaces())
            if (ours(each) && !devices_.exists(each.name)) names.push_back(each.name);
        operations = remove_ports(view_, names);
    }
    LODGE_CHECK(transact(operations));
    return {};
}

Status OvsNetwork::release(const std::string& port_uuid) {
    return remove_stale([&](const OvsInterface& each) { return each.id("iface-id") == port_uuid; });
}

Status OvsNetwork::sweep() {
    const std::string mark = port_profile(options_.host_id);
    return remove_stale([&](const OvsInterface& each) { return each.id("port-profile") == mark; });
}

}  // namespace lodge::agent

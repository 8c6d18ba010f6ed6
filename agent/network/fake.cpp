#include "agent/network/fake.h"

#include <algorithm>
#include <chrono>

#include "agent/network/words.h"

namespace lodge::agent {

Status FakeNetwork::configure(const link::ChassisSettings& settings) {
    std::lock_guard lock(mutex_);
    settings_ = settings;
    return {};
}

NetworkKind FakeNetwork::kind() const {
    std::lock_guard lock(mutex_);
    return kind_;
}

std::string FakeNetwork::problem() {
    std::lock_guard lock(mutex_);
    return problem_;
}

Status FakeNetwork::wait_installed(const std::vector<Port>& ports, std::int64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    const auto missing = [&] {
        return std::find_if(ports.begin(), ports.end(), [&](const Port& port) {
            return !installing_ || uninstalled_.contains(port.uuid);
        });
    };
    changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                      [&] { return interrupted_ || missing() == ports.end(); });
    if (missing() == ports.end()) return {};
    if (interrupted_) return interrupted();
    if (!problem_.empty()) return fail(ErrorCode::service_unavailable, problem_);
    return not_installed(*missing(), timeout_ms, "the simulated network installs nothing");
}

bool FakeNetwork::is_installed(const std::string& port_uuid) const {
    std::lock_guard lock(mutex_);
    return installing_ && !uninstalled_.contains(port_uuid);
}

Status FakeNetwork::release(const std::string& port_uuid) {
    std::lock_guard lock(mutex_);
    released_.insert(port_uuid);
    left_behind_.erase(port_uuid);
    return {};
}

Status FakeNetwork::sweep() {
    std::lock_guard lock(mutex_);
    left_behind_.clear();
    return {};
}

Result<std::vector<MetadataNetwork>> FakeNetwork::ensure_metadata(const std::vector<MetadataVpc>& wanted) {
    std::lock_guard lock(mutex_);
    if (metadata_failure_) return fail(ErrorCode::io_failure, *metadata_failure_);
    metadata_ = wanted;
    std::vector<MetadataNetwork> networks;
    for (const MetadataVpc& vpc : wanted)
        networks.push_back({vpc.vpc_id, "/run/netns/" + namespace_name(vpc.vpc_id), 1, addresses_of(vpc)});
    return networks;
}

void FakeNetwork::interrupt() {
    std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
}

void FakeNetwork::resume() {
    std::lock_guard lock(mutex_);
    interrupted_ = false;
}

void FakeNetwork::on_change(std::function<void()> callback) {
    std::lock_guard lock(callback_mutex_);
    callback_ = std::move(callback);
}

void FakeNetwork::change(const std::function<void()>& act) {
    {
        std::lock_guard lock(mutex_);
        act();
        changed_.notify_all();
    }
    std::lock_guard lock(callback_mutex_);
    if (callback_) callback_();
}

void FakeNetwork::set_kind(NetworkKind kind) {
    change([&] { kind_ = kind; });
}

void FakeNetwork::set_problem(std::string problem) {
    change([&] { problem_ = std::move(problem); });
}

void FakeNetwork::set_installing(bool installing) {
    change([&] { installing_ = installing; });
}

void FakeNetwork::uninstall(const std::string& port_uuid) {
    change([&] { uninstalled_.insert(port_uuid); });
}

void FakeNetwork::leave_behind(const std::string& port_uuid) {
    change([&] { left_behind_.insert(port_uuid); });
}

void FakeNetwork::set_metadata_failure(std::optional<std::string> message) {
    change([&] { metadata_failure_ = std::move(message); });
}

std::optional<link::ChassisSettings> FakeNetwork::settings() const {
    std::lock_guard lock(mutex_);
    return settings_;
}

std::vector<MetadataVpc> FakeNetwork::metadata() const {
    std::lock_guard lock(mutex_);
    return metadata_;
}

std::set<std::string> FakeNetwork::released() const {
    std::lock_guard lock(mutex_);
    return released_;
}

std::set<std::string> FakeNetwork::left_behind() const {
    std::lock_guard lock(mutex_);
    return left_behind_;
}

}  // namespace lodge::agent

// The agent's thread that keeps the host's network as the control plane and the guests want it, and tells the
// metadata service.
#include <chrono>

#include "agent/network/words.h"
#include "agent/reconcile/agent.h"

namespace lodge::agent {

void Agent::kick_network() {
    {
        std::lock_guard lock(mutex_);
        network_kicked_ = true;
    }
    wake_.notify_all();
}

void Agent::network_loop() {
    while (!stopping()) {
        const auto rest_ms = network_turn();
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, std::chrono::milliseconds(rest_ms),
                       [this] { return stopping() || network_kicked_; });
        network_kicked_ = false;
    }
}

std::int64_t Agent::network_turn() {
    return keep_network() ? options_.network_period_ms : options_.network_retry_ms;
}

// One look; whether all is as it should be. A guest's network stays until its domain has gone.
bool Agent::keep_network() {
    std::vector<link::DesiredGuest> all;
    std::vector<link::DesiredGuest> here;
    std::optional<link::ChassisSettings> settings;
    std::uint64_t changes = 0;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, entry] : guests_) {
            all.push_back(entry.desired);
            if (entry.on_host || entry.desired.desired == Desired::running) here.push_back(entry.desired);
        }
        if (desired_changes_ > 0) settings = chassis_;  // until then, who needs what is here is not known
        changes = desired_changes_;
    }
    if (changes != metadata_changes_) metadata_.set_guests(all);
    metadata_changes_ = changes;
    const Status kept = keep_network_of(settings, here);
    const std::string error = kept ? std::string() : kept.error().message;
    network_trouble_.note(error);
    std::lock_guard lock(mutex_);
    upkeep_error_ = error;
    return kept.has_value();
}

Status Agent::keep_network_of(const std::optional<link::ChassisSettings>& settings,
                              const std::vector<link::DesiredGuest>& here) {
    if (!settings) return {};
    LODGE_CHECK(network_.configure(*settings));
    if (network_.kind() != NetworkKind::present) return {};
    LODGE_CHECK(network_.sweep());
    LODGE_TRY(auto networks, network_.ensure_metadata(metadata_vpcs(here)));
    if (metadata_networks_ != networks) metadata_.set_networks(networks);
    metadata_networks_ = std::move(networks);
    return {};
}

// The network's own trouble says more than what could not be done because of it.
std::string Agent::network_error() {
    std::string problem = network_.problem();
    if (!problem.empty()) return problem;
    std::lock_guard lock(mutex_);
    return upkeep_error_;
}

}  // namespace lodge::agent

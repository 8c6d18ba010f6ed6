// A network that exists in memory alone, for simulated hosts and for tests: ports are installed at once,
// unless told otherwise. Any thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

#include "agent/network/network.h"

namespace lodge::agent {

class FakeNetwork final : public Network {
  public:
    explicit FakeNetwork(NetworkKind kind = NetworkKind::present) : kind_(kind) {}

    Status configure(const link::ChassisSettings& settings) override;
    NetworkKind kind() const override;
    std::string problem() override;
    Status wait_installed(const std::vector<Port>& ports, std::int64_t timeout_ms) override;
    bool is_installed(const std::string& port_uuid) const override;
    Status release(const std::string& port_uuid) override;
    Status sweep() override;
    Result<std::vector<MetadataNetwork>> ensure_metadata(const std::vector<MetadataVpc>& wanted) override;
    void interrupt() override;
    void on_change(std::function<void()> callback) override;

    // What tests do to it.
    void resume();  // after interrupt(), for the next agent
    void set_kind(NetworkKind kind);
    void set_problem(std::string problem);
    void set_installing(bool installing);  // false: ports that are not installed yet stay so
    void uninstall(const std::string& port_uuid);
    void leave_behind(const std::string& port_uuid);  // as an earlier plug does that nobody has undone
    void set_metadata_failure(std::optional<std::string> message);

    // What was asked of it.
    std::optional<link::ChassisSettings> settings() const;
    std::vector<MetadataVpc> metadata() const;
    std::set<std::string> released() const;
    std::set<std::string> left_behind() const;

  private:
    void change(const std::function<void()>& act);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    NetworkKind kind_;
    std::string problem_;
    bool installing_ = true;
    bool interrupted_ = false;
    std::set<std::string> uninstalled_;
    std::set<std::string> released_;
    std::set<std::string> left_behind_;
    std::optional<link::ChassisSettings> settings_;
    std::optional<std::string> metadata_failure_;
    std::vector<MetadataVpc> metadata_;
    std::mutex callback_mutex_;
    std::function<void()> callback_;
};

}  // namespace lodge::agent

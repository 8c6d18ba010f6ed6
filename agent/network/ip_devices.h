// The machine's devices and namespaces through iproute2: each change is one run of `ip`, without a shell. See
// host_devices.h for what the calls promise.
#pragma once

#include <set>

#include "agent/network/host_devices.h"

namespace lodge::agent {

class IpDevices final : public HostDevices {
  public:
    unsigned index(const std::string& device) const override;
    Result<std::uint64_t> ensure_namespace(const std::string& netns) override;
    Status ensure_device(const MetadataDevice& device) override;
    Status remove_device(const std::string& device) override;
    Status remove_namespace(const std::string& netns) override;
    std::vector<std::string> namespaces(const std::string& prefix) const override;
    std::string path_of(const std::string& netns) const override;

  private:
    std::set<std::uint64_t> prepared_;  // inodes
};

}  // namespace lodge::agent

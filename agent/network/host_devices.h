// The machine's network devices and namespaces, as far as metadata networks need them. Two implementations:
// the machine's, and one in tests. One thread, but index(); every call is idempotent. Errors are io_failure
// with a sentence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/result.h"

namespace lodge::agent {

// A cable between the machine's own namespace and another: both ends have the same name.
struct MetadataDevice {
    std::string name;
    std::string netns;  // of the far end, which has the rest
    std::string mac;
    std::int64_t mtu = 0;                // 0: the default
    std::vector<std::string> addresses;  // without a prefix
    std::string route;                   // a CIDR that lies behind it

    bool operator==(const MetadataDevice&) const = default;
};

class HostDevices {
  public:
    virtual ~HostDevices() = default;

    // What the kernel calls such a device of the machine's own namespace; another one that comes to have its
    // name is told from it by this. 0: there is none.
    virtual unsigned index(const std::string& device) const = 0;
    bool exists(const std::string& device) const { return index(device) != 0; }
    // Makes the namespace if need be, fit for answering alone: it forwards nothing, speaks no IPv6, and takes
    // a packet only where an answer to its sender would leave. Its inode.
    virtual Result<std::uint64_t> ensure_namespace(const std::string& netns) = 0;
    virtual Status ensure_device(const MetadataDevice& device) = 0;
    virtual Status remove_device(const std::string& device) = 0;
    virtual Status remove_namespace(const std::string& netns) = 0;
    // The names of the namespaces that begin with `prefix`.
    virtual std::vector<std::string> namespaces(const std::string& prefix) const = 0;
    // Where a namespace is.
    virtual std::string path_of(const std::string& netns) const = 0;
};

}  // namespace lodge::agent

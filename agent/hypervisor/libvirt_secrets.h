// The keys of encrypted disks as libvirt's secrets: there while a call needs them, in libvirtd's memory alone
// (ephemeral), and told by it to nobody but QEMU (private). Any thread.
#pragma once

#include <libvirt/libvirt.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/agent/messages.h"
#include "proto/base/result.h"

namespace lodge::agent {

class LibvirtSecrets {
  public:
    // Keys that libvirt has; the last one to let go of a key takes it away. Owned by the caller, and ends
    // before the LibvirtSecrets.
    class Lent {
      public:
        Lent(LibvirtSecrets& owner, virConnectPtr connection);
        ~Lent();
        Lent(const Lent&) = delete;
        Lent& operator=(const Lent&) = delete;

      private:
        friend class LibvirtSecrets;
        LibvirtSecrets& owner_;
        virConnectPtr connection_;
        std::vector<std::string> ids_;
    };

    // Each of them has an ID. Errors are libvirt's.
    Result<std::unique_ptr<Lent>> lend(virConnectPtr connection, const std::vector<link::DiskKey>& keys);

  private:
    static Status define(virConnectPtr connection, const link::DiskKey& key);
    static void undefine(virConnectPtr connection, const std::string& id);

    std::mutex mutex_;
    std::map<std::string, int> uses_;  // by the key's ID
};

}  // namespace lodge::agent

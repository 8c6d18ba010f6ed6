// The connection to libvirtd: opened when first needed, opened anew when libvirtd went away. Any thread.
#pragma once

#include <libvirt/libvirt.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "agent/hypervisor/libvirt_watch.h"
#include "proto/base/result.h"

namespace lodge::agent {

class LibvirtConnection {
  public:
    // Reports every domain's events, and the loss of the connection, to `watch`.
    LibvirtConnection(std::string uri, std::shared_ptr<LibvirtWatch> watch);

    // Runs `work(virConnectPtr)`, which returns a Result. When that fails because libvirtd could not be
    // reached, runs it once more on a new connection: `work` must be idempotent. The connection stays open
    // for as long as `work` runs.
    template <class Work>
    auto run(Work&& work) -> decltype(work(virConnectPtr())) {
        LODGE_TRY(Handle handle, get());
        auto result = work(handle.get());
        if (result || result.error().code != ErrorCode::service_unavailable) return result;
        drop(handle);
        LODGE_TRY(handle, get());
        return work(handle.get());
    }

  private:
    using Handle = std::shared_ptr<virConnect>;

    Result<Handle> get();
    Result<Handle> open();
    // Forgets `handle` unless another thread has already replaced it; its last user closes it.
    void drop(const Handle& handle);

    const std::string uri_;
    const std::shared_ptr<LibvirtWatch> watch_;
    std::mutex mutex_;
    Handle handle_;
};

}  // namespace lodge::agent

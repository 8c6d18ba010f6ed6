#include "agent/hypervisor/libvirt_handles.h"

namespace lodge::agent {

Error libvirt_error(const std::string& doing) {
    const virErrorPtr error = virGetLastError();
    const int domain = error == nullptr ? VIR_FROM_NONE : error->domain;
    const bool unreachable = domain == VIR_FROM_RPC || domain == VIR_FROM_REMOTE;
    const std::string text = doing + ": " + virGetLastErrorMessage();
    return make_error(unreachable ? ErrorCode::service_unavailable : ErrorCode::io_failure, {text});
}

}  // namespace lodge::agent

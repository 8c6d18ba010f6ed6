// libvirt's pointers with owners, its errors as ours. Any thread: libvirt keeps a last error a thread.
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <memory>
#include <string>

#include "proto/base/result.h"

namespace lodge::agent {

struct DomainFree {
    void operator()(virDomainPtr domain) const noexcept { virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<virDomain, DomainFree>;

struct SnapshotFree {
    void operator()(virDomainSnapshotPtr snapshot) const noexcept { virDomainSnapshotFree(snapshot); }
};
using SnapshotHandle = std::unique_ptr<virDomainSnapshot, SnapshotFree>;

// What the last libvirt call of this thread failed with: service_unavailable when libvirtd could not be
// talked to, io_failure when it refused. Take it before any handle is freed: freeing one clears it. `doing`
// starts the sentence.
Error libvirt_error(const std::string& doing);

}  // namespace lodge::agent

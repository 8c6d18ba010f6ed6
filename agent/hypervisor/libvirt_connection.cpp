#include "agent/hypervisor/libvirt_connection.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "agent/hypervisor/libvirt_event_loop.h"
#include "agent/hypervisor/libvirt_handles.h"
#include "agent/hypervisor/libvirt_state.h"
#include "proto/base/clock.h"

namespace lodge::agent {
namespace {

// A libvirtd that answers nothing for 30 s is given up, so that no call hangs on it for ever.
constexpr int keepalive_interval_s = 5;
constexpr unsigned keepalive_count = 6;

using WatchPointer = std::shared_ptr<LibvirtWatch>;

LibvirtWatch& watch_of(void* opaque) {
    return **static_cast<WatchPointer*>(opaque);
}
void free_watch(void* opaque) {
    delete static_cast<WatchPointer*>(opaque);
}

int on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
    const std::string name = virDomainGetName(domain);
    LibvirtWatch& watch = watch_of(opaque);
    if (event == VIR_DOMAIN_EVENT_STARTED)
        watch.started(name);
    else if (event == VIR_DOMAIN_EVENT_STOPPED)
        watch.stopped(name, end_reason_of_event(detail));
    else if (event == VIR_DOMAIN_EVENT_UNDEFINED)
        watch.undefined(name);
    else
        watch.changed();
    return 0;
}

void on_reboot(virConnectPtr, virDomainPtr domain, void* opaque) {
    watch_of(opaque).was_reset(virDomainGetName(domain), SystemClock().steady_ms());
}

void on_device_removed(virConnectPtr, virDomainPtr, const char*, void* opaque) {
    watch_of(opaque).changed();
}

void on_close(virConnectPtr, int reason, void* opaque) {
    spdlog::warn("the connection to libvirtd is lost (reason {})", reason);
    static_cast<LibvirtWatch*>(opaque)->changed();
}

// A connection with what hangs on it: libvirt keeps it open until all of that is taken off.
struct Open {
    virConnectPtr connection;
    WatchPointer watch;
    std::vector<int> event_ids;

    void watch_event(int event, virConnectDomainEventGenericCallback callback) {
        auto* opaque = new WatchPointer(watch);
        const int id =
            virConnectDomainEventRegisterAny(connection, nullptr, event, callback, opaque, free_watch);
        if (id >= 0) {
            event_ids.push_back(id);
            return;
        }
        spdlog::warn("libvirt gives no events of kind {}: {}", event, virGetLastErrorMessage());
        free_watch(opaque);
    }

    // Not freed by libvirt: drivers without a connection take the callback and forget it. Taking it off waits
    // for it.
    void watch_close() { virConnectRegisterCloseCallback(connection, on_close, watch.get(), nullptr); }

    void close() {
        for (const int id : event_ids) virConnectDomainEventDeregisterAny(connection, id);
        virConnectUnregisterCloseCallback(connection, on_close);
        virConnectClose(connection);
    }
};

}  // namespace

LibvirtConnection::LibvirtConnection(std::string uri, std::shared_ptr<LibvirtWatch> watch)
    : uri_(std::move(uri)), watch_(std::move(watch)) {
    run_libvirt_event_loop();
}

Result<LibvirtConnection::Handle> LibvirtConnection::get() {
    std::lock_guard lock(mutex_);
    if (handle_ && virConnectIsAlive(handle_.get()) == 1) return handle_;
    handle_.reset();
    LODGE_TRY(handle_, open());
    return handle_;
}

Result<LibvirtConnection::Handle> LibvirtConnection::open() {
    const virConnectPtr connection = virConnectOpen(uri_.c_str());
    if (connection == nullptr)
        return fail(ErrorCode::service_unavailable,
                    "libvirt at " + uri_ + " cannot be reached: " + virGetLastErrorMessage());
    Open opened{connection, watch_, {}};
    virConnectSetKeepAlive(connection, keepalive_interval_s, keepalive_count);
    opened.watch_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
    opened.watch_event(VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot));
    opened.watch_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device_removed));
    opened.watch_close();
    return Handle(connection, [opened](virConnectPtr) mutable { opened.close(); });
}

void LibvirtConnection::drop(const Handle& handle) {
    std::lock_guard lock(mutex_);
    if (handle_ == handle) handle_.reset();
}

}  // namespace lodge::agent

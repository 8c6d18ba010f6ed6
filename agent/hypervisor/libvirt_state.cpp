#include "agent/hypervisor/libvirt_state.h"

#include <libvirt/libvirt.h>

namespace lodge::agent {

DomainState domain_state(int state, int reason) {
    switch (state) {
        case VIR_DOMAIN_SHUTOFF:
        case VIR_DOMAIN_CRASHED:
            return DomainState::shut_off;
        case VIR_DOMAIN_PAUSED:
            return reason == VIR_DOMAIN_PAUSED_STARTING_UP ? DomainState::starting : DomainState::running;
        default:
            return DomainState::running;
    }
}

EndReason end_reason_of_state(int state, int reason) {
    if (state == VIR_DOMAIN_CRASHED) return EndReason::crashed;
    if (state != VIR_DOMAIN_SHUTOFF) return EndReason::unknown;
    switch (reason) {
        case VIR_DOMAIN_SHUTOFF_SHUTDOWN:
            return EndReason::guest_shutdown;
        case VIR_DOMAIN_SHUTOFF_DESTROYED:
            return EndReason::destroyed;
        case VIR_DOMAIN_SHUTOFF_CRASHED:
            return EndReason::crashed;
        case VIR_DOMAIN_SHUTOFF_FAILED:
        case VIR_DOMAIN_SHUTOFF_DAEMON:  // libvirtd came back to a guest that it could not take over
            return EndReason::failed;
        default:
            return EndReason::unknown;
    }
}

EndReason end_reason_of_event(int detail) {
    switch (detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
            return EndReason::guest_shutdown;
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
            return EndReason::destroyed;
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
            return EndReason::crashed;
        case VIR_DOMAIN_EVENT_STOPPED_FAILED:
            return EndReason::failed;
        default:
            return EndReason::unknown;
    }
}

}  // namespace lodge::agent

// libvirt's states, reasons and event details in Lodge's words. Pure functions; any thread.
#pragma once

#include "agent/hypervisor/hypervisor.h"

namespace lodge::agent {

// From virDomainGetState. A state that libvirt does not know for sure counts as running: no guest is given up
// on a guess.
DomainState domain_state(int state, int reason);

// From virDomainGetState's reason, for a domain that is shut off.
EndReason end_reason_of_state(int state, int reason);

// From the detail of a VIR_DOMAIN_EVENT_STOPPED.
EndReason end_reason_of_event(int detail);

}  // namespace lodge::agent

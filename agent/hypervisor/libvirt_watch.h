// What libvirt's events have told of the guests, which libvirt itself forgets: why they ended, how often they
// rebooted. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "agent/hypervisor/hypervisor.h"

namespace lodge::agent {

class LibvirtWatch {
  public:
    // Replaces the callback; an empty one ends the calls, and none is under way once this returns. Not from
    // inside one.
    void on_change(std::function<void()> callback);
    void changed();

    // Events, by the domain's name.
    void started(const std::string& name);
    void stopped(const std::string& name, EndReason reason);
    // A machine's reset. One reboot may come as several: the firmware resets the machine again on its way up.
    void was_reset(const std::string& name, std::int64_t steady_ms);
    void undefined(const std::string& name);

    EndReason end_reason(const std::string& name) const;
    std::int64_t reboots(const std::string& name) const;
    // By the steady clock; 0: never.
    std::int64_t last_reset_ms(const std::string& name) const;

  private:
    struct Seen {
        EndReason end_reason = EndReason::unknown;
        std::int64_t reboots = 0;
        std::int64_t reset_ms = 0;  // when the last reset was, by the steady clock; 0: never
    };

    // Calls the callback, so is held across foreign code; never take it while holding mutex_.
    std::mutex callback_mutex_;
    std::function<void()> callback_;
    mutable std::mutex mutex_;
    std::map<std::string, Seen> seen_;
};

}  // namespace lodge::agent

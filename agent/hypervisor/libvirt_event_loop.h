// libvirt hands out events and keep-alives from a loop that somebody has to run: one thread, once a process.
#pragma once

namespace lodge::agent {

// Starts the loop's thread the first time; it ends with the process. Must come before the first connection.
// Any thread.
void run_libvirt_event_loop();

}  // namespace lodge::agent

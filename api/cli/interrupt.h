// SIGINT, SIGTERM and SIGHUP as a flag, for work that has something to tidy up.
#pragma once

namespace lodge::cli {

// From now on the first of these signals only raises the flag; a second one ends the process as usual.
void catch_interrupts();

// Any thread.
bool interrupted();

}  // namespace lodge::cli

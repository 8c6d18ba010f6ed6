#include "api/cli/interrupt.h"

#include <atomic>
#include <csignal>

namespace lodge::cli {
namespace {

std::atomic<bool> raised = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int) {
    raised = true;
}

}  // namespace

void catch_interrupts() {
    struct sigaction action {};
    action.sa_handler = &on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

bool interrupted() {
    return raised;
}

}  // namespace lodge::cli

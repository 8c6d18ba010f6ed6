#include "agent/reconcile/decide.h"

namespace lodge::agent {
namespace {

// libvirt's own word counts, too: an agent may have been killed before it saw or told anything.
bool has_run(const View& view) {
    auto ended = view.domain ? view.domain->end_reason : EndReason::unknown;
    return view.ran || view.desired.observed == Observed::running ||
           view.desired.observed == Observed::stopped || ended == EndReason::guest_shutdown ||
           ended == EndReason::crashed || ended == EndReason::destroyed;
}

bool running(const View& view) {
    return view.domain && view.domain->state == DomainState::running;
}

bool starting(const View& view) {
    return view.domain && view.domain->state == DomainState::starting;
}

void give_reason(link::ObservedGuest& observed, const char* code, std::string text) {
    observed.reason_code = code;
    observed.reason = std::move(text);
}

// The guest ended although it was to run.
void explain_end(const View& view, link::ObservedGuest& observed) {
    switch (view.domain ? view.domain->end_reason : EndReason::unknown) {
        case EndReason::guest_shutdown:
            give_reason(observed, "Client.InstanceInitiatedShutdown", "Instance initiated shutdown");
            return;
        case EndReason::destroyed:
            give_reason(observed, "Server.InternalError", "The guest was ended on its host by hand");
            return;
        case EndReason::crashed:
            give_reason(observed, "Server.InternalError", "The guest crashed");
            return;
        case EndReason::failed:
            give_reason(observed, "Server.InternalError", "The guest's machine failed");
            return;
        case EndReason::unknown:
            break;
    }
    give_reason(
        observed, "Server.InternalError",
        view.domain ? "The guest's machine ended, perhaps with its host" : "The guest is gone from its host");
}

// As with a shutdown, the guest is asked; but once, since a second press could become a second reboot.
void decide_reboot(const View& view, const Patience& patience, Decision& out) {
    if (view.asked_reboot_ms == 0) {
        out.step = Step::ask_reboot;
    } else if (view.now_ms - view.asked_reboot_ms >= patience.reboot_ms) {
        out.step = Step::reset;
    } else {
        out.look_again_soon = true;
    }
}

void decide_running(const View& view, const Patience& patience, Decision& out) {
    if (running(view)) {
        out.observed.observed = Observed::running;
        if (view.desired.reboots_wanted > view.desired.reboots_done) decide_reboot(view, patience, out);
    } else if (has_run(view) && !starting(view)) {
        out.observed.observed = Observed::stopped;
        explain_end(view, out.observed);
    } else if (!view.start_failure.empty()) {
        out.observed.observed = Observed::failed;
        give_reason(out.observed, "Server.InternalError", view.start_failure);
    } else {
        out.observed.observed = Observed::starting;
        if (!starting(view)) out.step = Step::start;
        out.look_again_soon = starting(view);
    }
}

// Ends a domain that is on: by asking, for as long as patience lasts, then by force.
void decide_shutdown(const View& view, std::int64_t patience_ms, const Patience& patience, Decision& out) {
    out.observed.observed = view.desired.observed;  // it is on its way down; nothing new to tell
    out.look_again_soon = true;
    bool out_of_patience = view.asked_shutdown_ms > 0 && view.now_ms - view.asked_shutdown_ms >= patience_ms;
    if (view.desired.skip_os_shutdown || out_of_patience || starting(view)) {
        out.step = Step::destroy;
    } else if (view.asked_shutdown_ms == 0 || view.now_ms - view.last_asked_ms >= patience.ask_again_ms) {
        out.step = Step::ask_shutdown;
    }
}

void decide_stopped(const View& view, const Patience& patience, Decision& out) {
    if (running(view) || starting(view)) {
        decide_shutdown(view, patience.stop_ms, patience, out);
    } else if (view.domain) {
        out.step = Step::undefine;
        out.observed.observed = view.desired.observed;
    } else {
        out.observed.observed = view.desired.observed == Observed::failed ? Observed::failed : Observed::gone;
    }
}

void decide_terminated(const View& view, const Patience& patience, Decision& out) {
    out.observed.observed = view.desired.observed;
    if (running(view) || starting(view)) {
        decide_shutdown(view, patience.terminate_ms, patience, out);
    } else if (view.domain) {
        out.step = Step::undefine;
    } else if (view.desired.observed != Observed::removed) {
        out.step = Step::remove_root;  // its success is reported as `removed`
    }
}

}  // namespace

Decision decide(const View& view, const Patience& patience) {
    Decision out;
    out.observed.guest_id = view.desired.guest_id;
    out.observed.generation = view.desired.generation;
    out.observed.reboots_done = view.desired.reboots_done;
    switch (view.desired.desired) {
        case Desired::running:
            decide_running(view, patience, out);
            break;
        case Desired::stopped:
            decide_stopped(view, patience, out);
            break;
        case Desired::terminated:
            decide_terminated(view, patience, out);
            break;
    }
    // One instance, one disk: neither a second guest may use it, nor may it go while one does.
    if (view.stray && (out.step == Step::start || out.step == Step::remove_root)) out.step = Step::end_strays;
    return out;
}

}  // namespace lodge::agent

#include "scheduler/lifecycle/lifecycle.h"

#include "proto/base/encoding.h"

namespace lodge::scheduler {
namespace {

// A guest's life goes one way; `gone` and `failed` are two ends of the same height.
int height(Observed observed) {
    switch (observed) {
        case Observed::placed:
            return 0;
        case Observed::starting:
            return 1;
        case Observed::running:
            return 2;
        case Observed::stopped:
            return 3;
        case Observed::gone:
        case Observed::failed:
            return 4;
        case Observed::removed:
            return 5;
    }
    return 0;
}

bool has_domain(Observed observed) {
    return height(observed) < height(Observed::gone);
}

bool in_transition(InstanceState state) {
    return state == InstanceState::pending || state == InstanceState::stopping ||
           state == InstanceState::shutting_down;
}

std::string user_initiated(UnixMs now_ms) {
    auto text = format_time(now_ms);  // 2026-11-23T20:13:00.000Z
    return "User initiated (" + text.substr(0, 10) + " " + text.substr(11, 8) + " GMT)";
}

void set_desired(Instance& instance, Desired desired, UnixMs now_ms) {
    instance.desired = desired;
    instance.desired_ms = now_ms;
    instance.overdue = false;
    ++instance.generation;
}

void set_reason(Instance& instance, std::string_view code, std::string_view text) {
    instance.state_reason_code = code;
    instance.state_reason = std::string(code) + ": " + std::string(text);
}

// The guest is no longer what it was wanted to be: running.
void settle_ended(Instance& instance, const Guest& guest, const Observation& seen, UnixMs now_ms) {
    bool by_guest = seen.reason_code == "Client.InstanceInitiatedShutdown";
    bool never_started = seen.observed == Observed::failed && !guest.keeps_root;
    bool terminate = never_started || (by_guest && instance.terminate_on_shutdown);
    set_desired(instance, terminate ? Desired::terminated : Desired::stopped, now_ms);
    set_reason(instance, seen.reason_code.empty() ? "Server.InternalError" : seen.reason_code,
               seen.reason.empty() ? "The guest ended for an unknown reason" : seen.reason);
    instance.transition_reason = by_guest ? "" : std::string(seen.reason_code);
}

}  // namespace

InstanceState visible_state(Desired desired, Observed observed) {
    switch (desired) {
        case Desired::running:
            if (height(observed) < height(Observed::running)) return InstanceState::pending;
            return observed == Observed::running ? InstanceState::running : InstanceState::stopping;
        case Desired::stopped:
            return has_domain(observed) ? InstanceState::stopping : InstanceState::stopped;
        case Desired::terminated:
            break;
    }
    return observed == Observed::removed ? InstanceState::terminated : InstanceState::shutting_down;
}

Verdict judge(Wish wish, InstanceState state) {
    using enum Verdict;
    struct Row {
        InstanceState state;
        Verdict start, stop, reboot, terminate;
    };
    static constexpr Row table[] = {
        {InstanceState::pending, nothing, refuse, refuse, change},
        {InstanceState::running, nothing, change, change, change},
        {InstanceState::stopping, refuse, nothing, refuse, change},
        {InstanceState::stopped, change, nothing, refuse, change},
        {InstanceState::shutting_down, refuse, refuse, refuse, nothing},
        {InstanceState::terminated, refuse, refuse, refuse, nothing},
    };
    for (const auto& row : table) {
        if (row.state != state) continue;
        switch (wish) {
            case Wish::start:
                return row.start;
            case Wish::stop:
                return row.stop;
            case Wish::reboot:
                return row.reboot;
            case Wish::terminate:
                return row.terminate;
        }
    }
    return refuse;
}

Error refusal(Wish wish, const Instance& instance, InstanceState state) {
    static constexpr std::string_view verbs[] = {"started", "stopped", "rebooted", "terminated"};
    return make_error(
        ErrorCode::incorrect_instance_state,
        {"The instance '" + instance.id.str() + "' is not in a state from which it can be " +
         std::string(verbs[static_cast<int>(wish)]) + ": it is " + std::string(to_text(state)) + "."});
}

void want_stop(Instance& instance, bool skip_os_shutdown, UnixMs now_ms) {
    set_desired(instance, Desired::stopped, now_ms);
    instance.skip_os_shutdown = skip_os_shutdown;
    set_reason(instance, "Client.UserInitiatedShutdown", "User initiated shutdown");
    instance.transition_reason = user_initiated(now_ms);
}

void want_termination(Instance& instance, bool skip_os_shutdown, UnixMs now_ms) {
    set_desired(instance, Desired::terminated, now_ms);
    instance.skip_os_shutdown = skip_os_shutdown;
    set_reason(instance, "Client.UserInitiatedShutdown", "User initiated shutdown");
    instance.transition_reason = user_initiated(now_ms);
}

void want_reboot(Instance& instance) {
    ++instance.generation;
    ++instance.reboots_wanted;
}

void want_interrupt(Instance& instance) {
    ++instance.generation;
    ++instance.interrupts_wanted;
}

void want_start(Instance& instance, const Guest& guest, UnixMs now_ms) {
    set_desired(instance, Desired::running, now_ms);
    instance.skip_os_shutdown = false;
    instance.reboots_wanted = 0;
    instance.interrupts_wanted = 0;
    instance.guest_id = guest.id;
    instance.host_id = guest.host_id;
    instance.launched_ms = now_ms;
    instance.state_reason_code.clear();
    instance.state_reason.clear();
    instance.transition_reason.clear();
}

bool observe(Instance& instance, Guest& guest, const Observation& seen, UnixMs now_ms) {
    if (guest.id != instance.guest_id || seen.generation < instance.generation) return false;
    bool forward = height(seen.observed) > height(guest.observed);
    bool did = seen.reboots_done > guest.reboots_done || seen.interrupts_done > guest.interrupts_done;
    if (!forward && (!did || seen.observed != guest.observed)) return false;
    guest.generation = seen.generation;
    guest.reboots_done = std::max(guest.reboots_done, seen.reboots_done);
    guest.interrupts_done = std::max(guest.interrupts_done, seen.interrupts_done);
    if (!forward) return true;
    guest.observed = seen.observed;
    guest.observed_ms = now_ms;
    if (instance.desired == Desired::running && height(seen.observed) > height(Observed::running))
        settle_ended(instance, guest, seen, now_ms);
    auto state = visible_state(instance.desired, guest.observed);
    if (!in_transition(state)) instance.overdue = false;
    if (state == InstanceState::terminated && instance.ended_ms == 0) instance.ended_ms = now_ms;
    return true;
}

bool lose_host(Instance& instance, Guest& guest, UnixMs now_ms) {
    if (guest.id != instance.guest_id || !has_domain(guest.observed)) return false;
    bool never_ran = height(guest.observed) < height(Observed::running);
    guest.observed = never_ran && !guest.keeps_root ? Observed::failed : Observed::gone;
    guest.observed_ms = now_ms;
    if (instance.desired == Desired::running)
        settle_ended(instance, guest,
                     {.observed = guest.observed,
                      .reason_code = "Server.InternalError",
                      .reason = "Its host was lost"},
                     now_ms);
    else
        ++instance.generation;
    guest.generation = instance.generation;
    return true;
}

std::optional<std::string> expire(Instance& instance, const Guest& guest, const Deadlines& deadlines,
                                  UnixMs now_ms, std::int64_t host_well_ms) {
    auto state = visible_state(instance.desired, guest.observed);
    std::int64_t allowed = state == InstanceState::pending         ? deadlines.pending_ms
                           : state == InstanceState::stopping      ? deadlines.stopping_ms
                           : state == InstanceState::shutting_down ? deadlines.shutting_down_ms
                                                                   : 0;
    if (allowed == 0 || now_ms - instance.desired_ms <= allowed) return std::nullopt;
    bool give_up = state == InstanceState::pending && host_well_ms > allowed;
    if (instance.overdue && !give_up) return std::nullopt;
    std::string sentence = "The instance has been " + std::string(to_text(state)) + " for more than " +
                           std::to_string(allowed / 1000) +
                           " s (its guest: " + std::string(to_text(guest.observed)) + " on " +
                           guest.host_id.str() + ").";
    instance.overdue = true;
    if (!give_up) return sentence;
    set_desired(instance, guest.keeps_root ? Desired::stopped : Desired::terminated, now_ms);
    instance.skip_os_shutdown = true;
    set_reason(instance, "Server.InternalError", "The guest did not start in time");
    return sentence;
}

std::string shown_transition_reason(const Instance& instance) {
    constexpr std::string_view overdue = "Server.Overdue: the host has not confirmed it in time";
    if (!instance.overdue) return instance.transition_reason;
    return instance.transition_reason + (instance.transition_reason.empty() ? "" : "; ") +
           std::string(overdue);
}

}  // namespace lodge::scheduler

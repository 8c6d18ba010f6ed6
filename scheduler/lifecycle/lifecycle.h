// The life of an instance, all of it, as pure functions over its record and its guest's.
//
//                  run                       start
//                   |        +------------------------------------+
//                   v        v                                    |
//               [pending] ----> [running] --stop--> [stopping] --> [stopped]
//                   |             |    ^ |              |             |
//                   |        reboot +--+ | the guest    |             |
//      cannot start |                    | ends itself  |             |
//                   |                    |              |  terminate  |
//                   +----------------> [shutting-down] <+-------------+
//                                        |
//                                        v
//                                    [terminated]
//
// The visible state is a function of two columns with one writer each: what the user wants (Desired) and what
// the host's agent saw last (Observed). No clock, no I/O; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/model/guest.h"
#include "proto/model/instance.h"

namespace lodge::scheduler {

// What clients see.
InstanceState visible_state(Desired desired, Observed observed);

// What a client may ask of an instance, and what becomes of it in each visible state.
enum class Wish { start, stop, reboot, terminate };
enum class Verdict {
    change,   // does something
    nothing,  // already so: success without effect
    refuse,   // IncorrectInstanceState
};
Verdict judge(Wish wish, InstanceState state);

// IncorrectInstanceState in EC2's manner for a refused wish.
Error refusal(Wish wish, const Instance& instance, InstanceState state);

// The changes themselves; each raises the generation. `now_ms` is written down as the moment of the change.
void want_stop(Instance& instance, bool skip_os_shutdown, UnixMs now_ms);
void want_termination(Instance& instance, bool skip_os_shutdown, UnixMs now_ms);
void want_reboot(Instance& instance);
// A non-maskable interrupt, for the guest to tell what it is doing.
void want_interrupt(Instance& instance);
// With a new guest, already placed.
void want_start(Instance& instance, const Guest& guest, UnixMs now_ms);

// An agent's word about a guest.
struct Observation {
    std::int64_t generation = 0;
    Observed observed = Observed::placed;
    std::int64_t reboots_done = 0;
    std::string_view reason_code;
    std::string_view reason;
    std::int64_t interrupts_done = 0;
};
// Takes the observation in, and draws the conclusions: a guest that ended by itself stops or terminates its
// instance, one that could not start terminates it (or stops it, if it has run before). An observation of an
// older generation, or one that would take the guest back in its life, changes nothing and returns false.
bool observe(Instance& instance, Guest& guest, const Observation& observation, UnixMs now_ms);

// The operator says that the guest's host is off: whatever the guest was, it is gone, and no report of its
// agent from before counts any more. Its instance stops, or, if the guest never came up, ends. False when
// there was no guest to be gone.
bool lose_host(Instance& instance, Guest& guest, UnixMs now_ms);

// How long each transition may take.
struct Deadlines {
    std::int64_t pending_ms = 600'000;
    std::int64_t stopping_ms = 300'000;
    std::int64_t shutting_down_ms = 300'000;
};
// If the present transition has passed its deadline: marks it as told and returns a sentence for the event. A
// pending instance is given up (terminated, or stopped if it has run before), once its host could have told
// of its guest for as long: `host_well_ms`, HostHub::well_ms(). Before that, and for stopping and terminating
// always, telling is all: only the host can say what its guest is, and it may well run.
std::optional<std::string> expire(Instance& instance, const Guest& guest, const Deadlines& deadlines,
                                  UnixMs now_ms, std::int64_t host_well_ms);

// What the user reads as the reason of the last transition.
std::string shown_transition_reason(const Instance& instance);

}  // namespace lodge::scheduler

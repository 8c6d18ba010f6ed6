// What one run of the simulation is: everything follows from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lodge::sim {

// Kinds of trouble, which a search for a shorter history switches off one by one.
enum Trouble : unsigned {
    lose_messages = 1,
    double_messages = 2,
    delay_messages = 4,
    crash_lodged = 8,
    crash_agents = 16,
    freeze_hosts = 32,
    cut_hosts_off = 64,
    guests_end = 128,  // they power off, reboot, crash
    deaf_guests = 256,
    full_disks = 512,
    hypervisor_away = 1024,
    set_dates = 2048,
    fence_hosts = 4096,  // that are not heard, whether or not their guests run
    all_troubles = 8191
};

std::string names_of(unsigned troubles);

struct Plan {
    std::uint64_t seed = 1;
    int hosts = 3;
    int clients = 3;
    int steps = 300;
    unsigned troubles = all_troubles;
};

// How it went.
struct Outcome {
    std::string failure;     // empty: every promise was kept
    int failed_at = 0;       // the step; plan.steps: when all had come to rest
    std::uint64_t hash = 0;  // of the history: the same plan, the same hash
    std::string history;     // lines; only if it was asked for
};

// Runs it in a folder of its own below `folder`.
Outcome run(const Plan& plan, const std::string& folder, bool keep_history = false);

// A plan that fails as well, with as few steps, hosts, clients and kinds of trouble as a short search finds.
Plan shorten(Plan plan, const std::string& folder);

}  // namespace lodge::sim

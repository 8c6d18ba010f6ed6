// Runs the simulated cluster for many seeds. Ends with 1 and the shortest history it finds when a promise was
// broken.
//
//   sim [--seeds N] [--first SEED] [--steps N] [--jobs N] [--show SEED]
//   sim_planted --bug N […]: with one of the bugs of bugs.py
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/sim/plan.h"
#ifdef LODGE_PLANTED
#include "tests/sim/planted.h"
#endif
#include "tests/unit/temporary_folder.h"

namespace {

using namespace lodge::sim;

#ifdef LODGE_PLANTED
}  // namespace
namespace lodge::sim {

int planted_number = 0;
bool planted(int number) {
    return number == planted_number;
}
void plant(int number) {
    planted_number = number;
}

}  // namespace lodge::sim
namespace {
#endif

struct Options {
    std::uint64_t seeds = 100;
    std::uint64_t first = 1;
    int steps = 300;
    unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
    std::uint64_t show = 0;
    bool quick = false;
};

void tell(const Plan& failed, const std::string& folder) {
    auto shortest = shorten(failed, folder);
    auto outcome = run(shortest, folder, true);
    fmt::print("{}\nseed {} breaks a promise: {}\n", outcome.history, failed.seed, outcome.failure);
    fmt::print("hosts {}, clients {}, steps {}, troubles: {}\n", shortest.hosts, shortest.clients,
               shortest.steps, names_of(shortest.troubles));
}

// The first seed that breaks a promise; 0: none.
std::uint64_t run_all(const Options& options, const std::string& folder) {
    std::atomic<std::uint64_t> next{options.first};
    std::atomic<std::uint64_t> failed{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < options.jobs; ++i)
        threads.emplace_back([&] {
            for (;;) {
                auto seed = next++;
                if (seed >= options.first + options.seeds || failed) return;
                Plan plan;
                plan.seed = seed;
                plan.steps = options.steps;
                auto outcome = run(plan, folder);
                if (!outcome.failure.empty()) failed = seed;
                // Now and then: the same again, to the byte.
                if (seed % 50 == 0 && run(plan, folder).hash != outcome.hash) {
                    fmt::print("seed {} has two histories\n", seed);
                    failed = seed;
                }
            }
        });
    for (auto& each : threads) each.join();
    return failed;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Simulated clusters, a seed each");
    app.add_option("--seeds", options.seeds, "how many");
    app.add_option("--first", options.first, "from this one on");
    app.add_option("--steps", options.steps, "of each");
    app.add_option("--jobs", options.jobs, "at once");
    app.add_flag("--quick", options.quick, "tell what broke, and look for no shorter history");
    app.add_option("--show", options.show, "print the whole history of this seed");
#ifdef LODGE_PLANTED
    app.add_option_function<int>("--bug", plant, "which one");
#endif
    CLI11_PARSE(app, argc, argv);
    spdlog::set_level(spdlog::level::off);
    lodge::TemporaryFolder folder;
    Plan plan;
    plan.steps = options.steps;
    if (options.show > 0) {
        plan.seed = options.show;
        auto outcome = run(plan, folder.path(), true);
        fmt::print("{}hash {:016x}\n", outcome.history, outcome.hash);
        return outcome.failure.empty() ? 0 : 1;
    }
    plan.seed = run_all(options, folder.path());
    if (plan.seed == 0) {
        fmt::print("{} seeds from {}: every promise was kept\n", options.seeds, options.first);
        return 0;
    }
    if (options.quick)
        fmt::print("seed {}: {}\n", plan.seed, run(plan, folder.path()).failure);
    else
        tell(plan, folder.path());
    return 1;
}

// lodged: the control plane.
#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <iostream>

#include "api/daemon/lodged.h"
#include "proto/base/process.h"

namespace {

void print_simulation(const lodge::api::Lodged& lodged) {
    std::cout << "export AWS_ACCESS_KEY_ID=" << lodge::api::simulated_access_key << "\n"
              << "export AWS_SECRET_ACCESS_KEY=" << lodge::api::simulated_secret_key << "\n"
              << "export AWS_DEFAULT_REGION=" << lodged.default_region() << "\n"
              << "export LODGE_ENDPOINT=" << lodged.endpoint() << "\n"
              << "# image to launch: " << lodge::api::simulated_image << "\n"
              << std::flush;
}

}  // namespace

int main(int argc, char** argv) {
    auto options = lodge::api::parse_options(argc, argv);
    spdlog::set_default_logger(spdlog::stderr_color_mt("lodged"));
    spdlog::set_level(spdlog::level::from_str(options.log_level));
    spdlog::flush_on(spdlog::level::info);
    // Before any thread: all of them leave these signals to sigwait().
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    lodge::allow_descriptors();
    auto lodged = lodge::api::Lodged::start(options);
    if (!lodged) {
        std::cerr << "lodged: " << lodged.error().message << "\n";
        return 1;
    }
    spdlog::info("lodged serves {}", (*lodged)->endpoint());
    if (options.simulate > 0) print_simulation(**lodged);
    int signal = 0;
    sigwait(&signals, &signal);
    spdlog::info("stopping");
    return 0;
}

// A lodged of a benchmark's own, which ends with it; its folder goes too, unless the benchmark was killed.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/bench/http_load.h"

namespace lodge::bench {

inline std::uint16_t free_port() {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = endpoint("127.0.0.1", 0);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        std::abort();
    ::close(fd);
    return ntohs(address.sin_port);
}

class LodgedProcess {
  public:
    // Starts it; `options` besides those that say where it is.
    LodgedProcess(std::string program, std::vector<std::string> options)
        : program_(std::move(program)), options_(std::move(options)) {
        std::string name = "/var/tmp/lodge-bench-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        folder_ = name;
        agent_port_ = free_port();
        start();
    }
    ~LodgedProcess() {
        end(SIGKILL);
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    LodgedProcess(const LodgedProcess&) = delete;
    LodgedProcess& operator=(const LodgedProcess&) = delete;

    // With the database of before, and a port of its own for clients. Returns before it listens.
    void start() { start(options_); }
    void start(const std::vector<std::string>& options) {
        port_ = free_port();
        // It ends with the benchmark, however that ends.
        std::vector<std::string> words = {
            "/usr/bin/setpriv", "--pdeathsig",         "KILL",         program_,
            "--port",           std::to_string(port_), "--agent-port", std::to_string(agent_port_),
            "--state-dir",      state_dir(),           "--log-level",  "error"};
        words.insert(words.end(), options.begin(), options.end());
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        const auto log = folder_ / "log";
        ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
        if (::posix_spawn(&pid_, words.front().c_str(), &actions, nullptr, arguments.data(), environ) != 0)
            std::abort();
        ::posix_spawn_file_actions_destroy(&actions);
    }
    void end(int signal) {
        if (pid_ <= 0) return;
        ::kill(pid_, signal);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    void await() const {
        while (!listens()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }

    // Until it does nothing by itself.
    void await_rest() const {
        for (double before = -1; cpu_seconds() - before > 0.05;) {
            before = cpu_seconds();
            std::this_thread::sleep_for(std::chrono::milliseconds(250));
        }
    }

    double resident_mib() const {
        std::ifstream status(fmt::format("/proc/{}/status", pid_));
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
        return 0;
    }
    // Of processors, since it started.
    double cpu_seconds() const {
        std::ifstream stat(fmt::format("/proc/{}/stat", pid_));
        std::string text;
        std::getline(stat, text);
        std::istringstream words(text.substr(text.rfind(')') + 2));
        std::string word;
        double ticks = 0;
        for (int field = 3; words >> word; ++field)
            if (field == 14 || field == 15) ticks += std::strtod(word.c_str(), nullptr);
        return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    std::uint16_t port() const { return port_; }
    std::uint16_t agent_port() const { return agent_port_; }
    const std::filesystem::path& folder() const { return folder_; }
    std::string state_dir() const { return folder_ / "state"; }

  private:
    bool listens() const {
        int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        auto address = endpoint("127.0.0.1", port_);
        const bool open = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        ::close(fd);
        return open;
    }

    const std::string program_;
    const std::vector<std::string> options_;
    std::filesystem::path folder_;
    pid_t pid_ = 0;
    std::uint16_t port_ = 0;
    std::uint16_t agent_port_ = 0;
};

}  // namespace lodge::bench

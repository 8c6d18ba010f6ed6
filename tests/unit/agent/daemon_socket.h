// What a daemon of Open vSwitch or OVN has in its folder: a process ID and a control socket, here answered by
// the test.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

namespace lodge::agent {

class DaemonSocket {
  public:
    DaemonSocket(const std::string& folder, const std::string& program, std::string method,
                 std::string answer)
        : pid_file_(folder + "/" + program + ".pid"),
          path_(folder + "/" + program + ".4711.ctl"),
          method_(std::move(method)),
          answer_(std::move(answer)) {
        std::ofstream(pid_file_) << "4711\n";
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        EXPECT_EQ(::listen(listener_, 4), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~DaemonSocket() {
        stopping_ = true;
        thread_.join();
        ::close(listener_);
        std::filesystem::remove(path_);
        std::filesystem::remove(pid_file_);
    }

    void set_answer(std::string answer) {
        std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
    }
    void set_silent(bool silent) { silent_ = silent; }

  private:
    void serve() {
        while (!stopping_) {
            pollfd waiting{listener_, POLLIN, 0};
            if (::poll(&waiting, 1, 10) <= 0) continue;
            const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            char buffer[1024];
            const auto got = ::recv(connection, buffer, sizeof(buffer), 0);
            if (got > 0)
                reply(connection, nlohmann::json::parse(std::string(buffer, static_cast<std::size_t>(got))));
            while (silent_ && !stopping_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
            ::close(connection);
        }
    }
    void reply(int connection, const nlohmann::json& request) {
        if (silent_) return;
        std::lock_guard lock(mutex_);
        nlohmann::json message = {{"id", request["id"]}, {"result", nullptr}, {"error", "no such command"}};
        if (request["method"] == method_) message.update({{"result", answer_}, {"error", nullptr}});
        const std::string text = message.dump();
        // In two pieces, as a stream may come.
        [[maybe_unused]] auto first = ::send(connection, text.data(), 5, MSG_NOSIGNAL);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        [[maybe_unused]] auto rest = ::send(connection, text.data() + 5, text.size() - 5, MSG_NOSIGNAL);
    }

    const std::string pid_file_;
    const std::string path_;
    const std::string method_;
    std::mutex mutex_;
    std::string answer_;
    int listener_ = -1;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> silent_{false};
    std::thread thread_;
};

}  // namespace lodge::agent

// Inside proto/http only: the socket that clients connect to.
#pragma once

#include <sys/stat.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "proto/http/worker.h"

namespace lodge::http {

class Listener {
  public:
    // Called on the context's thread for every client.
    using Accept = std::function<void(Accepted)>;

    // Binds and listens; clients queue in the kernel until start(). io_failure says where it cannot listen,
    // and why.
    static Result<std::unique_ptr<Listener>> open(const Config& config, net::io_context& context);
    // The same for a bound TCP socket of the caller's.
    static Result<std::unique_ptr<Listener>> adopt(Fd fd, std::string tag, net::io_context& context);
    // Removes the unix socket's file, if it is still ours.
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::uint16_t port() const { return port_; }

    // On the context's thread.
    void start(Accept accept);
    void close();

  private:
    explicit Listener(net::io_context& context) : socket_(context), pause_(context) {}
    Status bind_tcp(const Config& config);
    Status bind_unix(const std::filesystem::path& path);
    Status listen(Fd fd, const std::string& where);
    void wait();
    void accept_some();
    bool accept_one();

    net::posix::basic_stream_descriptor<Executor> socket_;
    Timer pause_;
    Accept accept_;
    bool failing_ = false;  // said so in the log already
    std::uint16_t port_ = 0;
    std::string tag_;             // of an adopted one: goes before its clients' addresses
    std::filesystem::path path_;  // of the unix socket, once bound
    struct stat file_ {};         // which file that was
};

}  // namespace lodge::http

// Inside proto/http only: the few Asio types that its parts share.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>

namespace lodge::http {

namespace net = boost::asio;
using boost::system::error_code;

// TCP and unix sockets alike, on one io_context without type erasure.
using Executor = net::io_context::executor_type;
using Socket = net::basic_stream_socket<net::generic::stream_protocol, Executor>;
using Timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, Executor>;

// One thread's event loop. Outlives the server while a Reply still refers to it, so that a late answer has
// somewhere to go, where nobody reads it.
class Loop {
  public:
    net::io_context& context() { return context_; }
    // Whether the caller is the thread that runs this loop.
    bool here() const { return current_ == this; }
    // For that thread, around its run.
    void enter() { current_ = this; }
    static void leave() { current_ = nullptr; }

  private:
    inline static thread_local const Loop* current_ = nullptr;
    net::io_context context_{1};
};

}  // namespace lodge::http

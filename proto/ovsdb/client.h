// A client of one database of an OVSDB server (RFC 7047): watches tables, runs transactions, comes back by
// itself after the connection was lost.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "proto/base/result.h"
#include "proto/ovsdb/stream.h"

namespace lodge::ovsdb {

using Json = nlohmann::json;

struct Options {
    std::string remote;
    TlsFiles tls;
    std::string database;                   // "OVN_Northbound", "Open_vSwitch"
    std::map<std::string, Json> monitored;  // columns (an array of names) by table
    int probe_ms = 5'000;                   // an echo after so long a silence; twice that, and it is lost
    int retry_ms = 1'000;                   // between attempts to connect
};

// Called on the client's own thread; must not call back into the client.
struct Events {
    std::function<void(const Json& table_updates)> connected;  // with all that the monitor shows
    std::function<void(const Json& table_updates)> updated;
    std::function<void()> lost;
};

// Any thread.
class Client {
  public:
    Client(Options options, Events events);  // begins at once
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // One transaction; its results in the order of the operations. When this returns, `updated` has been
    // called with what it changed. Errors: service_unavailable (not connected, connection lost, or no answer
    // in time: whether it took place is open), conflict for a failed wait, internal_error with the server's
    // words.
    Result<Json> transact(Json operations, int timeout_ms = 10'000);

    // Empty while connected and the monitor's first answer is in; else why not.
    std::string problem() const;

  private:
    struct Pending {
        bool done = false;
        Json reply;
    };

    void loop();
    void serve(Stream& stream);
    Status exchange(Stream& stream);
    Status take(const std::string& text);
    void answer(const Json& message);
    void note_lost(const std::string& why);
    void send(const Json& message);
    bool wait_before_retry();
    void wake() const;

    const Options options_;
    const Events events_;
    int wake_descriptor_ = -1;

    mutable std::mutex mutex_;
    std::condition_variable replied_;
    std::string outbox_;
    std::map<std::int64_t, std::shared_ptr<Pending>> pending_;
    std::int64_t next_id_ = 1;
    std::string problem_ = "not connected yet";
    bool stopping_ = false;

    std::int64_t monitor_id_ = 0;  // of this connection; the client's thread alone
    std::unique_ptr<class Splitter> splitter_;
    std::thread thread_;
};

}  // namespace lodge::ovsdb

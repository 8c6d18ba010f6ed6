// The metadata service of a host: one for all guests of all its networks. A guest is known by the VPC whose
// namespace its connection came in by, and by its source address there, which OVN keeps others from using.
//
// It works without the control plane: what it needs is kept in its folder, and read again at the start.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/metadata/budget.h"
#include "agent/metadata/guest_directory.h"
#include "agent/metadata/metadata_folder.h"
#include "agent/metadata/network_sockets.h"
#include "agent/network/metadata_sink.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/http/server.h"

namespace lodge::agent {

struct MetadataOptions {
    std::filesystem::path folder;  // ours; made if missing
    // Asks the control plane for what only it knows of a guest. May block.
    std::function<Result<link::LaunchDataReply>(const GuestId& guest_id)> fetch;
    std::uint16_t port = 80;
    std::size_t threads = 2;
    std::size_t connections = 1024;           // of all guests; more get a 503
    std::size_t connections_of_a_guest = 64;  // more are closed at once
    std::int64_t shortest_retry_ms = 500;     // of fetch, doubling up to the longest
    std::int64_t longest_retry_ms = 15'000;
};

// Any thread. Calls do not wait for the disk or for the network, but for files of guests that are new.
class MetadataService final : public MetadataSink {
  public:
    // `clock` outlives the service.
    static Result<std::unique_ptr<MetadataService>> start(MetadataOptions options, const Clock& clock,
                                                          Random& random);
    // Keeps what has not been kept yet. Waits for a fetch that is under way.
    ~MetadataService() override;
    MetadataService(const MetadataService&) = delete;
    MetadataService& operator=(const MetadataService&) = delete;

    // As last set, or as a predecessor left them.
    std::vector<MetadataNetwork> networks() const;

    // What cannot be opened is logged, and tried again every second.
    void set_networks(const std::vector<MetadataNetwork>& networks) override;
    void set_guests(const std::vector<link::DesiredGuest>& guests) override;
    bool await_launch_data(const GuestId& guest_id, std::int64_t most_ms) override;

  private:
    struct Retry {
        std::int64_t at_ms = 0;  // steady
        std::int64_t backoff_ms = 0;
    };

    MetadataService(MetadataOptions options, MetadataFolder folder, const Clock& clock);
    Status serve();
    void load();
    bool admit(const std::string& peer);
    void leave(const std::string& peer);
    http::Response answer(const http::Request& request) const;

    void work_loop();
    Status keep();
    void open_networks(const std::vector<MetadataNetwork>& wanted);
    Result<std::uint64_t> open(const MetadataNetwork& network);

    void fetch_loop();
    std::int64_t fetch_due(std::map<GuestId, Retry>& retries);
    bool fetch(const GuestId& id);
    bool stopping() const { return stopping_; }

    const MetadataOptions options_;
    const MetadataFolder folder_;
    const TokenSeal seal_;
    const Clock& clock_;
    GuestDirectory guests_;
    std::unique_ptr<http::Server> server_;
    std::atomic<bool> stopping_{false};

    std::mutex budget_mutex_;
    GuestBudget budget_;  // connections

    std::mutex folder_mutex_;  // whoever writes there has it; taken before any other

    mutable std::mutex mutex_;
    std::condition_variable work_wake_;
    std::condition_variable fetch_wake_;
    bool changed_ = false;  // and not kept yet
    bool fetch_wanted_ = false;
    std::vector<MetadataNetwork> wanted_;

    NetworkSockets<std::uint64_t> networks_{"metadata service"};  // the worker's: listeners
    std::thread worker_;
    std::thread fetcher_;
};

}  // namespace lodge::agent

// The metadata service of a host: one for all guests of all its networks. A guest is known by the VPC whose
// namespace its connection came in by, and by its source address there, which OVN keeps others from using.
//
// It works without the control plane: what it needs is kept in its folder, and read again at the start.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/metadata/answer.h"
#include "agent/network/metadata_sink.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/http/server.h"

namespace lodge::agent {

struct MetadataOptions {
    std::filesystem::path folder;  // ours; made if missing, with mode 0700
    // Asks the control plane for what only it knows of a guest. May block.
    std::function<Result<link::LaunchDataReply>(const GuestId& guest_id)> fetch;
    std::uint16_t port = 80;
    std::size_t threads = 2;
    std::size_t connections = 4096;           // of all guests
    std::size_t connections_of_a_guest = 64;  // more are closed at once
    std::int64_t shortest_retry_ms = 500;     // of fetch, doubling up to the longest
    std::int64_t longest_retry_ms = 15'000;
};

// Any thread. Errors in serving a network are logged and tried again with the next set_networks().
class MetadataService final : public MetadataSink {
  public:
    static Result<std::unique_ptr<MetadataService>> start(MetadataOptions options, const Clock& clock,
                                                          Random& random);
    ~MetadataService() override;
    MetadataService(const MetadataService&) = delete;
    MetadataService& operator=(const MetadataService&) = delete;

    // As last set, or as a predecessor left them.
    std::vector<MetadataNetwork> networks() const;

    void set_networks(const std::vector<MetadataNetwork>& networks) override;
    void set_guests(const std::vector<link::DesiredGuest>& guests) override;

  private:
    using GuestPointer = std::shared_ptr<const MetadataGuest>;
    using Launch = std::shared_ptr<const link::LaunchDataReply>;
    struct Served {  // a guest, and what `shown` was made of
        link::DesiredGuest desired;
        Launch launch;
        GuestPointer shown;
        std::int64_t retry_at_ms = 0;  // steady
        std::int64_t backoff_ms = 0;
    };
    struct Open {
        MetadataNetwork network;
        std::uint64_t listener = 0;
    };

    MetadataService(MetadataOptions options, std::string token_key, const Clock& clock);
    Status serve();
    void load();
    bool admit(int descriptor, const std::string& peer);
    void leave(const std::string& peer);
    GuestPointer guest_at(const std::string& peer) const;
    void open(const MetadataNetwork& network);
    void take_guests(const std::vector<link::DesiredGuest>& guests);
    void refresh(Served& served);
    void make_index();
    void work_loop();
    void keep(const std::vector<link::DesiredGuest>& guests, const std::vector<MetadataNetwork>& networks);
    void fetch_next(std::unique_lock<std::mutex>& lock);
    std::int64_t next_fetch_ms() const;
    std::filesystem::path launch_file(const GuestId& guest_id) const;

    const MetadataOptions options_;
    const TokenSeal seal_;
    const Clock& clock_;
    std::unique_ptr<http::Server> server_;

    std::mutex networks_mutex_;
    std::map<VpcId, Open> networks_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    bool changed_ = false;  // and not kept yet
    std::vector<MetadataNetwork> wanted_networks_;
    std::map<GuestId, Served> guests_;
    std::map<std::string, GuestPointer> index_;   // by "VPC/ADDRESS"
    std::map<std::string, std::size_t> open_of_;  // connections, by the same
    std::thread worker_;
};

}  // namespace lodge::agent

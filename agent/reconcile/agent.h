// The agent itself: gets its desired guests, compares them with what the hypervisor has, makes the two agree,
// reports.
//
// Threads: one long-polls, one sends heartbeats, one reconciles (by period and by kick), one keeps the host's
// network, one reports, and a few carry out steps that take long, one at a time a guest; starts that must
// fetch an image, and layers that are sent, have their own. Nothing is kept but in the hypervisor, the
// storage and the control plane: a killed agent starts from those.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/hypervisor/hypervisor.h"
#include "agent/network/metadata_sink.h"
#include "agent/network/network.h"
#include "agent/reconcile/decide.h"
#include "agent/reconcile/link.h"
#include "agent/reconcile/trouble.h"
#include "agent/storage/storage.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"

namespace lodge::agent {

struct AgentOptions {
    HostId host_id;  // written into each domain, so that its owner is known
    Patience patience;
    std::int64_t period_ms = 5'000;  // between two full looks
    std::int64_t soon_ms = 200;      // the same while something is on its way
    std::int64_t poll_wait_ms = 25'000;
    std::int64_t hypervisor_patience_ms = 15'000;  // it counts as down when it takes longer to answer
    std::int64_t longest_backoff_ms = 5'000;       // between attempts to reach the control plane, with jitter
    std::int64_t port_patience_ms = 30'000;   // from plugging a new guest in until OVN must have its ports
    std::int64_t network_period_ms = 10'000;  // between two looks at the host's network
    std::int64_t files_period_ms = 60'000;    // between two times that the control plane is told of files
    std::int64_t network_retry_ms = 1'000;    // the same after one that failed
    std::int64_t epoch = 0;                   // as keep_epoch() was last told; 0: never
    std::function<Status(std::int64_t)> keep_epoch;  // durably; none: it is not kept
    std::size_t workers = 4;
    std::size_t fetchers = 2;  // the same for starts that have to fetch an image first
    std::string version = "0.1.0";
    std::string storage_pool;  // that the storage keeps volumes in; empty: this host's own folder
};

// What the agent works with.
struct HostParts {
    Hypervisor& hypervisor;
    Storage& storage;
    Network& network;
    MetadataSink& metadata;
};

class Agent {
  public:
    // All that is referred to outlives the agent.
    Agent(HostParts host, Link& link, const Clock& clock, Random& random, AgentOptions options);
    // As stop().
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    void start();
    // Guests go on running. Waits for steps under way.
    void stop();

    // Instead of start(), for who has a single thread, as simulations do: one turn of each thread, in any
    // order. Each returns for how many milliseconds it rests, unless it is kicked.
    std::int64_t poll_turn();
    std::int64_t heartbeat_turn();
    std::int64_t reconcile_turn();
    std::int64_t network_turn();
    // False when there was nothing to report, or to carry out.
    bool report_turn();
    bool work_turn();

  private:
    struct Entry {
        link::DesiredGuest desired;
        bool busy = false;  // a worker has it
        bool ran = false;
        std::string start_failure;
        std::string start_trouble;
        std::int64_t not_before_ms = 0;  // steady; after a step that failed, the next one waits for it
        std::int64_t backoff_ms = 0;
        std::int64_t asked_shutdown_ms = 0;
        std::int64_t last_asked_ms = 0;
        std::int64_t asked_reboot_ms = 0;  // 0: no reboot is under way
        std::int64_t reboot_asked = 0;     // which of the wanted ones
        std::int64_t reboots_before = 0;   // what the hypervisor had seen when it was asked
        std::int64_t reboots_done = 0;
        std::int64_t interrupts_done = 0;
        std::map<NetworkInterfaceId, std::int64_t> asked_detach_ms;
        std::map<VolumeId, link::ObservedDisk> adjusted;
        std::map<VolumeId, std::int64_t> tried_disk_ms;
        std::map<VolumeId, FlattenTry> tried_flatten;
        std::map<VolumeId, std::int64_t> forgotten;
        bool removed = false;
        bool on_host = false;                     // the hypervisor has its domain
        std::optional<link::ObservedGuest> news;  // what is to be reported
        std::optional<link::ObservedGuest> told;  // what was, by this process to this control plane
        std::uint64_t step_ended = 0;             // what steps_ended_ was then
    };

    // How far a volume is that is to be removed.
    enum class Doom { wanted, under_way, removed };

    // A snapshot whose layer is to be sent.
    struct PendingCut {
        link::Cut cut;
        bool busy = false;
        bool sent = false;
        std::int64_t not_before_ms = 0;  // steady; after a failure
        std::int64_t backoff_ms = 0;
    };

    // What the hypervisor has.
    struct Listed {
        std::map<GuestId, Domain> domains;
        std::set<InstanceId> strays;  // the instances of domains that nobody asked for
    };
    struct WorkQueue {
        std::mutex mutex;
        std::condition_variable wake;
        std::deque<std::function<void()>> tasks;
    };

    void poll_loop();
    void heartbeat_loop();
    void reconcile_loop();
    void network_loop();
    void report_loop();
    void work_loop(WorkQueue& queue);
    void add_work(WorkQueue& queue, std::function<void()> task);
    bool say_hello();
    Result<link::HelloReply> greet();
    Status leave_epoch(std::int64_t next);
    bool take_desired(link::PollReply reply, bool started_anew);
    void pause(std::int64_t ms);
    void ask_leftovers();
    link::LeftoversRequest find_leftovers();
    void add_files(link::LeftoversRequest& left, const std::vector<VolumeId>& disks);
    std::set<std::string> needed_contents() const;
    void remove_content(const std::string& sha256);
    std::set<VolumeId> wanted_volumes() const;
    void remove_doomed(const std::vector<Domain>& domains);
    void run_doom(const VolumeId& id);
    void take_cuts(std::vector<link::Cut> cuts, bool started_anew);
    void look_at_cuts(const std::vector<Domain>& domains, std::uint64_t ended_before, bool& soon);
    static bool is_in_the_way(const Entry& entry, const link::Cut& cut, std::uint64_t ended_before);
    void send_layer(const link::Cut& cut, bool live);
    Status run_layer(const link::Cut& cut, bool live);
    void sweep_store(const std::vector<GuestId>& stores, const Listed& listed);
    void end_leftover(const GuestId& id);
    void remove_leftover(const VolumeId& id);
    std::int64_t next_backoff(std::int64_t& backoff_ms);
    void kick();
    void kick_network();
    bool stopping() const { return stopping_; }

    bool reconcile_once();
    std::string hypervisor_error() const;
    void look_at(Entry& entry, const Listed& listed, bool& soon);
    View view_of(const Entry& entry, const Listed& listed) const;
    static bool is_news(const Entry& entry, const link::ObservedGuest& seen);
    void tell(Entry& entry, const link::ObservedGuest& seen);
    void dispatch(Entry& entry, const Decision& decision);
    bool has_news() const;
    link::ReportRequest take_news() const;
    std::int64_t report_news();
    static bool run_next(WorkQueue& queue);
    Status send(link::ReportRequest report);
    link::ConsoleOutput console_of(const InstanceId& instance_id);
    void answer_console_requests(const std::vector<InstanceId>& wanted);

    bool keep_network();
    Status keep_network_of(const std::optional<link::ChassisSettings>& settings,
                           const std::vector<link::DesiredGuest>& here);
    std::string network_error();

    bool has_images(const link::DesiredGuest& desired);
    void carry_out(const link::DesiredGuest& desired, const Decision& decision);
    Status run_start(const link::DesiredGuest& desired, bool anew);
    Result<GuestSpec> make_spec(const link::DesiredGuest& desired, bool anew);
    Result<DiskSpec> make_disk(const link::GuestDisk& desired, bool grow);
    Status run_cut(const link::DesiredGuest& desired, const std::map<VolumeId, std::int64_t>& cuts);
    std::int64_t bytes_to_flatten() const;
    Status run_flattening(const GuestId& guest_id, const link::GuestDisk& disk);
    Status run_disk_step(const link::DesiredGuest& desired, const Decision& decision);
    Nic nic_of(const link::GuestInterface& interface) const;
    Status start_plugged(const GuestSpec& spec);
    Status network_is_well();
    Status run_attach(const link::DesiredGuest& desired, const NetworkInterfaceId& id);
    Status end_strays(const link::DesiredGuest& desired);
    Status run_removal(const link::DesiredGuest& desired);
    static void end_reboot(Entry& entry);
    void note_result(const link::DesiredGuest& desired, const Decision& decision, const Status& status);
    static void note_disks(Entry& entry, const link::DesiredGuest& desired, const Decision& decision);

    Hypervisor& hypervisor_;
    Storage& storage_;
    Network& network_;
    MetadataSink& metadata_;
    Link& link_;
    const Clock& clock_;
    Random& random_;
    const AgentOptions options_;
    std::int64_t epoch_ = 0;       // ours; steps are taken by lists of guests of that epoch alone
    std::int64_t list_epoch_ = 0;  // of guests_; 0: not told
    std::int64_t leaving_to_ = 0;  // while guests of an older epoch are ended; 0: they are not
    std::int64_t heartbeat_ms_ = 3'000;

    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable news_wake_;
    bool kicked_ = false;
    bool network_kicked_ = false;
    std::map<GuestId, Entry> guests_;
    std::set<VolumeId> kept_volumes_;
    std::map<VolumeId, Doom> doomed_volumes_;
    std::map<SnapshotId, PendingCut> cuts_;
    std::uint64_t steps_ended_ = 0;
    std::string hypervisor_error_;
    std::int64_t list_asked_ms_ = 0;                // steady; 0: the hypervisor is not being asked
    Trouble hypervisor_trouble_{"the hypervisor"};  // the reconciling thread's
    std::optional<link::ChassisSettings> chassis_;  // nothing: the control plane has not told
    std::string upkeep_error_;
    std::uint64_t desired_changes_ = 0;
    std::vector<link::LeftGuest> strays_;  // as the last full look found them

    bool greeted_ = false;                     // the heartbeat's
    bool told_leftovers_ = false;              // the heartbeat's: the last it told were not none
    std::int64_t files_told_ms_ = 0;           // the heartbeat's; steady, 0: never
    std::atomic<bool> list_is_wanted_{false};  // the poll is to ask anew, whatever it knows

    // The poll's.
    std::string version_;
    std::int64_t poll_backoff_ms_ = 0;
    Trouble poll_trouble_{"the control plane"};

    // The reports'.
    std::int64_t report_backoff_ms_ = 0;
    Trouble report_trouble_{"reports"};

    // The network's thread's.
    std::uint64_t metadata_changes_ = 0;  // desired_changes_ when the metadata service was told of the guests
    std::optional<std::vector<MetadataNetwork>> metadata_networks_;
    Trouble network_trouble_{"the host's network"};

    WorkQueue work_;
    WorkQueue fetches_;
    WorkQueue layers_;
    std::vector<std::thread> threads_;
};

}  // namespace lodge::agent

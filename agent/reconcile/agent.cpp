#include "agent/reconcile/agent.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace lodge::agent {
namespace {

constexpr std::int64_t shortest_backoff_ms = 250;
// Guests, with their consoles, of one report: a few MiB at most.
constexpr std::size_t batch_size = 50;

template <class Value>
std::string trouble_of(const Result<Value>& result) {
    return result ? std::string() : result.error().message;
}

std::string_view boot_of(std::string_view version) {
    return version.substr(0, version.find('.'));
}

}  // namespace

Agent::Agent(HostParts host, Link& link, const Clock& clock, Random& random, AgentOptions options)
    : hypervisor_(host.hypervisor),
      storage_(host.storage),
      network_(host.network),
      metadata_(host.metadata),
      link_(link),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      epoch_(options_.epoch) {
    hypervisor_.on_change([this] { kick(); });
    network_.on_change([this] {
        kick();
        kick_network();
    });
}

Agent::~Agent() {
    stop();
}

void Agent::start() {
    threads_.emplace_back([this] { poll_loop(); });
    threads_.emplace_back([this] { heartbeat_loop(); });
    threads_.emplace_back([this] { reconcile_loop(); });
    threads_.emplace_back([this] { network_loop(); });
    threads_.emplace_back([this] { report_loop(); });
    threads_.emplace_back([this] { work_loop(layers_); });
    for (std::size_t i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { work_loop(work_); });
    for (std::size_t i = 0; i < options_.fetchers; ++i)
        threads_.emplace_back([this] { work_loop(fetches_); });
}

void Agent::stop() {
    {
        std::scoped_lock lock(mutex_, work_.mutex, fetches_.mutex, layers_.mutex);
        stopping_ = true;
    }
    link_.interrupt();
    network_.interrupt();
    wake_.notify_all();
    news_wake_.notify_all();
    work_.wake.notify_all();
    fetches_.wake.notify_all();
    layers_.wake.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    hypervisor_.on_change(nullptr);
    network_.on_change(nullptr);
}

void Agent::kick() {
    {
        std::lock_guard lock(mutex_);
        kicked_ = true;
    }
    wake_.notify_all();
}

void Agent::pause(std::int64_t ms) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping(); });
}

// Doubling, with jitter, so that agents do not come back all at once.
std::int64_t Agent::next_backoff(std::int64_t& backoff_ms) {
    backoff_ms = std::clamp<std::int64_t>(backoff_ms * 2, shortest_backoff_ms, options_.longest_backoff_ms);
    auto jitter = random_.next_u64() % static_cast<std::uint64_t>(backoff_ms);
    return backoff_ms / 2 + static_cast<std::int64_t>(jitter);
}

Result<link::HelloReply> Agent::greet() {
    auto capacity = hypervisor_.capacity();
    if (!capacity) {
        std::lock_guard lock(mutex_);
        hypervisor_error_ = capacity.error().message;
        return tl::unexpected<Error>(capacity.error());
    }
    link::HelloRequest request;
    {
        std::lock_guard lock(mutex_);
        request.epoch = epoch_;
    }
    request.facts = {
        capacity->host_name,   capacity->architecture, capacity->vcpus,      capacity->memory_mib, 0,
        capacity->accelerator, options_.version,       options_.storage_pool};
    if (auto space = storage_.disk_space()) request.facts.disk_mib = space->total_mib;
    LODGE_TRY(auto reply, link_.hello(request));
    if (reply.epoch == request.epoch) {
        std::lock_guard lock(mutex_);
        leaving_to_ = 0;  // a control plane that was restored takes its word back
        return reply;
    }
    if (reply.epoch > request.epoch && reply.epoch > 1) LODGE_CHECK(leave_epoch(reply.epoch));
    if (options_.keep_epoch) LODGE_CHECK(options_.keep_epoch(reply.epoch));
    std::lock_guard lock(mutex_);
    if (reply.epoch < epoch_)
        spdlog::warn("the control plane's epoch is {}, ours was {}: it was restored", reply.epoch, epoch_);
    epoch_ = reply.epoch;
    leaving_to_ = 0;
    if (reply.epoch > request.epoch && reply.epoch > 1)
        return fail(ErrorCode::conflict, "fenced; hello has to be said again");
    return reply;
}

// The host was fenced: none of its guests is any instance's. Lists of guests of the new epoch wait meanwhile.
Status Agent::leave_epoch(std::int64_t next) {
    {
        std::lock_guard lock(mutex_);
        list_epoch_ = leaving_to_ = next;  // no further steps by the old list, nor by one that is on its way
        for (const auto& [id, entry] : guests_)
            if (entry.busy) return fail(ErrorCode::service_unavailable, "a step is still under way");
    }
    LODGE_TRY(auto domains, hypervisor_.list());
    for (const auto& domain : domains) {
        spdlog::warn("guest {}: ended, since its host was fenced", domain.guest_id.str());
        LODGE_CHECK(hypervisor_.destroy(domain.guest_id));
        LODGE_CHECK(hypervisor_.undefine(domain.guest_id));
    }
    std::lock_guard lock(mutex_);
    guests_.clear();
    list_is_wanted_ = true;
    return {};
}

bool Agent::say_hello() {
    auto reply = greet();
    if (!reply) {
        spdlog::debug("hello: {}", reply.error().message);
        return false;
    }
    {
        std::lock_guard lock(mutex_);
        heartbeat_ms_ = std::clamp<std::int64_t>(reply->heartbeat_ms, 100, 60'000);
        if (list_epoch_ > 0 && list_epoch_ != epoch_) list_is_wanted_ = true;
        chassis_ = std::move(reply->chassis);
    }
    kick_network();
    kick();
    return true;
}

void Agent::heartbeat_loop() {
    while (!stopping()) pause(heartbeat_turn());
}

// Says hello whenever the control plane does not know us, and renews the lease.
std::int64_t Agent::heartbeat_turn() {
    if (!greeted_) greeted_ = say_hello();  // asks the hypervisor first; what it says goes into the heartbeat
    link::Heartbeat heartbeat;
    if (auto space = storage_.disk_space()) heartbeat.disk_free_mib = space->free_mib;
    heartbeat.network_error = network_error();
    heartbeat.network_ok = heartbeat.network_error.empty();
    std::int64_t period_ms = 0;
    {
        std::lock_guard lock(mutex_);
        heartbeat.hypervisor_error = hypervisor_error();
        heartbeat.hypervisor_ok = heartbeat.hypervisor_error.empty();
        period_ms = heartbeat_ms_;
    }
    auto reply = link_.heartbeat(heartbeat);
    if (reply && reply->hello_wanted) greeted_ = false;
    if (reply && greeted_) ask_leftovers();
    return reply && !greeted_ ? std::min<std::int64_t>(period_ms, 500) : period_ms;
}

void Agent::poll_loop() {
    while (!stopping())
        if (auto rest_ms = poll_turn(); rest_ms > 0) pause(rest_ms);
}

std::int64_t Agent::poll_turn() {
    if (list_is_wanted_.exchange(false)) version_.clear();
    auto reply = link_.poll({version_, options_.poll_wait_ms});
    if (stopping()) return 0;
    poll_trouble_.note(trouble_of(reply));
    if (!reply) return next_backoff(poll_backoff_ms_);
    poll_backoff_ms_ = 0;
    bool started_anew = boot_of(reply->version) != boot_of(version_);
    std::string version = reply->version;
    answer_console_requests(reply->console_requests);
    if (reply->changed && !take_desired(std::move(*reply), started_anew)) return options_.soon_ms;
    version_ = std::move(version);
    return 0;
}

// A control plane that started anew may be one that was restored: what it says counts, whatever came before.
// False: the list was read before the host was fenced, or hello has not told yet that the epoch is a lower
// one.
bool Agent::take_desired(link::PollReply reply, bool started_anew) {
    {
        std::lock_guard lock(mutex_);
        if (reply.epoch > 0 && reply.epoch < std::max(epoch_, leaving_to_)) return false;
        list_epoch_ = reply.epoch;
        kept_volumes_ = {reply.kept_volumes.begin(), reply.kept_volumes.end()};
        std::map<VolumeId, Doom> doomed;
        for (const auto& id : reply.doomed_volumes) {
            const auto known = doomed_volumes_.find(id);
            doomed[id] = known != doomed_volumes_.end() && !started_anew ? known->second : Doom::wanted;
        }
        doomed_volumes_ = std::move(doomed);
        take_cuts(std::move(reply.cuts), started_anew);
        std::set<GuestId> named;
        for (auto& desired : reply.guests) {
            named.insert(desired.guest_id);
            auto& entry = guests_[desired.guest_id];
            if (started_anew) entry.told.reset();
            if (!started_anew && desired.generation < entry.desired.generation) continue;
            if (desired.desired != entry.desired.desired)
                entry.asked_shutdown_ms = entry.last_asked_ms = entry.backoff_ms = entry.not_before_ms = 0;
            entry.desired = std::move(desired);
        }
        std::erase_if(guests_,
                      [&](const auto& each) { return !named.contains(each.first) && !each.second.busy; });
        ++desired_changes_;
    }
    kick();
    kick_network();
    return true;
}

link::ConsoleOutput Agent::console_of(const InstanceId& instance_id) {
    auto tail = storage_.console_tail(instance_id, link::console_bytes);
    if (!tail) spdlog::warn("console of {}: {}", instance_id.str(), tail.error().message);
    return {instance_id, tail ? std::move(*tail) : ""};
}

void Agent::answer_console_requests(const std::vector<InstanceId>& wanted) {
    for (std::size_t first = 0; first < wanted.size(); first += batch_size) {
        link::ReportRequest report;
        for (auto i = first; i < std::min(first + batch_size, wanted.size()); ++i)
            report.consoles.push_back(console_of(wanted[i]));
        if (auto sent = link_.report(report); !sent) spdlog::warn("console report: {}", sent.error().message);
    }
}

void Agent::reconcile_loop() {
    while (!stopping()) {
        const auto rest_ms = reconcile_turn();
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, std::chrono::milliseconds(rest_ms), [this] { return stopping() || kicked_; });
        kicked_ = false;
    }
}

std::int64_t Agent::reconcile_turn() {
    return reconcile_once() ? options_.soon_ms : options_.period_ms;
}

// A call to it that does not return is trouble as well. Called under the lock.
std::string Agent::hypervisor_error() const {
    auto silent_ms = list_asked_ms_ > 0 ? clock_.steady_ms() - list_asked_ms_ : 0;
    if (silent_ms < options_.hypervisor_patience_ms) return hypervisor_error_;
    return "the hypervisor has not answered for " + std::to_string(silent_ms / 1000) + " s";
}

// One full look. Returns whether another is due soon.
bool Agent::reconcile_once() {
    std::uint64_t ended_before = 0;
    const auto stores = storage_.list_store_disks();  // before the lists: one made meanwhile is a guest's
    if (!stores) spdlog::warn("{}", stores.error().message);
    {
        std::lock_guard lock(mutex_);
        ended_before = steps_ended_;
        list_asked_ms_ = clock_.steady_ms();
    }
    auto answer = hypervisor_.list();
    {
        std::lock_guard lock(mutex_);
        list_asked_ms_ = 0;
        hypervisor_error_ = trouble_of(answer);
    }
    hypervisor_trouble_.note(trouble_of(answer));
    if (!answer) return false;
    Listed listed;
    bool soon = false;
    {
        std::lock_guard lock(mutex_);
        remove_doomed(*answer);
        look_at_cuts(*answer, ended_before, soon);
        strays_.clear();
        for (auto& domain : *answer) {
            if (!guests_.contains(domain.guest_id)) {
                listed.strays.insert(domain.instance_id);
                strays_.push_back(
                    {domain.guest_id, domain.instance_id, domain.state != DomainState::shut_off});
            }
            listed.domains[domain.guest_id] = std::move(domain);
        }
        if (stores) sweep_store(*stores, listed);
        for (auto& [id, entry] : guests_) {
            if (entry.busy) continue;
            // A step that ended after the list was made may have changed what the list says.
            if (entry.step_ended > ended_before) {
                soon = true;
            } else {
                look_at(entry, listed, soon);
            }
        }
        // Domains with our tag that nobody asked for are left alone: they may be somebody's running guests,
        // newer than the backup that the control plane was restored from. See Step::end_strays, and
        // ask_leftovers().
    }
    return soon;
}

View Agent::view_of(const Entry& entry, const Listed& listed) const {
    View view;
    view.desired = entry.desired;
    view.desired.reboots_done = std::max(entry.desired.reboots_done, entry.reboots_done);
    view.desired.interrupts_done = std::max(entry.desired.interrupts_done, entry.interrupts_done);
    if (auto found = listed.domains.find(entry.desired.guest_id); found != listed.domains.end())
        view.domain = found->second;
    view.stray = listed.strays.contains(entry.desired.instance_id);
    view.ran = entry.ran || (view.domain && view.domain->state == DomainState::running);
    view.start_failure = entry.start_failure;
    view.start_trouble = entry.start_trouble;
    view.asked_shutdown_ms = entry.asked_shutdown_ms;
    view.last_asked_ms = entry.last_asked_ms;
    view.asked_reboot_ms = entry.asked_reboot_ms;
    view.has_network = network_.kind() == NetworkKind::present;
    for (const auto& each : entry.desired.interfaces)
        if (network_.is_installed(each.port_uuid)) view.installed.insert(each.network_interface_id);
    view.asked_detach_ms = entry.asked_detach_ms;
    view.adjusted = entry.adjusted;
    view.tried_disk_ms = entry.tried_disk_ms;
    view.tried_flatten = entry.tried_flatten;
    view.forgotten = entry.forgotten;
    for (const auto& [id, pending] : cuts_) view.unsent.insert(pending.cut.disk.volume_id);
    view.now_ms = clock_.steady_ms();
    return view;
}

void Agent::look_at(Entry& entry, const Listed& listed, bool& soon) {
    if (entry.asked_reboot_ms > 0 && hypervisor_.reboots_seen(entry.desired.guest_id) != entry.reboots_before)
        end_reboot(entry);
    const View view = view_of(entry, listed);
    entry.ran = view.ran;
    entry.on_host = view.domain.has_value();
    auto decision = decide(view, options_.patience);
    if (list_epoch_ > 0 && list_epoch_ != epoch_) return;  // the heartbeat's thread is at it
    if (entry.removed) {
        decision.step = Step::none;
        decision.observed.observed = Observed::removed;
    }
    tell(entry, decision.observed);
    soon = soon || decision.look_again_soon;
    // Whether a guest is to have its interfaces must be known before it starts.
    const bool too_early = decision.step == Step::start && !entry.desired.interfaces.empty() &&
                           network_.kind() == NetworkKind::unknown;
    if (too_early || (decision.step != Step::destroy && decision.step != Step::none &&
                      view.now_ms < entry.not_before_ms)) {
        soon = true;
    } else if (decision.step != Step::none) {
        dispatch(entry, decision);
    }
}

// Interfaces and disks count while the guest is to run; what is not well with a start, until it runs.
bool Agent::is_news(const Entry& entry, const link::ObservedGuest& seen) {
    if (seen.observed != entry.desired.observed || seen.reboots_done != entry.desired.reboots_done ||
        seen.interrupts_done != entry.desired.interrupts_done)
        return true;
    if (entry.desired.desired != Desired::running) return false;
    // A newer generation may want no more than the guest has, and waits to be told so.
    if (seen.observed == Observed::running)
        return !entry.told || entry.told->generation != seen.generation ||
               entry.told->interfaces != seen.interfaces || entry.told->disks != seen.disks;
    if (seen.observed == Observed::starting) return seen.reason != (entry.told ? entry.told->reason : "");
    return false;
}

// Leaves what is new to report_loop(). Called under the lock.
void Agent::tell(Entry& entry, const link::ObservedGuest& seen) {
    if (!is_news(entry, seen)) {
        entry.news.reset();
    } else if (entry.news != seen) {
        spdlog::info("guest {}: {}{}{}", seen.guest_id.str(), to_text(seen.observed),
                     seen.reason.empty() ? "" : ": ", seen.reason);
        entry.news = seen;
        news_wake_.notify_all();
    }
}

// Gives the step to a worker. Called under the lock.
void Agent::dispatch(Entry& entry, const Decision& decision) {
    if (decision.step == Step::ask_shutdown) {
        entry.last_asked_ms = clock_.steady_ms();
        if (entry.asked_shutdown_ms == 0) entry.asked_shutdown_ms = entry.last_asked_ms;
    }
    if (decision.step == Step::detach) entry.asked_detach_ms[decision.interface] = clock_.steady_ms();
    if (decision.step == Step::flatten_disk)
        entry.tried_flatten[decision.volume] = {clock_.steady_ms(), decision.file};
    else if (!decision.volume.empty() && decision.step != Step::forget_layers)
        entry.tried_disk_ms[decision.volume] = clock_.steady_ms();
    if (decision.step == Step::ask_reboot)
        entry.reboots_before = hypervisor_.reboots_seen(entry.desired.guest_id);
    entry.busy = true;
    add_work(work_, [this, desired = entry.desired, decision] {
        if (decision.step == Step::start && !has_images(desired))
            add_work(fetches_, [this, desired, decision] { carry_out(desired, decision); });
        else
            carry_out(desired, decision);
    });
}

void Agent::add_work(WorkQueue& queue, std::function<void()> task) {
    {
        std::lock_guard lock(queue.mutex);
        queue.tasks.push_back(std::move(task));
    }
    queue.wake.notify_one();
}

void Agent::work_loop(WorkQueue& queue) {
    for (;;) {
        std::function<void()> task;
        {
            std::unique_lock lock(queue.mutex);
            queue.wake.wait(lock, [&] { return stopping() || !queue.tasks.empty(); });
            if (stopping()) return;
            task = std::move(queue.tasks.front());
            queue.tasks.pop_front();
        }
        task();
    }
}

bool Agent::run_next(WorkQueue& queue) {
    std::function<void()> task;
    {
        std::lock_guard lock(queue.mutex);
        if (queue.tasks.empty()) return false;
        task = std::move(queue.tasks.front());
        queue.tasks.pop_front();
    }
    task();
    return true;
}

bool Agent::work_turn() {
    return run_next(fetches_) || run_next(work_) || run_next(layers_);
}

void Agent::report_loop() {
    while (!stopping()) {
        {
            std::unique_lock lock(mutex_);
            news_wake_.wait(lock, [this] { return stopping() || has_news(); });
        }
        if (stopping()) return;
        if (auto rest_ms = report_news(); rest_ms > 0) pause(rest_ms);
    }
}

bool Agent::report_turn() {
    {
        std::lock_guard lock(mutex_);
        if (!has_news()) return false;
    }
    report_news();
    return true;
}

// Returns for how long to wait before the next report.
std::int64_t Agent::report_news() {
    auto sent = send(take_news());
    if (stopping()) return 0;
    report_trouble_.note(trouble_of(sent));
    if (!sent) return next_backoff(report_backoff_ms_);
    report_backoff_ms_ = 0;
    return 0;
}

// Called under the lock.
bool Agent::has_news() const {
    return std::any_of(guests_.begin(), guests_.end(), [](const auto& each) { return each.second.news; }) ||
           std::any_of(doomed_volumes_.begin(), doomed_volumes_.end(),
                       [](const auto& each) { return each.second == Doom::removed; });
}

link::ReportRequest Agent::take_news() const {
    link::ReportRequest news;
    std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : guests_)
        if (entry.news && news.guests.size() < batch_size) news.guests.push_back(*entry.news);
    for (const auto& [id, doom] : doomed_volumes_)
        if (doom == Doom::removed) news.removed_volumes.push_back(id);
    return news;
}

Status Agent::send(link::ReportRequest report) {
    for (const auto& seen : report.guests) {
        if (seen.observed != Observed::stopped && seen.observed != Observed::gone) continue;
        std::lock_guard lock(mutex_);
        auto entry = guests_.find(seen.guest_id);
        if (entry != guests_.end()) report.consoles.push_back({entry->second.desired.instance_id, ""});
    }
    for (auto& console : report.consoles) console = console_of(console.instance_id);
    LODGE_CHECK(link_.report(report).map([](auto&&) {}));
    std::lock_guard lock(mutex_);
    for (const auto& id : report.removed_volumes) doomed_volumes_.erase(id);
    for (const auto& seen : report.guests) {
        auto found = guests_.find(seen.guest_id);
        if (found == guests_.end()) continue;
        auto& entry = found->second;
        if (entry.news == seen) entry.news.reset();
        entry.told = seen;
        if (entry.desired.generation != seen.generation) continue;
        entry.desired.observed = seen.observed;
        entry.desired.reboots_done = seen.reboots_done;
        entry.desired.interrupts_done = seen.interrupts_done;
    }
    return {};
}

}  // namespace lodge::agent

// GetConsoleOutput: asks the guest's host for the newest output, and shows the last that came.
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "api/actions/instance_view.h"
#include "db/store/consoles.h"
#include "proto/ec2/instances.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::api {
namespace {

// Shared with the hub's callback, which may outlive the request.
struct Arrival {
    std::mutex mutex;
    std::condition_variable changed;
    bool arrived = false;
};

// Each who waits keeps a worker; who comes on top is answered with what has come so far.
constexpr int most_waiters = 8;

class Place {
  public:
    Place() = default;
    ~Place() { waiters_.fetch_sub(1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    bool taken() const { return taken_; }

  private:
    inline static std::atomic<int> waiters_ = 0;
    const bool taken_ = waiters_.fetch_add(1) < most_waiters;
};

void wait_for_console(const RequestContext& context, const Instance& instance) {
    Place place;
    if (!place.taken()) return;
    auto arrival = std::make_shared<Arrival>();
    auto ticket = context.services.hub.request_console(instance.host_id, instance.id, [arrival] {
        std::lock_guard lock(arrival->mutex);
        arrival->arrived = true;
        arrival->changed.notify_all();
    });
    {
        std::unique_lock lock(arrival->mutex);
        arrival->changed.wait_for(lock, std::chrono::milliseconds(context.services.settings.console_wait_ms),
                                  [&] { return arrival->arrived; });
    }
    context.services.hub.forget_console(ticket);
}

// Whether the host may have output that has not been sent yet. What a guest printed last comes with the
// report of its end.
bool worth_asking(const RequestContext& context, const db::instances::WithGuest& row) {
    return holds_claim(row.guest.observed) && row.guest.observed != Observed::placed &&
           context.services.hub.condition(row.instance.host_id, HostState::active) !=
               scheduler::HostCondition::unreachable;
}

}  // namespace

Result<ec2::GetConsoleOutputResponse> get_console_output(RequestContext& context,
                                                         const ec2::GetConsoleOutputRequest& request) {
    LODGE_TRY(auto rows, context.read([&](db::Session& session) {
        return find_instances(session, context, {request.instance_id});
    }));
    if (!context.dry_run && worth_asking(context, rows.front()))
        wait_for_console(context, rows.front().instance);
    LODGE_TRY(auto output,
              context.read([&](db::Session& session) -> Result<std::optional<db::consoles::Output>> {
                  return db::consoles::get(session, rows.front().instance.id);
              }));
    ec2::GetConsoleOutputResponse response;
    response.instance_id = request.instance_id;
    response.timestamp = output ? output->captured_ms : context.now_ms();
    response.output = output ? std::move(output->bytes) : "";
    return response;
}

}  // namespace lodge::api

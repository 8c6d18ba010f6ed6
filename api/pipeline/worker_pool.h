// Threads that run what may block: requests' handlers, agents' reports.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lodge::api {

// Thread-safe. Tasks run in the order of post(), several at once. An exception ends its task only.
class WorkerPool {
  public:
    // `queue_limit`: tasks that may wait; more are refused, so that a flood costs bounded memory.
    WorkerPool(std::size_t threads, std::size_t queue_limit);
    // Runs what was posted, then ends.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // False when the queue is full or the pool is stopping; the task is then dropped.
    bool post(std::function<void()> task);
    void stop();
    // Threads that wait for a task.
    std::size_t idle() const;

  private:
    struct Worker {
        std::condition_variable wake;
        bool wanted = false;
        std::thread thread;
    };
    void run(Worker& self);

    const std::size_t queue_limit_;
    mutable std::mutex mutex_;
    std::deque<std::function<void()>> queue_;
    // Who waits, the last that worked at the end: it is woken first, so that a light load stays with few
    // threads, their caches and their share of the allocator's memory.
    std::vector<Worker*> idle_;
    bool stopping_ = false;
    std::deque<Worker> workers_;
};

}  // namespace lodge::api

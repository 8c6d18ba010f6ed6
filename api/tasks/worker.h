// The thread of lodged that works on imports and exports, one after the other, oldest first.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "api/tasks/tools.h"
#include "proto/model/export_task.h"

namespace lodge::api::tasks {

class Worker {
  public:
    // What an earlier process left unfinished is begun anew.
    explicit Worker(Tools tools);
    // Interrupts what is going on; the next process begins it anew.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

  private:
    void loop();
    bool work_on_next();
    template <class Task>
    void work_on(const Task& task);
    void forget_old();
    bool wait(std::int64_t for_ms);

    const Tools tools_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread thread_;
};

}  // namespace lodge::api::tasks

#include "api/pipeline/worker_pool.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace lodge::api {

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
    for (std::size_t i = 0; i < threads; ++i) {
        auto& worker = workers_.emplace_back();
        worker.thread = std::thread([this, &worker] { run(worker); });
    }
}

WorkerPool::~WorkerPool() {
    stop();
}

void WorkerPool::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    for (auto& worker : workers_) worker.wake.notify_all();
    for (auto& worker : workers_)
        if (worker.thread.joinable()) worker.thread.join();
}

bool WorkerPool::post(std::function<void()> task) {
    Worker* next = nullptr;
    {
        std::lock_guard lock(mutex_);
        if (stopping_ || queue_.size() >= queue_limit_) return false;
        queue_.push_back(std::move(task));
        if (!idle_.empty()) {
            next = idle_.back();
            idle_.pop_back();
            next->wanted = true;
        }
    }
    if (next) next->wake.notify_one();
    return true;
}

std::size_t WorkerPool::idle() const {
    std::lock_guard lock(mutex_);
    return idle_.size();
}

void WorkerPool::run(Worker& self) {
    for (;;) {
        std::function<void()> task;
        {
            std::unique_lock lock(mutex_);
            while (queue_.empty()) {
                if (stopping_) return;
                self.wanted = false;
                idle_.push_back(&self);
                self.wake.wait(lock, [&] { return stopping_ || self.wanted; });
            }
            task = std::move(queue_.front());
            queue_.pop_front();
        }
        // What a task holds goes with it: a reply that was not given is a 500.
        try {
            task();
        } catch (const std::exception& error) {
            spdlog::error("a task failed: {}", error.what());
        }
    }
}

}  // namespace lodge::api

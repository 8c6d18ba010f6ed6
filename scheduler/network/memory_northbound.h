// A Northbound database in memory: takes the operations that operations() makes (insert, update, mutate of
// sets and integers, delete by UUID) and has every host follow at once.
#pragma once

#include <mutex>

#include "proto/base/random.h"
#include "scheduler/network/northbound.h"

namespace lodge::network {

class MemoryNorthbound final : public Northbound {
  public:
    explicit MemoryNorthbound(Random& random);

    bool read(const std::function<void(const Replica&)>& look) override;
    Status transact(const Json& operations) override;
    std::optional<std::int64_t> followed(const Counts& counts) override;
    void on_change(std::function<void()> call) override;
    std::string problem() const override;

    // As if the server were gone, and back with what it held.
    void set_problem(std::string problem);

  private:
    class Transaction;

    Random& random_;
    mutable std::mutex mutex_;
    Replica replica_;  // of itself
    std::function<void()> changed_;
    std::string problem_;
};

}  // namespace lodge::network

// How much of something there may be at a time: in all, and for each guest, so that one that takes all it can
// leaves the others theirs. One thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

namespace lodge::agent {

class GuestBudget {
  public:
    GuestBudget(std::size_t most, std::size_t most_of_a_guest)
        : most_(most), most_of_a_guest_(most_of_a_guest) {}

    // False when there is none left; else it is taken, until as many calls of give().
    bool take(const std::string& guest) {
        if (taken_ >= most_) return false;
        auto& of_guest = of_guests_[guest];
        if (of_guest >= most_of_a_guest_) return false;
        ++of_guest;
        ++taken_;
        return true;
    }
    void give(const std::string& guest) {
        auto found = of_guests_.find(guest);
        if (found == of_guests_.end()) return;
        --taken_;
        if (--found->second == 0) of_guests_.erase(found);
    }

  private:
    const std::size_t most_;
    const std::size_t most_of_a_guest_;
    std::size_t taken_ = 0;
    std::unordered_map<std::string, std::size_t> of_guests_;  // those that have some
};

}  // namespace lodge::agent

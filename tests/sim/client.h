// A client of the API who launches, stops, starts, reboots and ends instances, makes, attaches, detaches,
// enlarges, snapshots and deletes volumes, tries again what had no answer, and remembers what it was
// promised.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "tests/sim/control_plane.h"
#include "tests/sim/dice.h"

namespace lodge::sim {

// Nothing: no answer came, whether or not the request arrived.
using Answer = std::optional<Result<std::string>>;
using Call = std::function<Answer(const std::string& account, const std::string& action, const Words& words)>;

// What all clients of one account were promised.
struct Promises {
    std::map<std::string, std::vector<std::string>> launched;  // instances by ClientToken
    std::set<std::string> tokens;                              // that were used at all
    std::set<std::string> instances;                           // that were named in any answer
    std::set<std::string> terminating;                         // whose end was acknowledged
    std::set<std::string> ended;                               // that have come to it, for whatever reason
    std::set<std::string> volumes;                             // that were named in any answer
    std::set<std::string> deleted;                             // that somebody has tried to delete
    std::set<std::string> attached;                            // that were, when last heard of
    std::set<std::string> snapshots;                           // that were named in any answer
    std::set<std::string> forgotten;                           // that somebody has tried to delete
};

class Client {
  public:
    Client(std::string name, std::string account, Promises& promises, Dice& dice);

    // Does one thing. Returns what it was, and what came of it.
    std::string act(const Call& call);
    // What is wrong with an answer that it got; empty: nothing.
    const std::string& complaint() const { return complaint_; }
    // Whether a launch is still without an answer.
    bool unsettled() const { return open_.has_value(); }
    std::string settle(const Call& call);

  private:
    struct Launch {
        std::string token;
        Words words;
    };

    std::string launch(const Call& call, const Launch& launch);
    std::string change(const Call& call);
    std::string look(const Call& call);
    std::string use_volume(const Call& call);
    std::string use_snapshot(const Call& call);
    std::string make_volume(const Call& call, Words words);
    std::string pick(const std::set<std::string>& ids);
    void note_launched(const std::string& token, const std::vector<std::string>& ids);

    const std::string name_;
    const std::string account_;
    Promises& promises_;
    Dice& dice_;
    std::optional<Launch> open_;
    int launches_ = 0;
    std::string complaint_;
};

// The texts of all elements of that name.
std::vector<std::string> texts_of(const std::string& xml, const std::string& element);

}  // namespace lodge::sim

// How a process ends, for tests of what comes after: what it asks of the world around it passes here, is
// counted, and one such call ends it, or fails it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include "proto/base/result.h"

namespace lodge {

// Thrown out of the call that ends a process: nothing that it would have done next happens.
struct Died {};

class Fate {
  public:
    enum class End {
        never,
        before,   // it dies when it is about to make the call
        after,    // it dies once the call is done
        refused,  // it lives on: the call does nothing, and nobody answers
        unheard,  // it lives on: the call is done, and nobody answers
    };

    Fate() = default;
    // Of the `call`th call, counted from 1.
    Fate(End end, int call) : end_(end), call_(call) {}

    // Makes a call, whose answer is a Status or a Result.
    template <class Call>
    std::invoke_result_t<Call> pass(const std::string& name, Call call) {
        const End end = next(name);
        if (end == End::before) throw Died();
        if (end == End::refused) return nobody_answers(name);
        auto answer = call();
        if (end == End::after) throw Died();
        if (end == End::unheard) return nobody_answers(name);
        return answer;
    }

    // Counts a call, for who makes it and ends in another way; what comes of it.
    End next(const std::string& name) {
        ++made_[name];
        return ++calls_ == call_ ? end_ : End::never;
    }

    // Whether that call has come.
    bool fulfilled() const { return call_ > 0 && calls_ >= call_; }
    int calls() const { return calls_; }
    int calls(const std::string& name) const {
        const auto found = made_.find(name);
        return found == made_.end() ? 0 : found->second;
    }

  private:
    static tl::unexpected<Error> nobody_answers(const std::string& name) {
        return fail(ErrorCode::service_unavailable, "nobody answers " + name);
    }

    End end_ = End::never;
    int call_ = 0;
    int calls_ = 0;
    std::map<std::string, int> made_;
};

inline std::string_view name_of(Fate::End end) {
    switch (end) {
        case Fate::End::never:
            return "lives on";
        case Fate::End::before:
            return "dies before";
        case Fate::End::after:
            return "dies after";
        case Fate::End::refused:
            return "is refused";
        case Fate::End::unheard:
            return "hears no answer to";
    }
    return {};
}

}  // namespace lodge

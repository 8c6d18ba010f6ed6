// Every action's request and response, to be made by name: the generated tables tell all of a struct but how
// to make one.
#pragma once

#include <memory>
#include <string_view>

#include "proto/ec2/actions.h"

namespace lodge::fuzz {

struct Shape {
    std::shared_ptr<void> (*make_request)();
    std::shared_ptr<void> (*make_response)();
};

template <class Struct>
std::shared_ptr<void> make_struct() {
    return std::make_shared<Struct>();
}

// In the order of ec2::actions.
inline constexpr Shape shapes[] = {
#define LODGE_SHAPE(Name, handler) {&make_struct<ec2::Name##Request>, &make_struct<ec2::Name##Response>},
    LODGE_ACTIONS(LODGE_SHAPE)
#undef LODGE_SHAPE
};

// The action of that name; for any other name one of them all the same.
inline std::size_t action_index(std::string_view name) {
    for (std::size_t i = 0; i < ec2::action_count; ++i)
        if (ec2::actions[i].name == name) return i;
    return name.size() % ec2::action_count;
}

}  // namespace lodge::fuzz

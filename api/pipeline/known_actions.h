// The names of all of EC2's public actions, so that one Lodge does not have is told apart from one that never
// was.
#pragma once

#include <string_view>

namespace lodge::api {

bool known_ec2_action(std::string_view name);

}  // namespace lodge::api

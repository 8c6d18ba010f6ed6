// This machine's address as others see it. Any thread.
#pragma once

#include <string>

namespace lodge::agent {

// With which packets to the host of `remote` ("ssl:HOST:PORT") would leave; "127.0.0.1" if there is no way,
// or it is a socket of this machine ("unix:…").
std::string own_address(const std::string& remote);

}  // namespace lodge::agent

// What a program asks of the kernel for itself.
#pragma once

namespace lodge {

// As many descriptors as the process may have: what shells and service managers give at first is fewer than
// the connections that it serves, and those who hold them would keep others out.
void allow_descriptors();

}  // namespace lodge

// Inside api/images only: what qemu-img said when it failed.
#pragma once

#include <string>

#include "api/images/confined.h"

namespace lodge::images {

// Its first line, without its name and ours for the file.
std::string complaint_of(const Finished& finished);

}  // namespace lodge::images

// Inside api/images only: fetch() for web addresses, by libcurl.
#pragma once

#include <string>

#include "api/images/fetch.h"

namespace lodge::images {

Status download(const std::string& url, const FetchHooks& hooks);

}  // namespace lodge::images

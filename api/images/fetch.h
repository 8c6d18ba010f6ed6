// Reads an image's source, a file or a web address, piece by piece. Knows nothing of images.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "api/images/confined.h"
#include "proto/base/result.h"

namespace lodge::images {

struct FetchHooks {
    // Once, before any byte, when the source states how much it holds on disk. An error ends the fetch.
    std::function<Status(std::int64_t bytes)> expect;
    // Every piece in order. An error ends the fetch.
    std::function<Status(std::string_view piece)> write;
    // Now and then; `total_bytes` is 0 while it is not known.
    std::function<void(std::int64_t done_bytes, std::int64_t total_bytes)> progress;
    // Asked before a redirect of a web address is followed; an error ends the fetch. Empty: all are followed.
    std::function<Status(const std::string& url)> may_follow = {};
    Cancelled cancelled;
};

// Whether `source` is a web address ("http://", "https://", "file://") and not a path.
bool is_url(std::string_view source);

// Addresses follow redirects, but only to http and https. `write` is required, the rest may be empty.
// io_failure: the source cannot be read, stalls for a minute, ends early, or `cancelled`. Blocks.
Status fetch(const std::string& source, const FetchHooks& hooks);

// The same of a file that is open for reading at its beginning; messages call it `name`.
Status fetch_open(int file, const std::string& name, const FetchHooks& hooks);

// "file:///a%20b" as "/a b". invalid_input: it names no local file.
Result<std::string> path_of_file_url(std::string_view url);

}  // namespace lodge::images

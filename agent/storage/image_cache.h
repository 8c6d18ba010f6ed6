// The host's copies of images, kernels and ramdisks: <folder>/<sha256>, immutable, readable by QEMU's user.
// Any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/agent/messages.h"
#include "proto/base/result.h"

namespace lodge::agent {

// Writes the content to the new file `into`. What it wrote is checked by the cache.
using FetchImage = std::function<Status(const link::Content& content, const std::filesystem::path& into)>;

class ImageCache {
  public:
    // `folder` exists.
    ImageCache(std::filesystem::path folder, FetchImage fetch);

    // The content's path, once its size and hash have been verified. A copy that was written to since, or is
    // cut short, is fetched again. Threads that want the same content wait for the one that fetches it; a
    // failed fetch leaves nothing.
    Result<std::string> ensure(const link::Content& content);
    // A file of the same file system that has that content for certain, and that nobody will write to,
    // becomes the copy, unless there is one. The file keeps its name as well.
    Status adopt(const link::Content& content, const std::filesystem::path& file);
    // The hashes of all copies.
    Result<std::vector<std::string>> list() const;
    // Success when there is none. Whoever has the file open goes on with it.
    Status remove(const std::string& sha256);
    // Where the content's copy is, or would be.
    std::string path_of(const link::Content& content) const;
    // Whether the copy was verified and not touched since. Waits for nobody.
    bool has(const link::Content& content) const;

  private:
    std::shared_ptr<std::mutex> lock_of(const std::string& sha256);
    bool intact(const link::Content& content) const;
    Status fetch(const link::Content& content) const;
    Status verify(const link::Content& content, const std::filesystem::path& path) const;
    void remember(const link::Content& content) const;

    const std::filesystem::path folder_;
    const FetchImage fetch_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<std::mutex>>
        locks_;  // by hash; one for each content ever asked for
};

}  // namespace lodge::agent

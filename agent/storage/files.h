// Files that are whole or not there, also after a crash. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "proto/base/result.h"

namespace lodge::agent {

// Begins the names of files that are not finished; sweep_temporary() removes them.
inline constexpr const char* temporary_prefix = ".tmp-";

// An open file descriptor with an owner; -1: none.
class Fd {
  public:
    explicit Fd(int fd = -1) : fd_(fd) {}
    ~Fd();
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept;
    int get() const { return fd_; }
    int release();
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_;
};

// io_failure "DOING PATH: what errno says".
Error file_error(const std::string& doing, const std::filesystem::path& path);

Status make_folder(const std::filesystem::path& path, unsigned mode);
// What is in the folder, in any order.
Result<std::vector<std::filesystem::path>> list_folder(const std::filesystem::path& folder);
// Removes a file for good; success when there is none.
Status remove_file(const std::filesystem::path& path);
// Flushes `temporary` to the disk with this mode and gives it its name in the same folder, replacing what has
// it.
Status publish(const std::filesystem::path& temporary, const std::filesystem::path& final, unsigned mode);
// Has `make` write a temporary file of that path and publishes it; after an error nothing of it is left. One
// at a time for the same file.
Status make_whole(const std::filesystem::path& final, unsigned mode,
                  const std::function<Status(const std::filesystem::path& temporary)>& make);
// Writes a small file in that way.
Status write_file(const std::filesystem::path& path, const std::string& bytes, unsigned mode);
// Removes what a crash left unfinished in `folder`.
Status sweep_temporary(const std::filesystem::path& folder);

// Reads at most `size` bytes at `offset`.
Result<std::string> read_at(const Fd& file, const std::filesystem::path& path, std::int64_t offset,
                            std::size_t size);
// Hex.
Result<std::string> sha256_of_file(const std::filesystem::path& path);

}  // namespace lodge::agent

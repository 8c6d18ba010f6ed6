// Inside proto/http only: a file, or one range of it, as the body of a response.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "proto/http/fd.h"

namespace lodge::http {

// Bytes first to last, both included.
struct ByteRange {
    std::uint64_t first;
    std::uint64_t last;
};

enum class RangeKind { whole, part, unsatisfiable };

// What `Range: text` asks of a body of `size` bytes. More than one range, or other units, mean the whole.
RangeKind parse_range(std::string_view text, std::uint64_t size, ByteRange& range);

class FileSlice {
  public:
    // Nothing if it is no readable regular file.
    static std::optional<FileSlice> open(const std::filesystem::path& path);

    std::uint64_t size() const { return size_; }
    std::uint64_t left() const { return end_ - at_; }
    // Cuts the slice down to `range`, which lies within the file.
    void narrow(const ByteRange& range);

    // Fills `chunk` with the next min(left, max_bytes) bytes. False if the file has become shorter, or on a
    // read error.
    bool read(std::string& chunk, std::size_t max_bytes);

  private:
    FileSlice(Fd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size), end_(size) {}

    Fd fd_;
    std::uint64_t size_;
    std::uint64_t at_ = 0;
    std::uint64_t end_;
};

}  // namespace lodge::http

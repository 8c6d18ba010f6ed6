#include "proto/http/file_slice.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "proto/base/number.h"

namespace lodge::http {
namespace {

RangeKind last_bytes(std::uint64_t count, std::uint64_t size, ByteRange& range) {
    if (count == 0 || size == 0) return RangeKind::unsatisfiable;
    range = {size - std::min(count, size), size - 1};
    return RangeKind::part;
}

}  // namespace

RangeKind parse_range(std::string_view text, std::uint64_t size, ByteRange& range) {
    constexpr std::string_view unit = "bytes=";
    if (!text.starts_with(unit)) return RangeKind::whole;
    text.remove_prefix(unit.size());
    auto dash = text.find('-');
    if (dash == std::string_view::npos) return RangeKind::whole;
    auto first = parse_number<std::uint64_t>(text.substr(0, dash));
    auto last = parse_number<std::uint64_t>(text.substr(dash + 1));
    if (dash == 0) return last ? last_bytes(*last, size, range) : RangeKind::whole;
    if (!first || (!last && dash + 1 != text.size())) return RangeKind::whole;
    if (last && *last < *first) return RangeKind::whole;
    if (*first >= size) return RangeKind::unsatisfiable;
    range = {*first, std::min(last.value_or(size - 1), size - 1)};
    return RangeKind::part;
}

std::optional<FileSlice> FileSlice::open(const std::filesystem::path& path) {
    Fd fd(::open(path.c_str(),
                 O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // O_NONBLOCK: for a FIFO in the file's place
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return FileSlice(std::move(fd), static_cast<std::uint64_t>(status.st_size));
}

void FileSlice::narrow(const ByteRange& range) {
    at_ = range.first;
    end_ = range.last + 1;
}

bool FileSlice::read(std::string& chunk, std::size_t max_bytes) {
    auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left(), max_bytes));
    chunk.resize(wanted);
    for (std::size_t got = 0; got < wanted;) {
        auto bytes = ::pread(fd_.get(), chunk.data() + got, wanted - got, static_cast<off_t>(at_));
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes <= 0) return false;
        got += static_cast<std::size_t>(bytes);
        at_ += static_cast<std::uint64_t>(bytes);
    }
    return true;
}

}  // namespace lodge::http

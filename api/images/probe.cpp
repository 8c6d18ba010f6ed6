#include "api/images/probe.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/images/complaint.h"
#include "api/images/content.h"
#include "api/images/foreign.h"
#include "api/images/qcow2.h"

namespace lodge::images {
namespace {

using nlohmann::json;

tl::unexpected<Error> refuse(const std::string& why) {
    return fail(ErrorCode::invalid_input, why);
}

bool is_true(const json& object, const char* name) {
    auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

Result<std::int64_t> file_size(int file) {
    struct stat found {};
    if (::fstat(file, &found) != 0) return fail(ErrorCode::io_failure, "cannot look at the file");
    return found.st_size;
}

Result<std::string> read_at(int file, std::int64_t at, std::size_t most) {
    std::string bytes(most, '\0');
    std::size_t held = 0;
    while (held < most) {
        const auto where = static_cast<off_t>(at) + static_cast<off_t>(held);
        ssize_t got = ::pread(file, bytes.data() + held, most - held, where);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(ErrorCode::io_failure, "cannot read the file");
        if (got == 0) break;
        held += static_cast<std::size_t>(got);
    }
    bytes.resize(held);
    return bytes;
}

Result<std::string> read_tail(int file, std::int64_t size_bytes) {
    const auto most = static_cast<std::int64_t>(foreign_tail_bytes);
    return read_at(file, std::max<std::int64_t>(0, size_bytes - most), foreign_tail_bytes);
}

// Our own look, before any program that parses more than a header gets the file. The virtual size for qcow2.
Result<std::optional<std::uint64_t>> check_head(int file, std::string_view format,
                                                const ProbeOptions& options) {
    LODGE_TRY(std::int64_t size_bytes, file_size(file));
    if (size_bytes == 0) return refuse("the file is empty");
    LODGE_TRY(std::string head, read_head(file, std::max(qcow2_head_bytes, foreign_head_bytes)));
    if (is_foreign(format)) {
        LODGE_TRY(const std::string tail, read_tail(file, size_bytes));
        LODGE_CHECK(check_foreign(format, head, tail, static_cast<std::uint64_t>(size_bytes)));
        return std::nullopt;
    }
    LODGE_CHECK(check_declared_format(format, head));
    if (format != "qcow2") return std::nullopt;
    LODGE_TRY(Qcow2Header header, read_qcow2_header(head));
    LODGE_CHECK(check_qcow2_importable(header, static_cast<std::uint64_t>(size_bytes),
                                       options.max_virtual_size_bytes));
    return header.virtual_size_bytes;
}

Result<DiskFacts> ask_info(int file, const std::string& format, const ProbeOptions& options) {
    LODGE_TRY(Finished info,
              run_confined({options.program, "info", "--output=json", "-f", format, confined_file}, file,
                           options.limits, options.cancelled));
    if (info.exit_code != 0) return refuse("qemu-img cannot read the image: " + complaint_of(info));
    return read_image_info(info.out, format, options.max_virtual_size_bytes);
}

// Walks all metadata: clusters beyond the file's end (a copy cut short) or used twice. Leaks are harmless.
Status ask_check(int file, const std::string& format, const ProbeOptions& options) {
    constexpr int leaks_only = 3;
    LODGE_TRY(Finished check, run_confined({options.program, "check", "-q", "-f", format, confined_file},
                                           file, options.limits, options.cancelled));
    if (check.exit_code == 0 || check.exit_code == leaks_only) return {};
    return refuse(fmt::format(
        "the image is damaged or cut short: {}; copy it again, or mend it: qemu-img check -r all FILE",
        complaint_of(check)));
}

Status judge_data(const json& data) {
    if (data.contains("data-file")) return refuse("the image keeps its data in another file");
    if (data.contains("encrypt")) return refuse("the image is encrypted");
    if (is_true(data, "corrupt")) return refuse("the image is marked as corrupt");
    auto extents = data.find("extents");
    if (extents != data.end() && extents->size() > 1) return refuse("the image names other files");
    return {};
}

}  // namespace

std::string complaint_of(const Finished& finished) {
    std::string line = finished.err.substr(0, finished.err.find('\n'));
    if (line.starts_with("qemu-img: ")) line.erase(0, 10);
    std::string quoted = fmt::format("'{}'", confined_file);
    for (auto at = line.find(quoted); at != std::string::npos; at = line.find(quoted))
        line.replace(at, quoted.size(), "the file");
    return line.empty() ? "it gave no reason" : line;
}

Result<std::string> read_head(int file, std::size_t most) {
    return read_at(file, 0, most);
}

Status check_layer(int file, std::int64_t size_bytes, bool encrypted, std::uint64_t max_virtual_size_bytes) {
    constexpr std::uint32_t luks = 2;
    LODGE_TRY(const std::string head, read_head(file, qcow2_head_bytes));
    LODGE_TRY(Qcow2Header header, read_qcow2_header(head));
    if (header.crypt_method != (encrypted ? luks : 0))
        return refuse("the layer is encrypted in another way than its disk");
    header.crypt_method = 0;  // which no image may have, and a layer may
    return check_qcow2_importable(header, static_cast<std::uint64_t>(size_bytes), max_virtual_size_bytes);
}

Result<DiskFacts> read_image_info(std::string_view text, std::string_view format,
                                  std::uint64_t max_virtual_size_bytes) {
    json info = json::parse(text, nullptr, false);
    if (!info.is_object()) return refuse("qemu-img's answer about the image is not JSON");
    auto named = info.find("format");
    if (named == info.end() || *named != format) return refuse("qemu-img read the image in another format");
    for (const char* name : {"backing-filename", "full-backing-filename"})
        if (info.contains(name)) return refuse("the image rests on a backing file");
    if (is_true(info, "encrypted")) return refuse("the image is encrypted");
    if (is_true(info, "dirty-flag")) return refuse("the image was not closed by its writer");
    auto specific = info.find("format-specific");
    if (specific != info.end() && specific->is_object() && specific->contains("data"))
        LODGE_CHECK(judge_data((*specific)["data"]));
    auto size = info.find("virtual-size");
    if (size == info.end() || !size->is_number_unsigned()) return refuse("qemu-img gave no size of the disk");
    auto size_bytes = size->get<std::uint64_t>();
    if (size_bytes == 0) return refuse("the image's disk has a size of 0");
    if (size_bytes > std::min<std::uint64_t>(max_virtual_size_bytes, INT64_MAX))
        return refuse(fmt::format("the image's disk has {} bytes, over the limit of {}", size_bytes,
                                  max_virtual_size_bytes));
    return DiskFacts{static_cast<std::int64_t>(size_bytes)};
}

Result<DiskFacts> probe_disk(int file, std::string_view format, const ProbeOptions& options) {
    if (format != "qcow2" && format != "raw" && !is_foreign(format))
        return refuse(fmt::format("the format '{}' is not known; Lodge takes qcow2 and raw", format));
    LODGE_TRY(auto in_header, check_head(file, format, options));
    LODGE_TRY(DiskFacts facts, ask_info(file, std::string(format), options));
    if (in_header && *in_header != static_cast<std::uint64_t>(facts.virtual_size_bytes))
        return refuse("qemu-img and the image's header differ over the disk's size");
    const bool has_metadata_to_check = format != "raw" && format != "vpc";
    if (has_metadata_to_check) LODGE_CHECK(ask_check(file, std::string(format), options));
    return facts;
}

}  // namespace lodge::images

#include "api/images/convert.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/images/complaint.h"

namespace lodge::images {
namespace {

using nlohmann::json;

// The disk as QEMU's block layer takes it: each file and its format, and what it lies on. A null keeps QEMU
// from what a header may name.
json describe_disk(const std::vector<ConvertPart>& parts) {
    json below;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        json node = {{"driver", parts[i].format},
                     {"file", {{"driver", "file"}, {"filename", confined_path(i)}}}};
        if (parts[i].format == "qcow2" || parts[i].format == "vmdk") node["backing"] = below;
        below = std::move(node);
    }
    return below;
}

std::vector<std::string> command_of(const std::vector<ConvertPart>& parts, const std::string& format,
                                    const std::string& program) {
    const auto comma = format.find(',');
    std::vector<std::string> words = {program, "convert", "-p", "-O", format.substr(0, comma)};
    if (comma != std::string::npos) words.insert(words.end(), {"-o", format.substr(comma + 1)});
    words.push_back("json:" + describe_disk(parts).dump());
    words.push_back(confined_path(parts.size()));
    return words;
}

// "    (12.34/100%)\r", again and again: the last one.
std::int64_t per_cent_of(const std::string& said) {
    const auto at = said.rfind('(');
    return at == std::string::npos ? 0 : std::strtol(said.c_str() + at + 1, nullptr, 10);
}

}  // namespace

Status convert_disk(const std::vector<ConvertPart>& parts, int target, const std::string& format,
                    const ConvertOptions& options) {
    Limits limits;
    limits.cpu_s = 2 * 3600;
    limits.wall_ms = 6 * 3'600'000;
    limits.open_files = 256;
    limits.file_bytes = options.most_bytes;
    ConfinedFiles files;
    for (const auto& part : parts) files.readable.push_back(part.file);
    files.writable = target;
    const Said said = [&](const std::string& out) {
        if (options.progress) options.progress(per_cent_of(out));
    };
    LODGE_TRY(const Finished done, run_confined(command_of(parts, format, options.program), files, limits,
                                                options.cancelled, said));
    if (done.exit_code == 0) return {};
    return fail(ErrorCode::invalid_input, "qemu-img cannot convert the disk: " + complaint_of(done));
}

}  // namespace lodge::images

#include "agent/domain/disk_file.h"

#include "proto/base/number.h"

namespace lodge::agent {
namespace {

constexpr std::string_view disk_extension = ".qcow2";
constexpr std::string_view mark_extension = ".flat";

// As name_of() writes it, and no other way.
std::optional<std::int64_t> parse_later(std::string_view text) {
    const auto number = lodge::parse_number<std::int64_t>(text);
    return number && *number > 0 && std::to_string(*number) == text ? number : std::nullopt;
}

std::string name_of(const VolumeId& volume_id, std::int64_t number, std::string_view extension) {
    std::string name = volume_id.str();
    if (number > 0) name += "." + std::to_string(number);
    return name.append(extension);
}

std::optional<DiskFile> parse_name(std::string_view path, std::string_view extension) {
    std::string_view name = path.substr(path.find_last_of('/') + 1);
    if (!name.ends_with(extension)) return std::nullopt;
    name.remove_suffix(extension.size());
    const std::size_t dot = name.find('.');
    auto id = VolumeId::parse(name.substr(0, dot));
    const auto number =
        dot == std::string_view::npos ? std::optional<std::int64_t>(0) : parse_later(name.substr(dot + 1));
    if (!id || !number) return std::nullopt;
    return DiskFile{std::move(*id), *number};
}

}  // namespace

std::string disk_file_name(const VolumeId& volume_id, std::int64_t number) {
    return name_of(volume_id, number, disk_extension);
}

std::optional<DiskFile> parse_disk_file(std::string_view path) {
    return parse_name(path, disk_extension);
}

std::string flat_mark_name(const VolumeId& volume_id, std::int64_t number) {
    return name_of(volume_id, number, mark_extension);
}

std::optional<DiskFile> parse_flat_mark(std::string_view path) {
    return parse_name(path, mark_extension);
}

}  // namespace lodge::agent

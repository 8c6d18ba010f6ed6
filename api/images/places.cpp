#include "api/images/places.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "api/images/fetch.h"
#include "proto/base/encoding.h"
#include "proto/base/letters.h"

namespace lodge::images {
namespace {

namespace fs = std::filesystem;

template <class... Args>
tl::unexpected<Error> refuse(fmt::format_string<Args...> text, Args&&... args) {
    return fail(ErrorCode::invalid_parameter_value, fmt::format(text, std::forward<Args>(args)...));
}

using CurlUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part_of(const CurlUrl& url, CURLUPart part, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return "";
    std::string found(text);
    curl_free(text);
    return found;
}

// Each part of a path is a plain name: no server and no file system takes it for a step upwards.
bool is_plain_path(std::string_view path) {
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        const auto name = path.substr(0, slash);
        if (name == "." || name == "..") return false;
        path.remove_prefix(std::min(path.size(), slash + 1));
    }
    return true;
}

bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f || c == '\\';
    });
}

bool is_web(std::string_view url) {
    return url.starts_with("http://") || url.starts_with("https://");
}

// Whether `path` is `place` or lies below it.
bool lies_below(std::string_view path, std::string_view place) {
    if (!path.starts_with(place)) return false;
    return place.ends_with('/') || path.size() == place.size() || path[place.size()] == '/' ||
           path[place.size()] == '?';
}

Result<fs::path> parse_folder(const std::string& text) {
    const fs::path path(text);
    if (!path.is_absolute() || !is_plain_path(text) || !is_printable(text))
        return fail(ErrorCode::invalid_input, "'" + text + "' is not an absolute path of a folder");
    if (path == path.root_path())
        return fail(ErrorCode::invalid_input, "'" + text + "' is everything there is: name a folder in it");
    auto folder = path.lexically_normal();
    return folder.has_filename() ? folder : folder.parent_path();
}

Status add_place(Places& places, const std::string& place) {
    if (place.starts_with("file://")) {
        LODGE_TRY(const std::string path, path_of_file_url(place));
        LODGE_TRY(auto folder, parse_folder(path));
        places.folders.push_back(std::move(folder));
        return {};
    }
    auto url = canonical_url(place);
    if (!url || url->find('?') != std::string::npos)
        return fail(ErrorCode::invalid_input,
                    "'" + place + "' is not the address of a folder on a web server");
    places.urls.push_back(std::move(*url));
    return {};
}

Result<std::pair<std::string, std::string>> parse_bucket(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        return fail(ErrorCode::invalid_input,
                    "'" + text + "' is not a bucket's name and its place, NAME=PLACE");
    return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<Source> find_file(const Places& places, const std::string& url) {
    auto path = path_of_file_url(url);
    if (!path || !is_plain_path(*path) || !is_printable(*path))
        return refuse("The Url '{}' names no file, or does so in a roundabout way.", url);
    for (const auto& folder : places.folders)
        if (path->size() > folder.string().size() + 1 && lies_below(*path, folder.string()))
            return Source{folder, path->substr(folder.string().size() + 1), ""};
    return refuse(
        "The file '{}' is in no folder that images may be imported from: the operator allows one by "
        "lodged's --import-folder.",
        *path);
}

Result<Source> find_web(const Places& places, const std::string& url) {
    LODGE_TRY(auto canonical, canonical_url(url));
    LODGE_CHECK(check_allowed(places, canonical));
    return Source{{}, "", std::move(canonical)};
}

}  // namespace

Result<std::string> canonical_url(const std::string& url) {
    const CurlUrl parsed(curl_url(), &curl_url_cleanup);
    const bool read =
        curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_DISALLOW_USER) == CURLUE_OK;
    const auto decoded = percent_decode(part_of(parsed, CURLUPART_PATH), false);
    if (!read || !is_web(url) || !decoded || !is_plain_path(*decoded) || !is_printable(*decoded))
        return refuse("'{}' is not an address that images are imported from.", url);
    const auto host = lower_case(part_of(parsed, CURLUPART_HOST));
    auto text = part_of(parsed, CURLUPART_SCHEME) + "://" + host + ":" +
                part_of(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT) + part_of(parsed, CURLUPART_PATH);
    const auto query = part_of(parsed, CURLUPART_QUERY);
    return query.empty() ? text : text + "?" + query;
}

Status check_allowed(const Places& places, const std::string& web_url) {
    LODGE_TRY(const auto canonical, canonical_url(web_url));
    for (const auto& place : places.urls)
        if (lies_below(canonical, place)) return {};
    return refuse(
        "The address '{}' is not one that images may be imported from: the operator allows one, with "
        "all below it, by lodged's --import-url.",
        web_url);
}

Result<Places> parse_places(const std::vector<std::string>& folders, const std::vector<std::string>& urls,
                            const std::vector<std::string>& import_buckets,
                            const std::vector<std::string>& export_buckets) {
    Places places;
    for (const auto& text : folders) {
        LODGE_TRY(auto folder, parse_folder(text));
        places.folders.push_back(std::move(folder));
    }
    for (const auto& text : urls) LODGE_CHECK(add_place(places, text));
    for (const auto& text : import_buckets) {
        LODGE_TRY(auto bucket, parse_bucket(text));
        LODGE_CHECK(add_place(places, bucket.second));
        if (bucket.second.ends_with('/')) bucket.second.pop_back();
        places.import_buckets.insert(std::move(bucket));
    }
    for (const auto& text : export_buckets) {
        LODGE_TRY(auto bucket, parse_bucket(text));
        LODGE_TRY(auto folder, parse_folder(bucket.second));
        places.export_buckets.emplace(bucket.first, std::move(folder));
    }
    return places;
}

Result<Source> find_source(const Places& places, const std::string& url) {
    constexpr std::string_view s3 = "s3://";
    if (url.starts_with("file://")) return find_file(places, url);
    if (is_web(url)) return find_web(places, url);
    if (!url.starts_with(s3))
        return refuse("The Url '{}' begins with none of file, http, https and s3.", url);
    const auto slash = std::min(url.find('/', s3.size()), url.size());
    return find_object(places, url.substr(s3.size(), slash - s3.size()),
                       url.substr(std::min(url.size(), slash + 1)));
}

Result<Source> find_object(const Places& places, const std::string& bucket, const std::string& key) {
    const auto found = places.import_buckets.find(bucket);
    if (found == places.import_buckets.end())
        return refuse(
            "There is no bucket '{}' to import from: the operator says where one is by lodged's "
            "--import-bucket.",
            bucket);
    if (key.empty()) return refuse("The key of an object in the bucket '{}' is missing.", bucket);
    return find_source(places, found->second + "/" + percent_encode(key, true));
}

Result<Target> find_target(const Places& places, const std::string& bucket, const std::string& prefix) {
    const auto found = places.export_buckets.find(bucket);
    if (found == places.export_buckets.end())
        return refuse(
            "There is no bucket '{}' to export to: the operator says which folder is one by lodged's "
            "--export-bucket.",
            bucket);
    if (prefix.starts_with('/') || prefix.find("//") != std::string::npos || !is_plain_path(prefix) ||
        !is_printable(prefix))
        return refuse("The S3Prefix '{}' does not begin a file's name.", prefix);
    return Target{found->second, prefix};
}

Result<Descriptor> open_below(const fs::path& folder, const std::string& file) {
    auto refused = [&] {
        const int why = errno;
        return fail(ErrorCode::invalid_input,
                    fmt::format("cannot open '{}': {}", file,
                                why == EXDEV ? "it leads out of the folder it is in"
                                             : std::generic_category().message(why)));
    };
    const Descriptor below(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!below.open()) return refused();
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    Descriptor opened(static_cast<int>(::syscall(SYS_openat2, below.get(), file.c_str(), &how, sizeof how)));
    if (!opened.open()) return refused();
    return opened;
}

}  // namespace lodge::images

// Where lodged may take disk images from, and put them: what the operator's configuration allows, and nothing
// else.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "api/images/descriptor.h"
#include "proto/base/result.h"

namespace lodge::images {

struct Places {
    std::vector<std::filesystem::path> folders;  // absolute, to import from
    std::vector<std::string> urls;               // as canonical_url() makes them, each with all below it
    std::map<std::string, std::string> import_buckets;  // to an address, "file:///…" or "https://…"
    std::map<std::string, std::filesystem::path> export_buckets;
};

// As the operator names them; buckets are "NAME=PLACE". What an import bucket is mapped to is allowed by
// that. InvalidInput says what is wrong.
Result<Places> parse_places(const std::vector<std::string>& folders, const std::vector<std::string>& urls,
                            const std::vector<std::string>& import_buckets,
                            const std::vector<std::string>& export_buckets);

// An allowed source: a file below a folder, or else an address.
struct Source {
    std::filesystem::path folder;
    std::string file;
    std::string url;
};

// Where "file:///…", "http(s)://…" or "s3://BUCKET/KEY" leads; the object of a bucket. InvalidParameterValue
// for what is not allowed, which says how to allow it. Says nothing of whether it is there.
Result<Source> find_source(const Places& places, const std::string& url);
Result<Source> find_object(const Places& places, const std::string& bucket, const std::string& key);

// A web address in one spelling, without dots in its path. InvalidParameterValue: it is none, names a user,
// or hides dots.
Result<std::string> canonical_url(const std::string& url);
Status check_allowed(const Places& places, const std::string& web_url);

// Where ExportImage's bucket and prefix lead: a folder, and a path in it that ends with the start of a file's
// name, or is empty. InvalidParameterValue as above.
struct Target {
    std::filesystem::path folder;
    std::string prefix;
};
Result<Target> find_target(const Places& places, const std::string& bucket, const std::string& prefix);

// Opens what lies below the folder, and not elsewhere: neither by dots nor by symbolic links does it leave
// it. invalid_input: it is not there, not readable, or elsewhere.
Result<Descriptor> open_below(const std::filesystem::path& folder, const std::string& file);

}  // namespace lodge::images

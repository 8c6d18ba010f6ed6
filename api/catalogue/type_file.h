// One TOML file of instance types, read and checked key by key but not yet merged with others.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "api/catalogue/type_keys.h"
#include "proto/base/result.h"

namespace lodge::catalogue {

// A table of the file: what it sets, by key, and where it begins ("FILE:LINE").
struct Entry {
    std::map<std::string, Setting> settings;
    std::string place;
};

struct Family {
    Entry common;
    std::map<std::string, Entry> sizes;
};

struct TypeFile {
    Entry defaults;
    std::map<std::string, Family> families;
};

// Errors: io_failure, or invalid_input with file, line and key. Any thread.
Result<TypeFile> read_type_file(const std::filesystem::path& path);

// Puts `from` over `into`: keys that both have take `from`'s value.
void merge(Entry& into, const Entry& from);
void merge(TypeFile& into, const TypeFile& from);

}  // namespace lodge::catalogue

// Records found by ID, kept until the store changes: clients that wait for a state ask for the same ones over
// and over, and one record costs several queries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace lodge::describe {

// Any thread. A record stands for one version of the database (Database::version()).
class RecordCache {
  public:
    // Null: not known of that version. `key` says which kind of record, too.
    std::shared_ptr<const void> find(std::int64_t version, const std::string& key) {
        std::lock_guard lock(mutex_);
        if (version != version_) return nullptr;
        auto found = records_.find(key);
        return found == records_.end() ? nullptr : found->second;
    }
    // What was read after `version` was asked for.
    void put(std::int64_t version, const std::string& key, std::shared_ptr<const void> record) {
        std::unordered_map<std::string, std::shared_ptr<const void>> old;  // freed without the lock
        std::lock_guard lock(mutex_);
        if (version < version_) return;
        if (version > version_ || records_.size() >= most) old.swap(records_);
        version_ = version;
        records_[key] = std::move(record);
    }

  private:
    static constexpr std::size_t most = 1'024;

    std::mutex mutex_;
    std::int64_t version_ = 0;
    std::unordered_map<std::string, std::shared_ptr<const void>> records_;
};

}  // namespace lodge::describe

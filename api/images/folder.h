// The folder of images: content named by its SHA-256, and `incoming/` for what is still being received.
//
// Importers and removers hold each other off with flock(2) on `incoming/`: everyone who receives or places
// content holds it shared from before the placing until lodged has answered, whoever removes content holds it
// exclusively and asks again whether it is used. Thus nobody removes what another is about to register.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/images/confined.h"
#include "api/images/descriptor.h"
#include "proto/base/random.h"
#include "proto/base/result.h"

namespace lodge::images {

// A file in `incoming/` that nobody else sees; unlinked when this goes. One thread at a time.
class IncomingFile {
  public:
    ~IncomingFile();
    IncomingFile(const IncomingFile&) = delete;
    IncomingFile& operator=(const IncomingFile&) = delete;

    // Appends. Long runs of zeros become holes. io_failure: the disk is full or broken.
    Status write(std::string_view bytes);
    // In place of write(): reads what another program wrote to fd(), from its beginning to its end.
    // io_failure: it cannot be read, or `cancelled`.
    Status take_in(const Cancelled& cancelled);
    // After the last write: sets the length, makes it durable and readable for all (mode 0644).
    Status finish();

    // Open for reading and writing.
    int fd() const { return fd_.get(); }
    std::int64_t size_bytes() const { return size_bytes_; }
    // Of all bytes written, in hexadecimal; valid after finish().
    const std::string& sha256() const { return sha256_; }

  private:
    friend class ImageFolder;
    struct Hash;
    IncomingFile(std::filesystem::path path, Descriptor fd);

    std::filesystem::path path_;
    Descriptor fd_;
    std::int64_t size_bytes_ = 0;
    std::unique_ptr<Hash> hash_;
    std::string sha256_;
};

class ImageFolder {
  public:
    // Makes `incoming/` if it is missing, takes the lock, and removes what importers that were killed left.
    // io_failure says which permission is missing.
    static Result<ImageFolder> open(const std::filesystem::path& image_dir);

    Result<std::unique_ptr<IncomingFile>> receive(Random& random);

    // Bytes that can still be written to the folder.
    Result<std::int64_t> free_bytes() const;

    enum class Placed { made, was_there };
    // Names a finished file by its hash, durably. `was_there`: the same content is there already.
    Result<Placed> place(const IncomingFile& file);

    // Removes content unless `in_use`, asked while no other importer is at work, says it is used. Leaves it
    // when another importer is: lodged sweeps unused content anyway. True: removed.
    bool remove_unless(const std::string& sha256, const std::function<bool()>& in_use);

  private:
    ImageFolder(std::filesystem::path dir, Descriptor lock) : dir_(std::move(dir)), lock_(std::move(lock)) {}
    void sweep();

    std::filesystem::path dir_;
    Descriptor lock_;  // incoming/, held shared
};

// Removes content that `in_use`, asked while no importer is at work, says nothing uses and that is older than
// `spare`: what was put there by hand has so long to be registered. Does nothing while an importer is at
// work. How many files went.
std::size_t remove_unused_content(const std::filesystem::path& image_dir, std::chrono::seconds spare,
                                  const std::function<bool(const std::string& sha256)>& in_use);

}  // namespace lodge::images

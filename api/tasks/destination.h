// A file that an export writes into an operator's folder: there whole, or not at all.
#pragma once

#include <memory>
#include <string>

#include "api/images/descriptor.h"
#include "api/images/places.h"

namespace lodge::api::tasks {

// One thread. Gone without finish(), nothing of it is left but the folders it made.
class Destination {
  public:
    // Makes the prefix's folders below the target's, and in the last one a file that is hidden until it is
    // finished. One that an earlier run for the same `name` left is removed. io_failure: it cannot be made.
    static Result<std::unique_ptr<Destination>> open(const images::Target& target, const std::string& name);
    ~Destination();
    Destination(const Destination&) = delete;
    Destination& operator=(const Destination&) = delete;

    // Empty, open for reading and writing.
    int fd() const { return file_.get(); }
    // io_failure: less than this, and some to spare, can still be written.
    Status check_room(std::int64_t needed_bytes) const;
    // Makes it durable, the folder's owner's, and gives it its name.
    Status finish();

  private:
    Destination(images::Descriptor folder, std::string name)
        : folder_(std::move(folder)), name_(std::move(name)) {}
    std::string hidden_name() const { return "." + name_ + ".part"; }

    images::Descriptor folder_;
    images::Descriptor file_;
    const std::string name_;
};

}  // namespace lodge::api::tasks

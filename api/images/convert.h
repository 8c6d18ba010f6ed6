// Writes a disk in another format, by qemu-img with the limits of run_confined: what was fetched from abroad
// as a layer of Lodge's, or an image with all its layers as one file for other hypervisors.
#pragma once

#include <string>
#include <vector>

#include "api/images/confined.h"
#include "proto/base/result.h"

namespace lodge::images {

// One file of a disk. Whatever its header says it lies on is not opened.
struct ConvertPart {
    int file;  // open for reading; as root readable by `nobody`
    std::string format;
};

struct ConvertOptions {
    std::string program = "qemu-img";
    std::int64_t most_bytes = 0;  // that the target may grow to
    Cancelled cancelled = {};
    std::function<void(std::int64_t per_cent)> progress = {};
};

// Writes the disk whose uppermost file is the last of `parts`, each lying on the one before it, to `target`,
// an empty file that is open for writing. `format` is qemu-img's name, with options behind a comma:
// "vpc,subformat=dynamic". On an error the target holds anything. invalid_input: qemu-img cannot read the
// disk; io_failure: it cannot be run, or `cancelled`. Blocks for as long as it takes, six hours at most.
Status convert_disk(const std::vector<ConvertPart>& parts, int target, const std::string& format,
                    const ConvertOptions& options);

}  // namespace lodge::images

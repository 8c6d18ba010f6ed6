// What RegisterImage, CreateImage and CopyImage share.
#pragma once

#include <string>
#include <vector>

#include "api/actions/block_devices.h"
#include "api/pipeline/context.h"
#include "proto/ec2/images.h"
#include "proto/model/image.h"

namespace lodge::api {

// A new, private one of the account's in the request's region, in no store yet. Errors:
// InvalidAMIName.Malformed, .Duplicate.
Result<Image> new_image(db::Session& session, const RequestContext& context, const std::string& name);

// What `source` has in it, but not its disks: content, kernel, ramdisk and boot mode. They must be the
// account's to use in the request's region: check_part()'s errors.
Status take_content(db::Session& session, const RequestContext& context, const Image& source, Image& image);
Status check_parts(db::Session& session, const RequestContext& context, const Image& image);

// What a request that makes an image and snapshots calls them.
struct ImageTags {
    std::vector<ec2::Tag> image;
    std::vector<ec2::Tag> snapshot;
};
Result<ImageTags> image_tags(const std::vector<ec2::TagSpecification>& specifications);

// The disk of an image that a mapping makes, of a snapshot or empty: find_completed_snapshot()'s errors,
// InvalidBlockDeviceMapping, and those of its shape.
Result<ImageDisk> disk_of_mapping(db::Session& session, const RequestContext& context,
                                  const ec2::ImageDeviceRequest& mapping);

}  // namespace lodge::api

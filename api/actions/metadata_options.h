// How the metadata service answers an instance: options of a launch, of an instance, of an account. Source:
// Amazon EC2 User Guide, "Order of precedence for instance metadata configuration".
#pragma once

#include <string>
#include <vector>

#include "api/pipeline/context.h"
#include "proto/ec2/instances.h"
#include "proto/model/instance.h"
#include "proto/model/tag.h"

namespace lodge::api {

// What the request says, else what the account prefers, else EC2's own defaults.
MetadataOptions launch_options(db::Session& session, const RequestContext& context,
                               const std::optional<ec2::MetadataOptionsRequest>& request);

ec2::InstanceMetadataOptionsResponse to_ec2(const MetadataOptions& options);

// Tags that the metadata service serves are paths: InvalidParameterValue for a key that cannot be one.
Status check_metadata_key(const std::string& key);

}  // namespace lodge::api

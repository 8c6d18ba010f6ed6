// What a launch template holds: a part of a RunInstances request, kept as a form. Source: EC2 user guide,
// "Launch instances from a launch template".
#pragma once

#include <string>
#include <vector>

#include "api/pipeline/context.h"
#include "proto/ec2/launch_templates.h"
#include "proto/model/launch_template.h"

namespace lodge::api {

// As it is kept, once RunInstances' own table, and what does not depend on the store, have nothing against
// it: the errors of a launch that name the parameter, InvalidUserData.Malformed.
Result<std::string> write_template_data(const ec2::LaunchTemplateData& data);
Result<ec2::LaunchTemplateData> read_template_data(const std::string& kept);

// The data that a version is made of which says `changes` and is as `source` for the rest.
Result<ec2::LaunchTemplateData> changed_template_data(const std::string& source,
                                                      const ec2::LaunchTemplateData& changes);

// A launch with this data and nothing else; one instance.
Result<ec2::RunInstancesRequest> launch_of(const std::string& kept);

// The request over the data: what it says itself wins. Tags come together, key by key.
Result<ec2::RunInstancesRequest> launch_over(const std::string& kept,
                                             const ec2::RunInstancesRequest& request);

// What is to be launched, and the tags that say by which template: none if the request names none.
struct TemplatedLaunch {
    ec2::RunInstancesRequest request;
    std::vector<ec2::Tag> tags;
};
// Errors of the template's name and version, and of the data that is not launched any more.
Result<TemplatedLaunch> with_template(RequestContext& context, const ec2::RunInstancesRequest& request);

// What would keep the data from being launched, as far as it can be told now; nothing if all is well.
std::optional<ec2::ValidationWarning> warning_of(db::Session& session, const RequestContext& context,
                                                 const std::string& kept);

}  // namespace lodge::api

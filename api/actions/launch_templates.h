// Finding launch templates and their versions.
#pragma once

#include <optional>
#include <string>

#include "api/pipeline/context.h"
#include "proto/ec2/launch_templates.h"
#include "proto/model/launch_template.h"

namespace lodge::api {

// One of the account's, by ID or by name. Errors: InvalidLaunchTemplateId.*, InvalidLaunchTemplateName.*,
// MissingParameter for neither, InvalidParameterCombination for both.
Result<LaunchTemplate> find_launch_template(db::Session& session, const RequestContext& context,
                                            const std::optional<std::string>& id,
                                            const std::optional<std::string>& name);

// The number that "$Default", "$Latest" or digits mean; InvalidParameterValue for anything else.
Result<std::int64_t> version_number(const LaunchTemplate& record, const std::string& text);

// InvalidLaunchTemplateId.VersionNotFound for a version that is not there.
Result<LaunchTemplateVersion> find_template_version(db::Session& session, const LaunchTemplate& record,
                                                    const std::string& text);

std::string creator_of(const LaunchTemplate& record);

}  // namespace lodge::api

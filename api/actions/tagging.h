// Tags as requests give them. Source: EC2 user guide, "Tag restrictions".
#pragma once

#include <string_view>
#include <vector>

#include "api/pipeline/context.h"
#include "proto/ec2/common.h"
#include "proto/model/tag.h"

namespace lodge::api {

inline constexpr std::size_t max_tags = 50;

// Whether only EC2 itself may give tags of that key: those that begin with "aws:".
bool is_reserved(std::string_view key);
Status check_not_reserved(std::string_view key);

// Keys have 1 to 128 characters and not the prefix "aws:", values up to 256, no key is there twice, at
// most 50.
Status check_tags(const std::vector<ec2::Tag>& tags);

// The tags that a TagSpecification list gives to resources of `type`. A specification for a type that is not
// among `fitting` is InvalidParameterValue.
Result<std::vector<ec2::Tag>> tags_for(const std::vector<ec2::TagSpecification>& specifications,
                                       std::string_view type,
                                       std::initializer_list<std::string_view> fitting);

// Gives a new resource its tags; returns them as the reply shows them.
std::vector<ec2::Tag> put_tags(db::Session& session, const RequestContext& context,
                               std::string_view resource_id, std::string_view type,
                               const std::vector<ec2::Tag>& tags);

// With those of another resource whose keys are not there yet, but for EC2's own. check_tags()'s errors.
Result<std::vector<ec2::Tag>> with_more_tags(std::vector<ec2::Tag> tags, const std::vector<Tag>& of_another);

std::vector<ec2::Tag> to_ec2(const std::vector<Tag>& tags);

}  // namespace lodge::api

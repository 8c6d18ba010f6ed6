#include "api/actions/tagging.h"

#include <algorithm>
#include <set>

#include "db/store/tags.h"
#include "proto/base/letters.h"

namespace lodge::api {
namespace {

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Status check_tag(const ec2::Tag& tag) {
    const auto key = tag.key.value_or("");
    if (key.empty()) return fail(ErrorCode::invalid_parameter_value, "Tag key cannot be empty.");
    if (characters(key) > 128)
        return fail(ErrorCode::invalid_parameter_value,
                    "Tag key exceeds the maximum length of 128 characters.");
    LODGE_CHECK(check_not_reserved(key));
    if (characters(tag.value.value_or("")) > 256)
        return fail(ErrorCode::invalid_parameter_value,
                    "Tag value exceeds the maximum length of 256 characters.");
    return {};
}

}  // namespace

bool is_reserved(std::string_view key) {
    return equal_but_for_case(key.substr(0, 4), "aws:");
}

Status check_not_reserved(std::string_view key) {
    if (!is_reserved(key)) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "Tag keys starting with 'aws:' are reserved for internal use.");
}

Status check_tags(const std::vector<ec2::Tag>& tags) {
    std::set<std::string> keys;
    for (const auto& tag : tags) {
        LODGE_CHECK(check_tag(tag));
        if (!keys.insert(*tag.key).second)
            return fail(ErrorCode::invalid_parameter_value,
                        "Duplicate tag key '" + *tag.key + "' specified.");
    }
    if (tags.size() > max_tags) return fail(ErrorCode::tag_limit_exceeded, std::to_string(max_tags));
    return {};
}

Result<std::vector<ec2::Tag>> tags_for(const std::vector<ec2::TagSpecification>& specifications,
                                       std::string_view type,
                                       std::initializer_list<std::string_view> fitting) {
    std::vector<ec2::Tag> found;
    for (const auto& specification : specifications) {
        const auto& named = specification.resource_type;
        if (!named) return fail(ErrorCode::missing_parameter, "TagSpecification.ResourceType");
        if (std::find(fitting.begin(), fitting.end(), *named) == fitting.end())
            return fail(ErrorCode::invalid_parameter_value,
                        "'" + *named + "' is not a valid taggable resource type for this operation.");
        LODGE_CHECK(check_tags(specification.tag));
        if (*named == type) found.insert(found.end(), specification.tag.begin(), specification.tag.end());
    }
    LODGE_CHECK(check_tags(found));
    return found;
}

std::vector<ec2::Tag> put_tags(db::Session& session, const RequestContext& context,
                               std::string_view resource_id, std::string_view type,
                               const std::vector<ec2::Tag>& tags) {
    for (const auto& tag : tags) {
        db::tags::put(session, context.account_id, context.region,
                      {std::string(resource_id), std::string(type), *tag.key, tag.value.value_or("")});
    }
    return to_ec2(db::tags::of(session, context.account_id, resource_id));
}

Result<std::vector<ec2::Tag>> with_more_tags(std::vector<ec2::Tag> tags, const std::vector<Tag>& of_another) {
    const auto given = tags;
    for (const auto& tag : of_another) {
        const bool said = std::any_of(given.begin(), given.end(),
                                      [&](const ec2::Tag& each) { return each.key == tag.key; });
        if (!said && !is_reserved(tag.key)) tags.push_back({tag.key, tag.value});
    }
    LODGE_CHECK(check_tags(tags));
    return tags;
}

std::vector<ec2::Tag> to_ec2(const std::vector<Tag>& tags) {
    std::vector<ec2::Tag> out;
    for (const auto& tag : tags) out.push_back({tag.key, tag.value});
    return out;
}

}  // namespace lodge::api

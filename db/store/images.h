#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/image.h"

namespace lodge::db::images {

void insert(Session& session, const Image& image);
void set_state(Session& session, const ImageId& id, ImageState state);

// Images an account may see in a region: its own and public ones. A deregistered one is not seen.
std::optional<Image> find_visible(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view id);
std::vector<Image> list_visible(Session& session, const AccountId& account_id, std::string_view region);
std::optional<Image> find_by_name(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view name);
// Content that an account may register again: some image it sees has it.
std::optional<Image> find_visible_content(Session& session, const AccountId& account_id,
                                          std::string_view sha256);

// The operator's view, deregistered ones too.
std::optional<Image> find_any(Session& session, std::string_view id);
std::vector<Image> list_all(Session& session);
// Content that an available image or a living instance needs; other files of the image folder may go.
bool content_in_use(Session& session, std::string_view sha256);

}  // namespace lodge::db::images

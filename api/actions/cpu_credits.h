// The credit option of burstable types. It is kept and shown; nothing here meters credits, so that no guest
// is slowed down whatever its option.
#pragma once

#include <string>

#include "api/catalogue/catalogue.h"
#include "proto/model/instance.h"

namespace lodge::api {

// What instances of the type begin with; empty for a type that has no credits.
std::string default_credits(const catalogue::InstanceType& type);

// The instance's, also one that it has from an earlier type; empty if it never had any.
std::string credits_of(const catalogue::Catalogue& catalogue, const Instance& instance);

}  // namespace lodge::api

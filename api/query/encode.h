// Struct -> XML, by the IDL's tables, in the shapes of EC2 and of the query services. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/ec2/table.h"

namespace lodge::query {

// How a service writes replies. The EC2 form is EC2's alone; every other service here has the query form.
struct Protocol {
    std::string_view service;
    std::string_view xml_namespace;  // without the trailing version where the service has none
    bool ec2_form;
};

// The protocol of a service by its name in the signature's scope; null for a service Lodge does not have.
const Protocol* find_protocol(std::string_view service);

// A success: `object` is a struct of `action.response`; the EC2 form of an empty one says
// <return>true</return>.
std::string encode_response(const Protocol& protocol, const ec2::ActionTable& action, const void* object,
                            std::string_view request_id);

std::string encode_error(const Protocol& protocol, const Error& error, std::string_view request_id);

// Appends `text` with markup escaped; what XML 1.0 cannot hold (control characters, bytes that
// are not UTF-8) becomes U+FFFD.
void append_escaped(std::string& out, std::string_view text);

}  // namespace lodge::query

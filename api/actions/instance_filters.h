#pragma once

#include "api/actions/instance_view.h"
#include "api/describe/filters.h"

namespace lodge::api {

// Every filter that the EC2 API reference lists for DescribeInstances. Those that look at what a guest here
// has not got (a public DNS name, a placement group) have no values, so they match nothing.
const describe::FilterTable<InstanceRecord>& instance_filters();

// Its part that looks at networks and at the options of metadata and names.
void add_network_filters(describe::FilterTable<InstanceRecord>& table);

}  // namespace lodge::api

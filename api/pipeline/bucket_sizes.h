// How large each action's token buckets are: EC2's published sizes, and what the operator puts in their
// place. Source: EC2 developer guide, "Request throttling for the Amazon EC2 API".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::api {

struct BucketSize {
    double capacity = 0;    // tokens at most, and at the start
    double per_second = 0;  // that come back
};

// Plain data once it is made; any thread reads it.
class BucketSizes {
  public:
    // Replaces sizes, as `lodged --throttle-bucket` gives them: "RunInstances=5:2" an action's requests,
    // "RunInstances/instances=1000:2" the instances it may ask for, "DescribeVolumes/unfiltered=50:10" its
    // listings without filter and page; "non-mutating", "unfiltered", "mutating" and "resource-intensive" all
    // actions of that sort that have no size of their own. InvalidInput for anything else.
    Status put(std::string_view text);

    // Of requests. `unfiltered`: a listing that asks for neither a filter nor a page.
    BucketSize of_requests(std::string_view action, bool unfiltered) const;
    // Of the instances that RunInstances and its like act upon; nothing for actions that count requests
    // alone.
    std::optional<BucketSize> of_instances(std::string_view action) const;

    // Whether listings without filter and page have a bucket of their own.
    static bool counts_unfiltered(std::string_view action);

  private:
    std::optional<BucketSize> given(std::string_view name) const;

    std::map<std::string, BucketSize, std::less<>> given_;
};

}  // namespace lodge::api

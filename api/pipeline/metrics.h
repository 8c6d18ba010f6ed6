// Counters for Prometheus, by its C++ client library.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>
#include <string_view>

namespace lodge::api {

// Thread-safe.
class Metrics {
  public:
    Metrics();
    // One answered request. `action` must be one of a bounded set.
    void count_request(std::string_view action, std::string_view code, double seconds);
    void set_gauge(const std::string& name, const std::string& help, double value);
    // Text exposition format 0.0.4.
    std::string render() const;

  private:
    prometheus::Registry registry_;
    prometheus::Family<prometheus::Counter>& requests_;
    prometheus::Family<prometheus::Histogram>& durations_;
};

}  // namespace lodge::api

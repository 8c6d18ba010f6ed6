#include "api/pipeline/metrics.h"

#include <prometheus/text_serializer.h>

namespace lodge::api {

Metrics::Metrics()
    : requests_(prometheus::BuildCounter()
                    .Name("lodge_requests_total")
                    .Help("API requests answered, by action and error code (OK for none).")
                    .Register(registry_)),
      durations_(prometheus::BuildHistogram()
                     .Name("lodge_request_seconds")
                     .Help("Time from a request's last byte to its answer.")
                     .Register(registry_)) {}

void Metrics::count_request(std::string_view action, std::string_view code, double seconds) {
    requests_.Add({{"action", std::string(action)}, {"code", std::string(code)}}).Increment();
    static const prometheus::Histogram::BucketBoundaries bounds = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                                   0.05,  0.1,    0.5,   1,    5};
    durations_.Add({{"action", std::string(action)}}, bounds).Observe(seconds);
}

void Metrics::set_gauge(const std::string& name, const std::string& help, double value) {
    prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add({}).Set(value);
}

std::string Metrics::render() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace lodge::api

// Requests per second of proto/http against a minimal Beast server, in one run: both with one I/O thread, the
// same client, a handler that answers inline, and a request like the aws command line's. Rounds alternate, so
// that the machine's moods meet both. Prints each server's median and their ratio.
//
//   http_bench [connections=32] [rounds=5] [seconds_per_round=1]
#include <fmt/format.h>

#include "proto/http/server.h"
#include "tests/bench/http_load.h"

namespace {

using namespace lodge::bench;

std::string request_text() {
    const std::string body =
        "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-0123456789abcdef0&InstanceId.2=i-"
        "0123456789abcdef1";
    return fmt::format(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:8773\r\nAccept-Encoding: identity\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        "User-Agent: aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0 exe/x86_64 prompt/off "
        "command/ec2.describe-instances\r\n"
        "X-Amz-Date: 20261123T201300Z\r\n"
        "Authorization: AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20261123/us-east-1/ec2/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature={}\r\nContent-Length: {}\r\n\r\n{}",
        std::string(64, 'a'), body.size(), body);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t connections = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 32;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
    const double seconds = argc > 3 ? std::atof(argv[3]) : 1;

    const std::string answer(200, 'x');
    const auto text = request_text();
    BeastServer bare(answer);
    auto ours = lodge::http::Server::start({}, [&](lodge::http::Request, lodge::http::Reply reply) {
        lodge::http::Response response;
        response.content_type = "text/xml";
        response.body = answer;
        reply(std::move(response));
    });
    if (!ours) {
        fmt::print(stderr, "{}\n", ours.error().message);
        return 1;
    }
    std::vector<double> bare_rates;
    std::vector<double> our_rates;
    for (int i = 0; i < rounds; ++i) {
        bare_rates.push_back(load({bare.port()}, text, connections, seconds).rate);
        our_rates.push_back(load({(*ours)->port()}, text, connections, seconds).rate);
    }
    fmt::print("bare Beast {:.0f}/s  proto/http {:.0f}/s  ratio {:.2f}\n", quantile(bare_rates, 0.5),
               quantile(our_rates, 0.5), quantile(our_rates, 0.5) / quantile(bare_rates, 0.5));
}

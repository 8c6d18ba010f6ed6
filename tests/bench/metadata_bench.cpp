// The metadata service on loopback: requests a second of one guest against a minimal Beast server, and what
// another guest's flood does to the latency of a guest that asks one thing after the other. Guests are
// addresses of 127/8. Rounds alternate, so that the machine's moods meet all.
//
//   bench_metadata [connections=32] [rounds=5] [seconds_per_round=1]
#include <fmt/format.h>

#include <atomic>
#include <filesystem>

#include "agent/metadata/service.h"
#include "tests/bench/http_load.h"
#include "tests/unit/metadata/guests.h"
#include "tests/unit/metadata/sockets.h"
#include "tests/unit/temporary_folder.h"

namespace {

using namespace lodge;
using namespace lodge::bench;

constexpr const char* quiet = "127.0.0.5";
constexpr const char* loud = "127.0.0.6";

std::string get(const std::string& token) {
    return "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: "
           "169.254.169.254\r\nX-aws-ec2-metadata-token: " +
           token + "\r\n\r\n";
}

std::string token_by(const Route& route) {
    int fd = connect_by(route);
    send_all(
        fd,
        "PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\r\n");
    auto reply = receive(fd);
    ::close(fd);
    return reply.substr(reply.find("\r\n\r\n") + 4);
}

// One guest with all the connections that it may have, and as many requests as go.
class Flood {
  public:
    Flood(Route route, std::string text, std::size_t connections) {
        thread_ =
            std::thread([this, route, text, connections] { load(route, text, connections, 3600, &stop_); });
    }
    ~Flood() {
        stop_ = true;
        thread_.join();
    }
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;

  private:
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::size_t connections = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 32;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
    const double seconds = argc > 3 ? std::atof(argv[3]) : 1;

    TemporaryFolder folder;
    SystemClock clock;
    SystemRandom random;
    agent::MetadataOptions options;
    options.folder = folder.path() / "metadata";
    options.port = agent::testing::free_port();
    options.fetch = [](const GuestId&) -> Result<link::LaunchDataReply> { return agent::example_launch(); };
    auto service = agent::MetadataService::start(options, clock, random);
    if (!service) {
        fmt::print(stderr, "{}\n", service.error().message);
        return 1;
    }
    const auto vpc = VpcId::trusted("vpc-0000000000000000a");
    (*service)->set_networks({{vpc, "", 1, {"127.0.0.1"}}});
    (*service)->set_guests(
        {agent::example_guest("00000000000000001", quiet), agent::example_guest("00000000000000002", loud)});
    agent::testing::eventually([&] {
        agent::testing::Socket socket(SOCK_STREAM, quiet);
        return socket.connect("127.0.0.1", options.port);
    });

    const Route from_quiet{options.port, quiet};
    const Route from_loud{options.port, loud};
    const auto text = get(token_by(from_quiet));
    const auto loud_text = get(token_by(from_loud));
    BeastServer bare("i-00000000000000001");
    std::vector<double> bare_rates, our_rates, alone, flooded;
    for (int i = 0; i < rounds; ++i) {
        bare_rates.push_back(load({bare.port()}, text, connections, seconds).rate);
        our_rates.push_back(load(from_quiet, text, connections, seconds).rate);
        alone.push_back(quantile(load(from_quiet, text, 1, seconds).latencies, 0.99));
        Flood flood(from_loud, loud_text, options.connections_of_a_guest);
        flooded.push_back(quantile(load(from_quiet, text, 1, seconds).latencies, 0.99));
    }
    fmt::print("bare Beast {:.0f}/s  metadata {:.0f}/s  ratio {:.2f}\n", quantile(bare_rates, 0.5),
               quantile(our_rates, 0.5), quantile(our_rates, 0.5) / quantile(bare_rates, 0.5));
    fmt::print("p99 of a quiet guest: alone {:.0f} us, beside a flood {:.0f} us, ratio {:.1f}\n",
               quantile(alone, 0.5) * 1e6, quantile(flooded, 0.5) * 1e6,
               quantile(flooded, 0.5) / quantile(alone, 0.5));
}

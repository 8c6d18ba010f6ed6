// The API as a client meets it: a `lodged --simulate` of its own, over loopback, with signed requests. Prints
// each figure with its yardstick of the same run, and whether it keeps DESIGN.md's target; exit status 1 when
// one is missed.
//
//   bench_api LODGED [seconds_per_round=2] [instances=100000]
//
// Yardsticks: a minimal Beast server that answers as many bytes as lodged does; SQLite's own rate of commits
// that append one row with synchronous=FULL, in the folder that the database is in.
#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

#include "api/auth/sigv4.h"
#include "proto/base/encoding.h"
#include "tests/bench/http_load.h"
#include "tests/bench/lodged.h"

namespace lodge::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int rounds = 5;
constexpr int hosts = 250;  // of 64 vCPUs and 256 GiB each
constexpr std::size_t page = 1000;
// What `lodged --simulate` prints.
const auth::Signer signer = {"AKIASIMULATED0000000", "simulated/secret/key/of/no/value/at/all0", "",
                             "us-east-1", "ec2"};

bool failed = false;

void figure(std::string_view name, double value, bool at_least, double target, std::string_view behind) {
    const bool kept = at_least ? value >= target : value <= target;
    failed = failed || !kept;
    fmt::print("{:<56} {:>8.2f} {} {}{}   ({})\n", name, value, at_least ? ">=" : "<=", target,
               kept ? "" : "  MISSED", behind);
    std::fflush(stdout);
}

// --- lodged

// Signs what it is asked, too.
class Lodged : public LodgedProcess {
  public:
    explicit Lodged(const std::string& program)
        : LodgedProcess(program, {"--simulate", std::to_string(hosts), "--cpu-overcommit", "64",
                                  "--public-pool", "100.64.0.0/12"}) {}

    // It listens before it is ready.
    void await_answers() const {
        await();
        const std::string text = request("Action=DescribeInstances&MaxResults=5");
        for (bool ready = false; !ready; std::this_thread::sleep_for(std::chrono::milliseconds(2))) {
            int fd = connect_by({port()});
            send_all(fd, text);
            ready = receive(fd).starts_with("HTTP/1.1 200");
            ::close(fd);
        }
    }

    // A signed request, good for five minutes.
    std::string request(const std::string& parameters) const {
        const std::string body = parameters + "&Version=2016-11-15";
        const std::string host = fmt::format("127.0.0.1:{}", port());
        const std::vector<auth::Header> headers = {
            {"Host", host}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
        const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count();
        const auto added = auth::sign({"POST", "/", headers, body}, signer, now_ms);
        std::string text = "POST / HTTP/1.1\r\n";
        for (const auto& each : headers) text += fmt::format("{}: {}\r\n", each.name, each.value);
        for (const auto& each : *added) text += fmt::format("{}: {}\r\n", each.name, each.value);
        return text + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
    }
};

// One connection, one request after the other.
class Client {
  public:
    explicit Client(const Lodged& lodged) : lodged_(lodged), fd_(connect_by({lodged.port()})) {}
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    std::string call(const std::string& parameters) {
        send_all(fd_, lodged_.request(parameters));
        auto answer = receive(fd_);
        if (!answer.starts_with("HTTP/1.1 200")) {
            fmt::print(stderr, "{}\n{}\n", parameters, answer);
            std::exit(1);
        }
        return answer.substr(answer.find("\r\n\r\n") + 4);
    }
    void launch(std::int64_t count, const std::string& more = "") {
        call(
            fmt::format("Action=RunInstances&ImageId=ami-00000000000000001&InstanceType=t3.nano&MinCount={0}&"
                        "MaxCount={0}{1}",
                        count, more));
    }

  private:
    const Lodged& lodged_;
    const int fd_;
};

std::string element(const std::string& xml, const std::string& name, std::size_t from = 0) {
    auto begin = xml.find("<" + name + ">", from);
    if (begin == std::string::npos) return "";
    begin += name.size() + 2;
    return xml.substr(begin, xml.find('<', begin) - begin);
}

// --- DescribeInstances

void describe_by_id(const Lodged& lodged, double seconds) {
    Client client(lodged);
    const auto launched = client.call(
        "Action=RunInstances&ImageId=ami-00000000000000001&InstanceType=t3.nano&MinCount=1&MaxCount=1");
    const std::string parameters = "Action=DescribeInstances&InstanceId.1=" + element(launched, "instanceId");
    const auto text = lodged.request(parameters);
    BeastServer bare(client.call(parameters));
    std::vector<double> bare_rates;
    std::vector<double> our_rates;
    for (int i = 0; i < rounds; ++i) {
        bare_rates.push_back(load({bare.port()}, text, 32, seconds).rate);
        our_rates.push_back(load({lodged.port()}, text, 32, seconds).rate);
    }
    const double ours = quantile(our_rates, 0.5);
    const double theirs = quantile(bare_rates, 0.5);
    figure("signed DescribeInstances by ID / bare Beast", ours / theirs, true, 0.5,
           fmt::format("{:.0f}/s, Beast {:.0f}/s", ours, theirs));
}

// Pages of 1,000 through all instances, over and over.
void describe_pages(const Lodged& lodged, int pages) {
    Client client(lodged);
    lodged.await_rest();
    std::vector<double> took_ms;
    std::string token;
    double before_mib = 0;
    for (int i = 0; i < pages; ++i) {
        const auto begin = Clock::now();
        const auto answer =
            client.call(fmt::format("Action=DescribeInstances&MaxResults={}{}", page,
                                    token.empty() ? "" : "&NextToken=" + percent_encode(token)));
        took_ms.push_back(seconds_since(begin) * 1e3);
        token = element(answer, "nextToken");
        if (i == pages / 4) before_mib = lodged.resident_mib();
    }
    const double after_mib = lodged.resident_mib();
    const auto answer = client.call(fmt::format("Action=DescribeInstances&MaxResults={}", page));
    BeastServer bare(answer);
    const auto bare_s = load({bare.port()}, lodged.request("Action=DescribeInstances"), 1, 1).latencies;
    figure("a page of 1,000 instances, median ms", quantile(took_ms, 0.5), false, 12,
           fmt::format("p99 {:.1f} ms; {:.1f} MB, which Beast sends in {:.1f} ms", quantile(took_ms, 0.99),
                       static_cast<double>(answer.size()) / 1e6, quantile(bare_s, 0.5) * 1e3));
    figure("memory after the last / after a quarter of the pages", after_mib / before_mib, false, 1.1,
           fmt::format("{} pages, {:.0f} MiB", pages, after_mib));
}

// --- RunInstances

void execute(sqlite3* database, const char* statement) {
    if (sqlite3_exec(database, statement, nullptr, nullptr, nullptr) != SQLITE_OK) std::abort();
}

// Commits a second of one appended row, each durable before the next begins.
double full_commits(const fs::path& folder, double seconds) {
    sqlite3* database = nullptr;
    const auto file = folder / "yardstick.db";
    if (sqlite3_open(file.c_str(), &database) != SQLITE_OK) std::abort();
    execute(database,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t (a, b)");
    const auto begin = Clock::now();
    int commits = 0;
    for (; seconds_since(begin) < seconds; ++commits) execute(database, "INSERT INTO t VALUES (1, 'a row')");
    const double rate = commits / seconds_since(begin);
    sqlite3_close(database);
    return rate;
}

double launches(const Lodged& lodged, const std::string& subnet, std::size_t clients, double seconds) {
    const auto text = lodged.request(
        "Action=RunInstances&ImageId=ami-00000000000000001&InstanceType=t3.nano&MinCount=1&MaxCount=1&"
        "SubnetId=" +
        subnet);
    return load({lodged.port()}, text, clients, seconds).rate;
}

void run_instances(const Lodged& lodged, const std::string& subnet, double seconds) {
    std::vector<double> commits;
    std::vector<double> alone;
    std::vector<double> crowd;
    for (int i = 0; i < rounds; ++i) {
        commits.push_back(full_commits(lodged.folder(), seconds));
        alone.push_back(launches(lodged, subnet, 1, seconds));
        crowd.push_back(launches(lodged, subnet, 64, seconds));
    }
    const double yardstick = quantile(commits, 0.5);
    figure("RunInstances, 64 clients / FULL commits of one row", quantile(crowd, 0.5) / yardstick, true, 1,
           fmt::format("{:.0f}/s, commits {:.0f}/s", quantile(crowd, 0.5), yardstick));
    fmt::print("{:<56} {:>8.2f}   ({:.0f}/s)\n", "RunInstances, 1 client / the same",
               quantile(alone, 0.5) / yardstick, quantile(alone, 0.5));
    Client client(lodged);
    const auto begin = Clock::now();
    client.launch(1000, "&SubnetId=" + subnet);
    fmt::print("{:<56} {:>8.2f} s\n", "RunInstances of 1,000", seconds_since(begin));
}

// --- A restart

std::int64_t count_rows(const fs::path& file) {
    sqlite3* database = nullptr;
    sqlite3_stmt* statement = nullptr;
    std::int64_t count = 0;
    if (sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK &&
        sqlite3_prepare_v2(database, "SELECT COUNT(*) FROM instances", -1, &statement, nullptr) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}

// Room for over a hundred thousand interfaces: two subnets as large as there can be.
std::vector<std::string> make_subnets(const Lodged& lodged) {
    Client client(lodged);
    const auto vpc = element(client.call("Action=CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    client.call("Action=AssociateVpcCidrBlock&CidrBlock=10.1.0.0/16&VpcId=" + vpc);
    std::vector<std::string> subnets;
    for (const char* cidr : {"10.0.0.0/16", "10.1.0.0/16"})
        subnets.push_back(element(
            client.call(fmt::format("Action=CreateSubnet&CidrBlock={}&VpcId={}", cidr, vpc)), "subnetId"));
    return subnets;
}

void fill(const Lodged& lodged, const std::vector<std::string>& subnets, std::int64_t instances) {
    Client client(lodged);
    const auto begin = Clock::now();
    std::int64_t launched = 0;
    for (auto there = count_rows(lodged.folder() / "state/lodge.db"); there + launched < instances;
         launched += 1000)
        client.launch(1000, "&SubnetId=" + subnets[static_cast<std::size_t>(launched / 1000 % 2)]);
    fmt::print("{:<56} {:>8.2f} s\n", fmt::format("RunInstances of 1,000 until there are {}", instances),
               seconds_since(begin) / (static_cast<double>(std::max<std::int64_t>(launched, 1000)) / 1000));
}

void restart(Lodged& lodged, const std::vector<std::string>& subnets, std::int64_t instances) {
    fill(lodged, subnets, instances);
    lodged.await_rest();
    lodged.end(SIGKILL);
    const auto begin = Clock::now();
    lodged.start({"--ovn-northbound", ""});  // simulated hosts would have to come up first
    lodged.await_answers();
    figure("seconds from a start to an answer, after kill -9", seconds_since(begin), false, 2,
           fmt::format("{} instances", count_rows(lodged.folder() / "state/lodge.db")));
}

}  // namespace
}  // namespace lodge::bench

int main(int argc, char** argv) {
    using namespace lodge::bench;
    if (argc < 2) {
        fmt::print(stderr, "bench_api LODGED [seconds_per_round] [instances]\n");
        return 2;
    }
    const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
    const std::int64_t instances = argc > 3 ? std::atoll(argv[3]) : 100'000;
    Lodged lodged(argv[1]);
    lodged.await_answers();
    const auto subnets = make_subnets(lodged);
    describe_by_id(lodged, seconds);
    run_instances(lodged, subnets.front(), seconds);
    describe_pages(lodged, 100);
    restart(lodged, subnets, instances);
    return failed ? 1 : 0;
}

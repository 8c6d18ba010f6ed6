// What the agent adds to libvirt: start of a guest by LibvirtHypervisor (define it, make its machine paused,
// ask the gate, let it run) against virDomainCreate, which is what `virsh start` calls, of the same XML,
// defined before; one guest alone, and eight at once. Rounds alternate. Needs root and a libvirtd of its own:
//
//   tests/host/libvirtd.py build/release/tests/bench/bench_start [rounds=9]
//
// The guests are of the tiny image (LODGE_IMAGES, else /var/tmp/lodge-images; deploy/images/build makes it).
#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <sys/stat.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "agent/domain/domain_xml.h"
#include "agent/hypervisor/libvirt.h"
#include "tests/bench/figures.h"
#include "tests/host/tiny_guest.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

constexpr std::size_t crowd = 8;

template <class T>
T need(Result<T> result) {
    if (!result) {
        fmt::print(stderr, "{}\n", result.error().message);
        std::exit(1);
    }
    return std::move(*result);
}
void need(const Status& status) {
    if (status) return;
    fmt::print(stderr, "{}\n", status.error().message);
    std::exit(1);
}

class Bench {
  public:
    Bench() {
        ::chmod(folder_.path().c_str(), 0711);  // QEMU's user has to pass
        storage_ = need(image_.open_storage(folder_.path() / "agent"));
        while (specs_.size() < crowd) specs_.push_back(image_.make_spec(*storage_, random_, host_));
        connection_ = virConnectOpen(uri_.c_str());
        if (connection_ == nullptr) std::exit(1);
        type_ = need(hypervisor_.capacity()).accelerator;
    }
    ~Bench() { virConnectClose(connection_); }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    void run(const std::string& name, std::size_t guests, int rounds) {
        std::vector<double> ours;
        std::vector<double> theirs;
        for (int i = 0; i < rounds; ++i) {
            theirs.push_back(by_libvirt(guests));
            ours.push_back(by_agent(guests));
        }
        const double ours_s = bench::quantile(ours, 0.5);
        const double theirs_s = bench::quantile(theirs, 0.5);
        const double ratio = ours_s / theirs_s;
        fmt::print("{:<14} agent {:>6.0f} ms  libvirt {:>6.0f} ms  ratio {:.2f} <= 1.1{}\n", name,
                   ours_s * 1e3, theirs_s * 1e3, ratio, ratio <= 1.1 ? "" : "  MISSED");
        std::fflush(stdout);
        failed_ = failed_ || ratio > 1.1;
    }
    bool failed() const { return failed_; }

  private:
    // Seconds until all of them run; `start` on a thread for each.
    double timed(std::size_t guests, const std::function<void(std::size_t)>& start) {
        const auto begin = std::chrono::steady_clock::now();
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < guests; ++i) threads.emplace_back(start, i);
        }
        const double took = bench::seconds_since(begin);
        for (std::size_t i = 0; i < guests; ++i) {
            need(hypervisor_.destroy(specs_[i].guest_id));
            need(hypervisor_.undefine(specs_[i].guest_id));
        }
        return took;
    }
    double by_agent(std::size_t guests) {
        return timed(guests,
                     [&](std::size_t i) { need(hypervisor_.start(specs_[i], [] { return Status(); })); });
    }
    double by_libvirt(std::size_t guests) {
        std::vector<virDomainPtr> domains;
        for (std::size_t i = 0; i < guests; ++i) {
            domains.push_back(virDomainDefineXML(connection_, domain_xml(specs_[i], {type_}).c_str()));
            if (domains.back() == nullptr) std::exit(1);
        }
        const double took = timed(guests, [&](std::size_t i) {
            if (virDomainCreate(domains[i]) != 0) std::exit(1);
        });
        for (auto* domain : domains) virDomainFree(domain);
        return took;
    }

    const std::string uri_ = libvirt_uri();
    const TinyImage image_;
    TemporaryFolder folder_;
    SystemRandom random_;
    const HostId host_ = HostId::make(random_);
    std::unique_ptr<FileStorage> storage_;
    LibvirtHypervisor hypervisor_{LibvirtOptions{uri_, Accelerator::automatic, host_}};
    virConnectPtr connection_ = nullptr;
    std::string type_;
    std::vector<GuestSpec> specs_;
    bool failed_ = false;
};

}  // namespace
}  // namespace lodge::agent

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
    lodge::agent::Bench bench;
    bench.run("one alone", 1, rounds);
    bench.run("eight at once", lodge::agent::crowd, rounds);
    return bench.failed() ? 1 : 0;
}

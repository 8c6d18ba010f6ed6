#include "agent/hypervisor/accelerator.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace lodge::agent {
namespace {

bool opens(const std::string& device) {
    const int fd = open(device.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    close(fd);
    return true;
}

// Other architectures list no such flags: there, an open device has to do.
bool processor_virtualises(const std::string& cpuinfo) {
    std::ifstream file(cpuinfo);
    std::string line;
    while (std::getline(file, line)) {
        if (!line.starts_with("flags")) continue;
        std::istringstream words(line);
        for (std::string word; words >> word;)
            if (word == "vmx" || word == "svm") return true;
        return false;
    }
    return true;
}

}  // namespace

std::optional<Accelerator> parse_accelerator(std::string_view text) {
    if (text == "auto") return Accelerator::automatic;
    if (text == "kvm") return Accelerator::kvm;
    if (text == "qemu") return Accelerator::emulation;
    return std::nullopt;
}

bool kvm_usable(const std::string& kvm_device, const std::string& cpuinfo) {
    return opens(kvm_device) && processor_virtualises(cpuinfo);
}

std::string accelerator_name(Accelerator wanted) {
    const bool kvm = wanted == Accelerator::kvm || (wanted == Accelerator::automatic && kvm_usable());
    return kvm ? "kvm" : "qemu";
}

}  // namespace lodge::agent

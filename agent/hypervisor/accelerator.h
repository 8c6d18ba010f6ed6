// Whether this machine can run guests on its processor, or has to emulate one. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lodge::agent {

// How guests are to run; `automatic`: KVM where it works.
enum class Accelerator { automatic, kvm, emulation };

// "auto", "kvm", "qemu", as configuration files have it.
std::optional<Accelerator> parse_accelerator(std::string_view text);

// Whether `kvm_device` opens and, on x86, `cpuinfo` lists vmx or svm. The device alone says nothing: in some
// virtual machines it opens and creates guests, which then hang.
bool kvm_usable(const std::string& kvm_device = "/dev/kvm", const std::string& cpuinfo = "/proc/cpuinfo");

// libvirt's domain type and Lodge's word for it: "kvm" or "qemu".
std::string accelerator_name(Accelerator wanted);

}  // namespace lodge::agent

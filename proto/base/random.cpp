#include "proto/base/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace lodge {

std::uint64_t Random::next_u64() {
    std::uint64_t value = 0;
    fill(&value, sizeof value);
    return value;
}

std::string Random::hex(std::size_t digits) {
    std::vector<unsigned char> bytes((digits + 1) / 2);
    fill(bytes.data(), bytes.size());
    std::string out;
    out.reserve(digits + 1);
    for (unsigned char byte : bytes) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    out.resize(digits);
    return out;
}

std::string Random::uuid() {
    std::string id = hex(32);
    id[12] = '4';
    id[16] = "89ab"[id[16] & 3];
    for (std::size_t at : {8, 13, 18, 23}) id.insert(at, 1, '-');
    return id;
}

namespace {

void draw(void* out, std::size_t size) {
    if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) != 1) std::abort();
}

// Drawn ahead, since a draw costs the same for many bytes as for few. Each byte is given out once, and wiped.
class Ahead {
  public:
    ~Ahead() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
    void take(void* out, std::size_t size) {
        if (left_ < size) {
            draw(bytes_.data(), bytes_.size());
            left_ = bytes_.size();
        }
        auto* from = bytes_.data() + bytes_.size() - left_;
        std::memcpy(out, from, size);
        OPENSSL_cleanse(from, size);
        left_ -= size;
    }

  private:
    std::array<unsigned char, 512> bytes_{};
    std::size_t left_ = 0;
};

}  // namespace

void SystemRandom::fill(void* out, std::size_t size) {
    constexpr std::size_t few = 64;
    thread_local Ahead ahead;
    if (size <= few) return ahead.take(out, size);
    draw(out, size);
}

void SeededRandom::fill(void* out, std::size_t size) {
    std::lock_guard lock(mutex_);
    auto* bytes = static_cast<unsigned char*>(out);
    while (size > 0) {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        z ^= z >> 31;
        std::size_t chunk = std::min(size, sizeof z);
        std::memcpy(bytes, &z, chunk);
        bytes += chunk;
        size -= chunk;
    }
}

}  // namespace lodge

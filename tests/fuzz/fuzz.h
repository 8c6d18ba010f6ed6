// What every target stands on.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace lodge::fuzz {

// What must hold whatever the input. Ends the process when it does not, so that libFuzzer keeps the input.
inline void promise(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "A promise is broken: %s\n", what);
    std::abort();
}

inline std::string_view as_text(const unsigned char* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

}  // namespace lodge::fuzz

// LODGE_FUZZ_TARGET(text) { … }: the body of a target, over the input as a string_view.
#define LODGE_FUZZ_TARGET(text)                                                          \
    static void fuzz_one(std::string_view text);                                         \
    extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);  \
    extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) { \
        fuzz_one(lodge::fuzz::as_text(data, size));                                      \
        return 0;                                                                        \
    }                                                                                    \
    static void fuzz_one(std::string_view text)

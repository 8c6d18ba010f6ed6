// What `qemu-img info` printed of a foreign image: api/images/probe.h. The program may have been fooled.
#include "api/images/probe.h"
#include "tests/fuzz/fuzz.h"

LODGE_FUZZ_TARGET(text) {
    using namespace lodge::fuzz;
    constexpr std::uint64_t most_bytes = std::uint64_t{16} << 40;
    for (const char* format : {"qcow2", "raw"}) {
        auto facts = lodge::images::read_image_info(text, format, most_bytes);
        if (!facts) {
            promise(facts.error().code == lodge::ErrorCode::invalid_input, "the image is to blame");
            continue;
        }
        promise(facts->virtual_size_bytes > 0 &&
                    static_cast<std::uint64_t>(facts->virtual_size_bytes) <= most_bytes,
                "a disk has a size");
        for (const char* word : {R"("format")", R"("virtual-size")"})
            promise(text.find(word) != text.npos || text.find('\\') != text.npos, "nothing is made up");
    }
}

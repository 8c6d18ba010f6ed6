#include "proto/base/seal.h"

#include <gtest/gtest.h>

namespace lodge {
namespace {

const std::string key(seal_key_bytes, 'k');

TEST(Seal, OpensWhatItSealed) {
    SeededRandom random(1);
    for (const std::string& text : {std::string(), std::string("a key"), std::string(5000, '\0')}) {
        const std::string sealed = seal(key, "one", text, random);
        EXPECT_EQ(sealed.find("a key"), std::string::npos);
        EXPECT_EQ(unseal(key, "one", sealed), text);
        EXPECT_NE(seal(key, "one", text, random), sealed) << "nobody sees that it is the same";
    }
}

TEST(Seal, RefusesAnythingElse) {
    SeededRandom random(1);
    const std::string sealed = seal(key, "one", "a key", random);
    EXPECT_FALSE(unseal(key, "two", sealed));
    EXPECT_FALSE(unseal(std::string(seal_key_bytes, 'x'), "one", sealed));
    EXPECT_FALSE(unseal("short", "one", sealed));
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        std::string changed = sealed;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_FALSE(unseal(key, "one", changed)) << at;
        EXPECT_FALSE(unseal(key, "one", sealed.substr(0, at))) << at;
    }
    EXPECT_FALSE(unseal(key, "one", sealed + "x"));
}

}  // namespace
}  // namespace lodge

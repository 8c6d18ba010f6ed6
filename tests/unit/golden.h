// Rendered text compared with a file under tests/golden. LODGE_UPDATE_GOLDENS=1 rewrites the files instead.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace lodge::testing {

// `name` is relative to tests/golden, e.g. "domain/direct_boot.xml".
inline void expect_golden(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(LODGE_SOURCE_DIR) / "tests/golden" / name;
    if (std::getenv("LODGE_UPDATE_GOLDENS") != nullptr) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
        return;
    }
    std::ostringstream golden;
    golden << std::ifstream(path).rdbuf();
    EXPECT_EQ(golden.str(), text) << path << " differs; LODGE_UPDATE_GOLDENS=1 rewrites it";
}

}  // namespace lodge::testing

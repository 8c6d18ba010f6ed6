// A folder of a test's own, and commands run in it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace lodge::images {

class Scratch : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "lodge-images-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        dir_ = pattern;
    }
    void TearDown() override {
        std::error_code ignored;
        std::filesystem::remove_all(dir_, ignored);
    }

    std::string path(const std::string& name) const { return (dir_ / name).string(); }

    // Runs a shell command inside the folder; true if it exits with 0.
    bool run(const std::string& command) const {
        return std::system(
                   ("cd '" + dir_.string() + "' && { " + command + "; } >command.log 2>&1").c_str()) == 0;
    }

    std::string write(const std::string& name, const std::string& bytes) const {
        std::ofstream(path(name), std::ios::binary) << bytes;
        return path(name);
    }

    // A shell script that nobody, too, may run.
    std::string script(const std::string& name, const std::string& body) const {
        write(name, "#!/bin/sh\n" + body + "\n");
        ::chmod(path(name).c_str(), 0755);
        ::chmod(dir_.c_str(), 0777);
        return path(name);
    }

    std::string read(const std::string& name) const {
        std::stringstream bytes;
        bytes << std::ifstream(path(name), std::ios::binary).rdbuf();
        return bytes.str();
    }

    std::size_t entries(const std::string& name) const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir_ / name)) ++count;
        return count;
    }

    std::filesystem::path dir_;
};

// Tests of real images need qemu-img; without it they say so and are skipped.
#define LODGE_NEEDS_QEMU_IMG()                                  \
    if (std::system("qemu-img --version >/dev/null 2>&1") != 0) \
    GTEST_SKIP() << "qemu-img is missing (qemu-utils)"

}  // namespace lodge::images

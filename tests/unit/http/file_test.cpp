#include <sys/stat.h>

#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

class Files : public HttpTest {
  protected:
    void SetUp() override {
        for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 % 251);
        path = dir.write("file", content);
        serve([this](const Request& request, const Reply& reply) {
            Response response;
            response.content_type = "application/octet-stream";
            response.body = "not this";
            response.file = request.target == "/file" ? path : dir / request.target.substr(1);
            reply(std::move(response));
        });
    }

    TempDir dir;
    std::string content = std::string(700'001, '\0');
    std::filesystem::path path;
};

TEST_F(Files, are_sent_whole) {
    auto c = client();
    for (int i = 0; i < 2; ++i) {
        auto answer = c.get("/file");
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.headers["accept-ranges"], "bytes");
        EXPECT_TRUE(answer.body == content);
    }
}

TEST_F(Files, head_gives_the_length) {
    auto c = client();
    c.send("HEAD /file HTTP/1.1\r\nHost: h\r\nRange: bytes=0-9\r\n\r\n");
    auto answer = c.read_answer(true);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers["content-length"], "700001");
    EXPECT_EQ(c.get("/file", "Range: bytes=0-0\r\n").status, 206);
}

TEST_F(Files, one_range_is_cut_out) {
    struct Case {
        const char* range;
        std::size_t first;
        std::size_t last;
    };
    auto c = client();
    for (const auto& [range, first, last] :
         {Case{"0-0", 0, 0}, Case{"10-19", 10, 19}, Case{"700000-", 700000, 700000}, Case{"5-", 5, 700000},
          Case{"-1", 700000, 700000}, Case{"-9999999", 0, 700000}, Case{"600000-9999999", 600000, 700000}}) {
        auto answer = c.get("/file", std::string("Range: bytes=") + range + "\r\n");
        EXPECT_EQ(answer.status, 206) << range;
        EXPECT_EQ(answer.headers["content-range"],
                  "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/700001");
        EXPECT_TRUE(answer.body == content.substr(first, last - first + 1)) << range;
    }
}

TEST_F(Files, a_range_outside_is_a_416) {
    auto c = client();
    for (auto range : {"700001-", "700001-800000", "-0", "18446744073709551615-"}) {
        auto answer = c.get("/file", std::string("Range: bytes=") + range + "\r\n");
        EXPECT_EQ(answer.status, 416) << range;
        EXPECT_EQ(answer.headers["content-range"], "bytes */700001");
    }
}

TEST_F(Files, ranges_that_are_not_understood_give_the_whole) {
    auto c = client();
    for (auto range : {"bytes=0-1,5-6", "bytes=9-3", "bytes=", "bytes=-", "bytes=a-b", "bytes= 1-2",
                       "bytes=1-2x", "lines=1-2", "bytes 1-2", "bytes=18446744073709551616-", "bytes=--1"})
        EXPECT_EQ(c.get("/file", std::string("Range: ") + range + "\r\n").status, 200) << range;
    EXPECT_EQ(c.get("/file", "Range: bytes=0-1\r\nIf-Range: \"tag\"\r\n").status, 200);
}

TEST_F(Files, an_empty_one_has_no_ranges) {
    dir.write("empty", "");
    auto c = client();
    auto answer = c.get("/empty");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers["content-length"], "0");
    EXPECT_EQ(c.get("/empty", "Range: bytes=0-\r\n").status, 416);
    EXPECT_EQ(c.get("/file").status, 200);
}

TEST_F(Files, what_is_no_file_is_a_404) {
    std::filesystem::create_directory(dir / "directory");
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    auto c = client();
    for (auto target : {"/missing", "/directory", "/fifo"}) EXPECT_EQ(c.get(target).status, 404) << target;
    EXPECT_EQ(c.get("/file").status, 200);
}

TEST_F(Files, one_that_shrinks_while_it_is_sent_ends_the_connection) {
    dir.write("shrinking", std::string(64 * 1024 * 1024, 'x'));
    Client c(server->port(), 4096);
    c.send("GET /shrinking HTTP/1.1\r\nHost: h\r\n\r\n");
    c.read_bytes(1000);
    std::filesystem::resize_file(dir / "shrinking", 1000);
    EXPECT_LT(c.read_all().size(), 64U * 1024 * 1024 - 1000);
}

TEST_F(Files, leave_no_descriptors_behind) {
    auto c = client();
    c.get("/file");
    auto before = open_descriptors();
    for (auto headers : {"", "Range: bytes=0-1\r\n", "Range: bytes=9999999-\r\n"}) c.get("/file", headers);
    c.send("HEAD /file HTTP/1.1\r\nHost: h\r\n\r\n");
    c.read_answer(true);
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace lodge::http

// What may be imported from and exported to: by words, and by what lies in the folders.
#include "api/images/places.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/images/scratch.h"

namespace lodge::images {
namespace {

using ::testing::HasSubstr;

class PlacesTest : public Scratch {
  protected:
    void SetUp() override {
        Scratch::SetUp();
        auto parsed = parse_places(
            {"/srv/images/", "/srv/more"}, {"https://Images.example.org/lodge/", "http://127.0.0.1:8000/a"},
            {"files=file:///srv/bucket", "web=https://s3.example.org/web/"}, {"out=/srv/out"});
        ASSERT_TRUE(parsed) << parsed.error().message;
        places_ = *parsed;
    }

    // "FOLDER|FILE", the address, or the error.
    std::string source(const std::string& url) const { return words(find_source(places_, url)); }
    std::string object(const std::string& bucket, const std::string& key) const {
        return words(find_object(places_, bucket, key));
    }
    static std::string words(const Result<Source>& found) {
        if (!found) return "refused: " + found.error().message;
        return found->url.empty() ? found->folder.string() + "|" + found->file : found->url;
    }

    Places places_;
};

TEST_F(PlacesTest, FilesBelowAllowedFolders) {
    EXPECT_EQ(source("file:///srv/images/a.raw"), "/srv/images|a.raw");
    EXPECT_EQ(source("file:///srv/images/deep/a%20b.raw"), "/srv/images|deep/a b.raw");
    EXPECT_EQ(source("file://localhost/srv/more/x"), "/srv/more|x");
    EXPECT_EQ(source("file:///srv/bucket/x"), "/srv/bucket|x");
    for (const char* bad :
         {"file:///etc/passwd", "file:///srv/imagesX/a", "file:///srv/images", "file:///srv/images/",
          "file:///srv/images/../secret", "file:///srv/images/%2e%2e/secret", "file:///srv/images/./a",
          "file://other/srv/images/a", "file:///srv/images/a%00b", "file:///srv/images/a%0ab",
          "/srv/images/a", "ftp://x/y", "", "file://"})
        EXPECT_THAT(source(bad), HasSubstr("refused")) << bad;
    EXPECT_THAT(source("file:///etc/passwd"), HasSubstr("--import-folder"));
}

TEST_F(PlacesTest, AddressesBelowAllowedOnes) {
    EXPECT_EQ(source("https://images.example.org/lodge/x.raw"), "https://images.example.org:443/lodge/x.raw");
    EXPECT_EQ(source("HTTPS://IMAGES.example.org:443/lodge/x?a=b").substr(0, 8), "refused:");
    EXPECT_EQ(source("https://IMAGES.example.org:443/lodge/x?a=b"),
              "https://images.example.org:443/lodge/x?a=b");
    EXPECT_EQ(source("http://127.0.0.1:8000/a/b"), "http://127.0.0.1:8000/a/b");
    EXPECT_EQ(source("http://127.0.0.1:8000/a"), "http://127.0.0.1:8000/a");
    for (const char* bad :
         {"http://images.example.org/lodge/x", "https://images.example.org/x",
          "https://images.example.org.evil/lodge/x", "https://images.example.org/lodge/../x",
          "https://images.example.org/lodge/%2e%2e/x", "https://images.example.org/lodge/%2E%2e%2Fx",
          "https://images.example.org/lodge/..%5cx", "https://images.example.org@evil/lodge/x",
          "https://me@images.example.org/lodge/x", "https://evil/?https://images.example.org/lodge/",
          "http://127.0.0.1:8000/ab", "http://127.0.0.1/a", "https://images.example.org:444/lodge/x",
          "https://", "http://[/a"})
        EXPECT_THAT(source(bad), HasSubstr("refused")) << bad;
    EXPECT_THAT(source("https://evil/x"), HasSubstr("--import-url"));
    EXPECT_TRUE(check_allowed(places_, "https://s3.example.org/web/x"));
    EXPECT_FALSE(check_allowed(places_, "https://s3.example.org/x"));
}

TEST_F(PlacesTest, ObjectsOfBuckets) {
    EXPECT_EQ(object("files", "a/b.vmdk"), "/srv/bucket|a/b.vmdk");
    EXPECT_EQ(object("web", "a b#c.vmdk"), "https://s3.example.org:443/web/a%20b%23c.vmdk");
    EXPECT_EQ(source("s3://files/a/b.vmdk"), "/srv/bucket|a/b.vmdk");
    for (const char* bad : {"", "../x", "a/../../x", ".."}) {
        EXPECT_THAT(object("files", bad), HasSubstr("refused")) << bad;
        EXPECT_THAT(object("web", bad), HasSubstr("refused")) << bad;
    }
    EXPECT_THAT(object("other", "x"), HasSubstr("--import-bucket"));
    EXPECT_THAT(source("s3://files"), HasSubstr("refused"));
}

TEST_F(PlacesTest, TargetsOfExports) {
    auto target = find_target(places_, "out", "a/b-");
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target->folder, "/srv/out");
    EXPECT_EQ(target->prefix, "a/b-");
    EXPECT_TRUE(find_target(places_, "out", ""));
    for (const char* bad : {"/a", "../a", "a/../b", "a//b", "..", "a\nb"})
        EXPECT_FALSE(find_target(places_, "out", bad)) << bad;
    EXPECT_THAT(find_target(places_, "files", "").error().message, HasSubstr("--export-bucket"));
}

TEST_F(PlacesTest, NothingIsAllowedByItself) {
    places_ = Places();
    for (const char* any : {"file:///srv/images/a", "https://images.example.org/lodge/x", "s3://files/a"})
        EXPECT_THAT(source(any), HasSubstr("refused"));
}

TEST_F(PlacesTest, MistakesOfTheOperator) {
    EXPECT_FALSE(parse_places({"relative"}, {}, {}, {}));
    EXPECT_FALSE(parse_places({"/a/../b"}, {}, {}, {}));
    EXPECT_FALSE(parse_places({}, {"images.example.org"}, {}, {}));
    EXPECT_FALSE(parse_places({}, {"https://x/?q"}, {}, {}));
    EXPECT_FALSE(parse_places({}, {}, {"name"}, {}));
    EXPECT_FALSE(parse_places({}, {}, {"name=/srv"}, {}));
    EXPECT_FALSE(parse_places({}, {}, {}, {"=/srv"}));
    EXPECT_FALSE(parse_places({}, {}, {}, {"name=srv"}));
}

TEST_F(PlacesTest, AFileIsOpenedBelowItsFolderAlone) {
    ASSERT_TRUE(
        run("mkdir -p in/deep && echo in >in/deep/file && echo out >secret && ln -s deep/file in/inside && "
            "ln -s ../secret in/outside && ln -s \"$PWD/secret\" in/absolute && ln -s .. in/up && "
            "ln -s /proc/self/root in/magic && mkfifo in/pipe"));
    EXPECT_TRUE(open_below(dir_ / "in", "deep/file"));
    EXPECT_TRUE(open_below(dir_ / "in", "inside"));
    for (const char* bad :
         {"outside", "absolute", "up/secret", "../secret", "/etc/passwd", "magic/etc/passwd"})
        EXPECT_THAT(open_below(dir_ / "in", bad).error().message, HasSubstr("leads out")) << bad;
    EXPECT_THAT(open_below(dir_ / "in", "missing").error().message, HasSubstr("No such file"));
    EXPECT_FALSE(open_below(dir_ / "nowhere", "file"));
}

}  // namespace
}  // namespace lodge::images

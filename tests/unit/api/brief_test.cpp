#include "api/pipeline/brief.h"

#include <gtest/gtest.h>

namespace lodge::api {
namespace {

bool brief(const std::string& body, const std::string& target = "/", const std::string& method = "POST") {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    return is_brief(request);
}

TEST(Brief, IsWhatAsksForAFewResourcesByTheirIds) {
    EXPECT_TRUE(brief("Action=DescribeInstances&InstanceId.1=i-0123456789abcdef0&Version=2016-11-15"));
    EXPECT_TRUE(brief("Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1&VpcId.2=vpc-2"));
}

TEST(Brief, IsNothingElse) {
    const std::string id = "&InstanceId.1=i-0123456789abcdef0";
    EXPECT_FALSE(brief("Action=DescribeInstances"));
    EXPECT_FALSE(brief("Action=TerminateInstances" + id));
    EXPECT_FALSE(brief("Action=GetConsoleOutput&InstanceId=i-0123456789abcdef0"));
    EXPECT_FALSE(brief("Action=DescribeInstances" + id + "&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1"));
    EXPECT_FALSE(brief("Action=DescribeInstances" + id + std::string(500, '0')));
    EXPECT_FALSE(brief("Action=DescribeInstances" + id, "/", "GET"));
}

// What a parser may take for another action is for those who can wait.
TEST(Brief, IsNothingThatCouldBeReadAnotherWay) {
    const std::string id = "&Id.1=i-0123456789abcdef0";
    EXPECT_FALSE(brief("X=Action=DescribeInstances&Action=GetConsoleOutput" + id));
    EXPECT_FALSE(brief("Action=DescribeInstances&Action=GetConsoleOutput" + id));
    EXPECT_FALSE(brief("Action=DescribeInstances&%41ction=GetConsoleOutput" + id));
    EXPECT_FALSE(brief("Action=DescribeInstances&A+ction=GetConsoleOutput" + id));
    EXPECT_FALSE(brief("Action=DescribeInstances" + id, "/?Action=GetConsoleOutput"));
}

}  // namespace
}  // namespace lodge::api

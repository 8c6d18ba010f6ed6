#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "api/query/decode.h"
#include "api/query/encode.h"
#include "api/query/parameters.h"
#include "proto/ec2/actions.h"

namespace lodge::query {
namespace {

template <class Request>
Result<Request> read(const ec2::StructTable& table, std::string_view form) {
    LODGE_TRY(auto parameters, parse_form(form));
    LODGE_TRY(auto tree, ParameterTree::build(parameters));
    Request request;
    LODGE_CHECK(decode(tree, table, &request));
    return request;
}

Result<ec2::RunInstancesRequest> run(std::string_view form) {
    return read<ec2::RunInstancesRequest>(ec2::run_instances_request_table, form);
}

Result<ec2::DescribeInstancesRequest> describe(std::string_view form) {
    return read<ec2::DescribeInstancesRequest>(ec2::describe_instances_request_table, form);
}

std::string code_of(const Result<ec2::RunInstancesRequest>& result) {
    return result ? "OK" : std::string(wire_code(result.error().code));
}

TEST(Form, DecodesEscapesAndBlanks) {
    auto parameters = parse_form("A=x+y%26z&B=&C");
    ASSERT_TRUE(parameters);
    EXPECT_EQ(*find(*parameters, "A"), "x y&z");
    EXPECT_EQ(*find(*parameters, "B"), "");
    EXPECT_EQ(*find(*parameters, "C"), "");
    EXPECT_EQ(find(*parameters, "D"), nullptr);
}

TEST(Form, RefusesBrokenEscapesAndDuplicates) {
    EXPECT_EQ(parse_form("A=%zz").error().code, ErrorCode::malformed_query_string);
    EXPECT_EQ(parse_form("A=%4").error().code, ErrorCode::malformed_query_string);
    EXPECT_EQ(parse_form("=x").error().code, ErrorCode::malformed_query_string);
    EXPECT_EQ(parse_form("A=1&B=2&A=1").error().code, ErrorCode::invalid_query_parameter);
    EXPECT_EQ(parse_form("A.1=1&%41.1=2").error().code, ErrorCode::invalid_query_parameter);
}

TEST(Form, BoundsCountAndDepth) {
    std::string many;
    for (std::size_t i = 0; i <= max_parameters; ++i) many += "P" + std::to_string(i) + "=&";
    EXPECT_EQ(parse_form(many).error().code, ErrorCode::malformed_query_string);
    std::string deep = "A";
    for (int i = 0; i < 100; ++i) deep += ".1";
    auto parameters = parse_form(deep + "=x");
    ASSERT_TRUE(parameters);
    EXPECT_EQ(ParameterTree::build(*parameters).error().code, ErrorCode::unknown_parameter);
}

TEST(Form, FingerprintIgnoresOrderTokenAndSignature) {
    auto a = fingerprint(*parse_form("Action=X&A=1&B=2&ClientToken=t&X-Amz-Date=1"));
    auto b = fingerprint(*parse_form("B=2&A=1&Version=2016-11-15&ClientToken=u&DryRun=true"));
    auto c = fingerprint(*parse_form("A=1&B=3"));
    // Lengths are part of it, so that a boundary cannot be moved.
    auto d = fingerprint(*parse_form("A=1B&2="));
    EXPECT_EQ(a, b);
    EXPECT_NE(a, c);
    EXPECT_NE(a, d);
}

TEST(Decode, ReadsScalarsListsAndStructs) {
    auto request =
        run("Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=3&DryRun=TRUE&"
            "BlockDeviceMapping.1.DeviceName=/dev/vda&BlockDeviceMapping.1.Ebs.VolumeSize=8&"
            "TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag."
            "1.Value=v&"
            "TagSpecification.1.Tag.2.Key=l");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->max_count, 3);
    EXPECT_EQ(request->dry_run, true);
    EXPECT_EQ(request->block_device_mapping.at(0).ebs->volume_size, 8);
    EXPECT_EQ(request->tag_specification.at(0).tag.size(), 2U);
    EXPECT_FALSE(request->tag_specification.at(0).tag.at(1).value);
}

TEST(Decode, KeepsTheOrderOfListNumbers) {
    auto request = describe("InstanceId.10=c&InstanceId.2=b&InstanceId.1=a");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->instance_id, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Decode, ReadsWhatOlderClientsSend) {
    EXPECT_EQ(describe("InstanceId.0=a&InstanceId.1=b")->instance_id.size(), 2U);
    EXPECT_EQ(describe("InstanceId=a")->instance_id, std::vector<std::string>{"a"});
    EXPECT_EQ(describe("InstanceId.member.1=a")->instance_id, std::vector<std::string>{"a"});
    EXPECT_EQ(describe("InstanceId=")->instance_id.size(), 0U);
    EXPECT_EQ(run("MinCount.1=1&MaxCount=1")->min_count, 1);
}

TEST(Decode, NamesWhatIsWrong) {
    struct Case {
        std::string_view form;
        std::string_view code;
        std::string_view names;
    };
    const Case cases[] = {
        {"MaxCount=1", "MissingParameter", "MinCount"},
        {"MinCount=1&MaxCount=1&Bogus=1", "UnknownParameter", "Bogus"},
        {"MinCount=1&MaxCount=1&Bogus.1.X=1", "UnknownParameter", "Bogus.1.X"},
        {"MinCount=1&MaxCount=1&Placement.Bogus=1", "UnknownParameter", "Placement.Bogus"},
        {"MinCount=one&MaxCount=1", "InvalidParameterValue", "MinCount"},
        {"MinCount=&MaxCount=1", "InvalidParameterValue", "MinCount"},
        {"MinCount=0&MaxCount=1", "InvalidParameterValue", "MinCount"},
        {"MinCount=99999999999999999999&MaxCount=1", "InvalidParameterValue", "MinCount"},
        {"MinCount=1&MaxCount=1&DryRun=maybe", "InvalidParameterValue", "DryRun"},
        {"MinCount=1&MaxCount=1&InstanceInitiatedShutdownBehavior=hibernate", "InvalidParameterValue",
         "stop, terminate"},
        {"MinCount=1&MaxCount=1&ElasticGpuSpecification=x", "UnsupportedOperation",
         "ElasticGpuSpecification"},
        {"MinCount=1&MaxCount=1&LicenseSpecification.1.LicenseConfigurationArn=x", "UnsupportedOperation",
         "LicenseSpecification"},
        {"MinCount=1&MaxCount=1&HibernationOptions.Configured=true", "UnsupportedOperation",
         "HibernationOptions.Configured"},
        {"MinCount=1&MaxCount=1&BlockDeviceMapping.x.DeviceName=a", "UnknownParameter",
         "BlockDeviceMapping.x"},
        {"MinCount=1&MaxCount=1&BlockDeviceMapping.1=a", "UnknownParameter", "BlockDeviceMapping.1"},
        {"MinCount=1&MaxCount=1&KeyName=a%00b", "InvalidParameterValue", "KeyName"},
        {"MinCount=1&MaxCount=1&KeyName=%ff", "InvalidParameterValue", "KeyName"},
    };
    for (const auto& each : cases) {
        auto result = run(each.form);
        EXPECT_EQ(code_of(result), each.code) << each.form;
        if (result) continue;
        EXPECT_NE(result.error().message.find(each.names), std::string::npos) << result.error().message;
    }
}

TEST(Decode, AcceptsTheOneValueThatChangesNothing) {
    EXPECT_TRUE(run("MinCount=1&MaxCount=1&HibernationOptions.Configured=False&EbsOptimized=false"));
}

TEST(Decode, TakesABlankForNoneWhereTheIdlSaysSo) {
    auto request = run("ImageId=ami-1&MinCount=1&MaxCount=1&SubnetId=&UserData=&Placement.AvailabilityZone=");
    ASSERT_TRUE(request);
    EXPECT_FALSE(request->subnet_id);
    EXPECT_FALSE(request->user_data);
    EXPECT_FALSE(request->placement->availability_zone);
    std::string needed = "MinCount=1&MaxCount=1&";
    EXPECT_EQ(code_of(run(needed + "IamInstanceProfile.Name=")), "OK");
    EXPECT_EQ(code_of(run(needed + "IamInstanceProfile=")), "OK");
    EXPECT_EQ(code_of(run(needed + "IamInstanceProfile.Name=web")), "UnsupportedOperation");
    EXPECT_EQ(code_of(run(needed + "IamInstanceProfile.Name=&IamInstanceProfile.Arn=a")),
              "UnsupportedOperation");
    EXPECT_EQ(code_of(run(needed + "LicenseSpecification=")), "UnsupportedOperation");
    EXPECT_EQ(code_of(run(needed + "SubnetId.Nonsense=")), "UnknownParameter");
}

TEST(Decode, TenThousandListMembers) {
    std::string form;
    for (int i = 1; i <= 10'000; ++i)
        form += "InstanceId." + std::to_string(i) + "=i-" + std::to_string(i) + "&";
    auto request = describe(form);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->instance_id.size(), 10'000U);
    EXPECT_TRUE(describe("Filter.1000000.Name=a&Filter.1000000.Value.1=b"));
}

TEST(Decode, SaysWhatAPartBelongsTo) {
    auto parameters = *parse_form("Placement.Tenancy=host");
    ec2::RunInstancesRequest request;
    auto status =
        decode(*ParameterTree::build(parameters), ec2::run_instances_request_table, &request, "Data");
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("Data.MaxCount"), std::string::npos) << status.error().message;
}

std::string text_of(const ec2::RunInstancesRequest& request) {
    return form_text(parameters_of(ec2::run_instances_request_table, &request));
}

TEST(Parameters, AreReadBackAsTheyWere) {
    auto request = run(
        "MinCount=1&MaxCount=2&ImageId=ami-1&DisableApiStop=FALSE&UserData=&Placement.AvailabilityZone=a%26b&"
        "BlockDeviceMapping.7.DeviceName=%2Fdev%2Fvda&BlockDeviceMapping.7.Ebs.VolumeSize=8&SecurityGroup=g&"
        "TagSpecification.1.Tag.1.Key=%C3%BC&TagSpecification.1.Tag.2.Key=l&HibernationOptions.Configured="
        "false");
    ASSERT_TRUE(request) << request.error().message;
    auto text = text_of(*request);
    EXPECT_EQ(text,
              "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fvda&BlockDeviceMapping.1.Ebs.VolumeSize=8&"
              "DisableApiStop=false&ImageId=ami-1&MaxCount=2&MinCount=1&Placement.AvailabilityZone=a%26b&"
              "SecurityGroup.1=g&TagSpecification.1.Tag.1.Key=%C3%BC&TagSpecification.1.Tag.2.Key=l");
    auto again = run(text);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(text_of(*again), text);
}

std::string overlaid(std::string_view base, std::string_view over) {
    return form_text(overlay(ec2::run_instances_request_table, *parse_form(base), *parse_form(over)));
}

TEST(Parameters, OverlayReplacesListsAndMergesStructures) {
    EXPECT_EQ(overlaid("KeyName=a&ImageId=b", "KeyName=c"), "ImageId=b&KeyName=c");
    EXPECT_EQ(overlaid("SecurityGroup.1=a&SecurityGroup.2=b&SecurityGroupId.1=c", "SecurityGroup.1=d"),
              "SecurityGroupId.1=c&SecurityGroup.1=d");
    EXPECT_EQ(overlaid("NetworkInterface.1.SubnetId=a&NetworkInterface.1.Description=b",
                       "NetworkInterface.1.SubnetId=c"),
              "NetworkInterface.1.SubnetId=c");
    EXPECT_EQ(overlaid("MetadataOptions.HttpTokens=a&MetadataOptions.HttpEndpoint=b",
                       "MetadataOptions.HttpTokens=c"),
              "MetadataOptions.HttpEndpoint=b&MetadataOptions.HttpTokens=c");
    EXPECT_EQ(overlaid("", "KeyName=c"), "KeyName=c");
    EXPECT_EQ(overlaid("KeyName=a", ""), "KeyName=a");
}

const ec2::ActionTable& action(std::string_view name) {
    for (const auto& each : ec2::actions)
        if (each.name == name) return each;
    throw std::runtime_error("no such action");
}

TEST(Encode, WritesEc2sShape) {
    ec2::DescribeTagsResponse response;
    response.tags.push_back({"i-1", "instance", "a<b>&\"c\"]]>", "x\r\n"});
    auto xml = encode_response(*find_protocol("ec2"), action("DescribeTags"), &response, "req-1");
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(xml.c_str(), pugi::parse_default & ~pugi::parse_eol)) << xml;
    auto root = document.child("DescribeTagsResponse");
    EXPECT_STREQ(root.attribute("xmlns").value(), "http://ec2.amazonaws.com/doc/2016-11-15/");
    EXPECT_STREQ(root.first_child().name(), "requestId");
    auto item = root.child("tagSet").child("item");
    EXPECT_STREQ(item.child_value("key"), "a<b>&\"c\"]]>");
    EXPECT_STREQ(item.child_value("value"), "x\r\n");
}

TEST(Encode, EmptyListsAreElementsAndEmptyRepliesSayTrue) {
    ec2::DescribeTagsResponse tags;
    auto xml = encode_response(*find_protocol("ec2"), action("DescribeTags"), &tags, "r");
    EXPECT_NE(xml.find("<tagSet></tagSet>"), std::string::npos) << xml;
    EXPECT_EQ(xml.find("nextToken"), std::string::npos);
    ec2::RebootInstancesResponse reboot;
    xml = encode_response(*find_protocol("ec2"), action("RebootInstances"), &reboot, "r");
    EXPECT_NE(xml.find("<return>true</return>"), std::string::npos) << xml;
}

TEST(Encode, QueryServicesHaveTheirOwnShape) {
    ec2::GetCallerIdentityResponse response{"1", "2", "arn"};
    auto xml = encode_response(*find_protocol("sts"), action("GetCallerIdentity"), &response, "r");
    EXPECT_NE(xml.find("<GetCallerIdentityResult><UserId>1</UserId>"), std::string::npos) << xml;
    EXPECT_NE(xml.find("<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"), std::string::npos)
        << xml;
    auto error = encode_error(*find_protocol("sts"), make_error(ErrorCode::invalid_client_token_id), "r");
    EXPECT_NE(error.find("<Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"), std::string::npos)
        << error;
}

TEST(Encode, ErrorsHaveEc2sCapitals) {
    auto xml = encode_error(*find_protocol("ec2"),
                            make_error(ErrorCode::invalid_instance_id_not_found, {"<i>"}), "r");
    EXPECT_NE(xml.find("<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"), std::string::npos)
        << xml;
    EXPECT_NE(xml.find("&lt;i&gt;"), std::string::npos) << xml;
    EXPECT_NE(xml.find("<RequestID>r</RequestID></Response>"), std::string::npos) << xml;
}

}  // namespace
}  // namespace lodge::query

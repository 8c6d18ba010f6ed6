// STS GetCallerIdentity: who the signature says you are.
#include "proto/ec2/sts.h"
#include "api/pipeline/context.h"

namespace lodge::api {

Result<ec2::GetCallerIdentityResponse> get_caller_identity(RequestContext& context,
                                                           const ec2::GetCallerIdentityRequest&) {
    // An account's keys are its root's: there are no IAM users.
    return ec2::GetCallerIdentityResponse{context.account_id, context.account_id,
                                          "arn:aws:iam::" + context.account_id + ":root"};
}

}  // namespace lodge::api

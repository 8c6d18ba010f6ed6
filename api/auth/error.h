// Why a request's signature is refused, and how each protocol says so.
#pragma once

#include <string>

#include "proto/base/result.h"

namespace lodge::auth {

enum class AuthFault : std::uint8_t {
    missing,        // no signature at all
    malformed,      // a signature that cannot be read, or that lacks a part
    bad_scope,      // the credential's scope is for another day, or ends wrongly; callers: another region or
                    // service
    in_future,      // signed later than the clock window allows
    expired,        // signed too long ago, or a presigned request past its time
    unknown_key,    // for callers: the access key is not there, or is switched off
    bad_signature,  // everything is in place, but the signature is not the secret's over this request
};

// `message` is for the client. It never holds a secret, nor bytes of the request that were not checked
// before.
struct AuthError {
    AuthFault fault;
    std::string message;
};

template <class T>
using AuthResult = tl::expected<T, AuthError>;
using AuthStatus = AuthResult<void>;

tl::unexpected<AuthError> refuse(AuthFault fault, std::string message);

// As EC2 answers: an unknown key and a wrong signature are told in the same words, so that keys cannot be
// guessed. Source: EC2 API reference, "Error codes", AuthFailure and RequestExpired.
Error to_ec2(const AuthError& error);

// As the query services (STS, IAM, Auto Scaling…) answer.
// Source: IAM user guide, "Troubleshoot signed requests for AWS APIs"; each service's "Common Errors".
Error to_query(const AuthError& error);

}  // namespace lodge::auth

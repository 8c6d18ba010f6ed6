#include "proto/pki/builder.h"

#include <algorithm>
#include <array>

namespace lodge::pki {
namespace {

constexpr UnixMs backdated_ms = 5L * 60 * 1000;
constexpr int max_days = 36500;
constexpr std::size_t max_dns_bytes = 253;
constexpr std::size_t max_label_bytes = 63;

bool letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool label_valid(std::string_view label) {
    return !label.empty() && label.size() <= max_label_bytes && letter_or_digit(label.front()) &&
           letter_or_digit(label.back()) &&
           std::all_of(label.begin(), label.end(), [](char c) { return letter_or_digit(c) || c == '-'; });
}

// "192.0.2.300" is a mistyped address, not a name.
bool numeric(std::string_view label) {
    return label.find_first_not_of("0123456789") == std::string_view::npos;
}

bool dns_name_valid(std::string_view name) {
    if (name.size() > max_dns_bytes) return false;
    if (name.starts_with("*.")) name.remove_prefix(2);
    while (true) {
        auto dot = name.find('.');
        if (!label_valid(name.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return !numeric(name);
        name.remove_prefix(dot + 1);
    }
}

GeneralNamePtr general_name(int type, StringPtr value) {
    GeneralNamePtr name(GENERAL_NAME_new());
    if (name && value) GENERAL_NAME_set0_value(name.get(), type, value.release());
    return name;
}

Result<GeneralNamePtr> general_name(const std::string& text) {
    const bool whole = text.find('\0') == std::string::npos;  // OpenSSL stops reading at a NUL
    if (StringPtr address(whole ? a2i_IPADDRESS(text.c_str()) : nullptr); address)
        return general_name(GEN_IPADD, std::move(address));
    if (!dns_name_valid(text)) return refuse("A server's name is neither a DNS name nor an IP address.");
    StringPtr dns(ASN1_IA5STRING_new());
    if (!dns || ASN1_STRING_set(dns.get(), text.data(), static_cast<int>(text.size())) != 1)
        return openssl_failure("making a name");
    return general_name(GEN_DNS, std::move(dns));
}

// A positive number of exactly 128 bits.
BignumPtr random_serial(Random& random) {
    std::array<unsigned char, 16> bytes{};
    random.fill(bytes.data(), bytes.size());
    bytes[0] |= 0x80;
    return BignumPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

bool set_serial(X509* certificate, Random& random) {
    auto serial = random_serial(random);
    return serial && BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

}  // namespace

Builder::Builder(X509_NAME* subject, EVP_PKEY* subject_key, Random& random) : certificate_(X509_new()) {
    check(certificate_ && X509_set_version(certificate_.get(), X509_VERSION_3) == 1 &&
          set_serial(certificate_.get(), random) && X509_set_subject_name(certificate_.get(), subject) == 1 &&
          X509_set_pubkey(certificate_.get(), subject_key) == 1);
}

void Builder::check(bool ok) {
    if (!ok && status_) status_ = openssl_failure("making a certificate");
}

void Builder::set_validity(const Validity& validity, const ASN1_TIME* not_after_limit) {
    if (!status_) return;
    if (validity.days < 1 || validity.days > max_days) {
        status_ = refuse("A certificate is valid for 1 to 36500 days.");
        return;
    }
    TimePtr begin(ASN1_TIME_set(nullptr, (validity.now_ms - backdated_ms) / 1000));
    TimePtr end(ASN1_TIME_adj(nullptr, validity.now_ms / 1000, validity.days, 0));
    check(begin && end);
    if (!status_) return;
    const ASN1_TIME* last = end.get();
    if (not_after_limit && ASN1_TIME_compare(not_after_limit, last) < 0) last = not_after_limit;
    check(X509_set1_notBefore(certificate_.get(), begin.get()) == 1 &&
          X509_set1_notAfter(certificate_.get(), last) == 1);
}

void Builder::set_issuer(X509* issuer) {
    if (!status_) return;
    issuer_ = issuer ? issuer : certificate_.get();
    check(X509_set_issuer_name(certificate_.get(), X509_get_subject_name(issuer_)) == 1);
    add_extension(NID_subject_key_identifier, "hash");
    add_extension(NID_authority_key_identifier, "keyid:always");
}

void Builder::add_extension(int nid, const char* value) {
    if (!status_) return;
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer_, certificate_.get(), nullptr, nullptr, 0);
    ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    check(extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1);
}

void Builder::add_names(const std::vector<std::string>& names) {
    if (!status_) return;
    GeneralNamesPtr list(GENERAL_NAMES_new());
    check(list != nullptr);
    for (const auto& text : names) {
        auto name = general_name(text);
        if (!name) status_ = tl::unexpected(name.error());
        if (!status_) return;
        check(*name && sk_GENERAL_NAME_push(list.get(), name->get()) > 0);
        if (!status_) return;
        static_cast<void>(name->release());  // the list owns it now
    }
    check(X509_add1_ext_i2d(certificate_.get(), NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) ==
          1);
}

Result<std::string> Builder::sign(EVP_PKEY* issuer_key) {
    if (status_) check(X509_sign(certificate_.get(), issuer_key, EVP_sha256()) > 0);
    if (!status_) return tl::unexpected(status_.error());
    return certificate_to_pem(certificate_.get());
}

}  // namespace lodge::pki

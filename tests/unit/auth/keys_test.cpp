// Key pairs against files that ssh-keygen and puttygen wrote, and fingerprints that openssl computed.
#include "api/keys/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <fstream>
#include <iterator>

#include "api/keys/private_key.h"
#include "api/keys/public_key.h"
#include "api/keys/ssh_wire.h"
#include "proto/base/encoding.h"
#include "proto/base/random.h"

namespace lodge::keys {
namespace {

std::string file(const std::string& name) {
    std::ifstream in(LODGE_SOURCE_DIR "/tests/unit/auth/keys/" + name, std::ios::binary);
    EXPECT_TRUE(in) << name;
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string without_line_end(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

Pkey rsa_of_file() {
    std::string pem = file("rsa2048.pem");
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    Pkey pkey(PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr));
    BIO_free(bio);
    return pkey;
}

Pkey ed25519_of_file() {
    auto seed = hex_decode("d407d9996341ddd1b3d096c0b30c68a8676986c373bd4f9f3cdd21d7882af9ee");
    if (!seed) return nullptr;
    return Pkey(EVP_PKEY_new_raw_private_key(
        EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(seed->data()), seed->size()));
}

constexpr std::string_view rsa_created_fingerprint =
    "fa:5c:d4:9a:be:a4:d9:78:1a:de:7e:e1:07:76:e8:0b:46:ea:01:b6";
constexpr std::string_view rsa_imported_fingerprint = "6f:c5:1c:af:3f:f3:05:a0:f9:4f:cb:62:64:07:2b:3b";
constexpr std::string_view ed25519_fingerprint = "5sPtmu1ehOQpoH/EMVogPGlbDNZ465mhJRR2EI8iEdQ=";

// ---- Made keys ----

TEST(NewKey, RsaIsWrittenAsOpensslAndPuttyWriteIt) {
    auto pkey = rsa_of_file();
    auto pem = new_key(pkey, KeyType::rsa, KeyFormat::pem, "rsa 2048", 1).value();
    EXPECT_EQ(pem.private_key, file("rsa2048.pem"));
    EXPECT_EQ(pem.public_key, without_line_end(file("rsa2048.pub")));
    EXPECT_EQ(pem.fingerprint, rsa_created_fingerprint);
    auto ppk = new_key(pkey, KeyType::rsa, KeyFormat::ppk, "rsa 2048", 1).value();
    EXPECT_EQ(ppk.private_key, file("rsa2048.ppk"));
    EXPECT_EQ(ppk.public_key, pem.public_key);
    EXPECT_EQ(ppk.fingerprint, pem.fingerprint);
}

TEST(NewKey, Ed25519IsWrittenAsOpensshAndPuttyWriteIt) {
    auto pkey = ed25519_of_file();
    ASSERT_TRUE(pkey);
    auto pem = new_key(pkey, KeyType::ed25519, KeyFormat::pem, "some one@host", 0xeb60aae0).value();
    EXPECT_EQ(pem.private_key, file("ed25519.openssh"));
    EXPECT_EQ(pem.public_key, without_line_end(file("ed25519.pub")));
    EXPECT_EQ(pem.fingerprint, ed25519_fingerprint);
    auto ppk = new_key(pkey, KeyType::ed25519, KeyFormat::ppk, "some one@host", 1).value();
    EXPECT_EQ(ppk.private_key, file("ed25519.ppk"));
}

TEST(NewKey, OpensshFormatIsPaddedForAnyComment) {
    auto pkey = ed25519_of_file();
    for (std::size_t size = 0; size < 16; ++size) {
        auto text = openssh_ed25519(pkey, std::string(size, 'c'), 7).value();
        auto begin = text.find('\n');
        auto blob = base64_decode(text.substr(begin, text.find("-----END") - begin)).value();
        // Behind the magic, "none" twice, "" and the number of keys.
        WireReader keys(std::string_view(blob).substr(15 + 8 + 8 + 4 + 4));
        ASSERT_TRUE(keys.string());
        auto section = keys.string();
        ASSERT_TRUE(section);
        EXPECT_EQ(section->size() % 8, 0U);
        EXPECT_TRUE(keys.at_end());
    }
}

TEST(Generate, GivesWhatCanBeImportedAgain) {
    for (auto type : {KeyType::rsa, KeyType::ed25519}) {
        for (auto format : {KeyFormat::pem, KeyFormat::ppk}) {
            auto made = generate(type, format, "my-key").value();
            EXPECT_EQ(made.type, type);
            EXPECT_THAT(made.public_key, testing::EndsWith(" my-key"));
            auto imported = import_public(made.public_key).value();
            EXPECT_EQ(imported.type, type);
            EXPECT_EQ(imported.public_key, made.public_key);
            EXPECT_EQ(imported.fingerprint == made.fingerprint, type == KeyType::ed25519);
        }
    }
}

TEST(Generate, KeepsToTheFormats) {
    struct Row {
        KeyType type;
        KeyFormat format;
        std::string_view begin;
        std::string_view end;
        std::string_view fingerprint;
    };
    constexpr std::string_view sha1_form = "([0-9a-f]{2}:){19}[0-9a-f]{2}";
    constexpr std::string_view sha256_form = "[A-Za-z0-9+/]{43}=";
    constexpr Row table[] = {
        {KeyType::rsa, KeyFormat::pem, "-----BEGIN RSA PRIVATE KEY-----\n",
         "\n-----END RSA PRIVATE KEY-----\n", sha1_form},
        {KeyType::ed25519, KeyFormat::pem, "-----BEGIN OPENSSH PRIVATE KEY-----\n",
         "\n-----END OPENSSH PRIVATE KEY-----\n", sha256_form},
        {KeyType::rsa, KeyFormat::ppk, "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: k\n", "\n",
         sha1_form},
        {KeyType::ed25519, KeyFormat::ppk,
         "PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: none\nComment: k\n", "\n", sha256_form},
    };
    for (const auto& row : table) {
        auto made = generate(row.type, row.format, "k").value();
        EXPECT_THAT(made.private_key, testing::StartsWith(std::string(row.begin)));
        EXPECT_THAT(made.private_key, testing::EndsWith(std::string(row.end)));
        EXPECT_THAT(made.fingerprint, testing::MatchesRegex(std::string(row.fingerprint)));
    }
}

TEST(KeyType, IsNamedAsInTheApi) {
    EXPECT_EQ(to_text(KeyType::rsa), "rsa");
    EXPECT_EQ(to_text(KeyType::ed25519), "ed25519");
}

TEST(Generate, NeverMakesTheSameTwice) {
    auto one = generate(KeyType::ed25519, KeyFormat::pem, "").value();
    auto two = generate(KeyType::ed25519, KeyFormat::pem, "").value();
    EXPECT_NE(one.fingerprint, two.fingerprint);
    EXPECT_NE(one.private_key, two.private_key);
}

TEST(Generate, KeepsTheCommentInItsLine) {
    std::string comment = "a\nPrivate-Lines: 0\r\x01\x7f \xc3\xa9";
    for (auto format : {KeyFormat::pem, KeyFormat::ppk}) {
        auto made = generate(KeyType::ed25519, format, comment).value();
        EXPECT_THAT(made.public_key, testing::EndsWith(" a_Private-Lines: 0___ \xc3\xa9"));
        EXPECT_THAT(made.private_key, testing::Not(testing::HasSubstr("\nPrivate-Lines: 0")));
    }
}

// ---- Imported keys ----

struct Import {
    std::string_view file;
    KeyType type;
    std::string_view comment;
    std::string_view fingerprint;
};

constexpr Import good[] = {
    {"rsa1024.pub", KeyType::rsa, "rsa 1024", "8f:40:d1:4d:80:0a:76:d1:31:30:7f:df:83:9b:5b:fa"},
    {"rsa2048.pub", KeyType::rsa, "rsa 2048", rsa_imported_fingerprint},
    {"rsa3072.pub", KeyType::rsa, "rsa 3072", "9e:3f:57:d2:85:91:a0:cc:b6:b8:1f:f2:f2:df:92:b0"},
    {"rsa4096.pub", KeyType::rsa, "rsa 4096", "fc:6a:9e:73:44:93:2f:6d:53:38:5a:d9:fa:96:3b:80"},
    {"rsa2048.ssh2", KeyType::rsa, "2048-bit RSA, converted by root@vm from OpenSSH",
     rsa_imported_fingerprint},
    {"rsa2048.spki.pem", KeyType::rsa, "", rsa_imported_fingerprint},
    {"ed25519.pub", KeyType::ed25519, "some one@host", ed25519_fingerprint},
    {"ed25519.ssh2", KeyType::ed25519, "256-bit ED25519, converted by root@vm from OpenSSH",
     ed25519_fingerprint},
};

TEST(Import, ReadsWhatOthersWrite) {
    for (const auto& row : good) {
        auto key = import_public(file(std::string(row.file)));
        ASSERT_TRUE(key) << row.file << ": " << key.error().message;
        EXPECT_EQ(key->type, row.type) << row.file;
        EXPECT_EQ(key->comment, row.comment) << row.file;
        EXPECT_EQ(key->fingerprint, row.fingerprint) << row.file;
    }
}

TEST(Import, WritesTheSameLineForEachForm) {
    auto line = without_line_end(file("rsa2048.pub"));
    EXPECT_EQ(import_public(line).value().public_key, line);
    auto bare = line.substr(0, line.rfind(" rsa 2048"));
    for (auto form : {"rsa2048.spki.pem", "rsa2048.ssh2"})
        EXPECT_THAT(import_public(file(form)).value().public_key, testing::StartsWith(bare));
    EXPECT_EQ(import_public(file("rsa2048.spki.pem")).value().public_key, bare);
}

TEST(Import, TakesDerAsItIsAndInBase64) {
    auto pem = file("rsa2048.spki.pem");
    auto begin = pem.find('\n') + 1;
    auto base64 = pem.substr(begin, pem.find("-----END") - begin);
    auto der = base64_decode(base64).value();
    for (const std::string& material : {base64, der, base64_encode(der)})
        EXPECT_EQ(import_public(material).value().fingerprint, rsa_imported_fingerprint);
    // RFC 8410, 10.1: the public key in its example.
    auto ed25519 = import_public("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").value();
    EXPECT_EQ(ed25519.type, KeyType::ed25519);
    EXPECT_EQ(ed25519.public_key,
              "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbh");
}

TEST(Import, ForgivesSpaceAroundAndInBetween) {
    auto line = without_line_end(file("ed25519.pub"));
    auto key = line.substr(0, line.find(" some"));
    for (const std::string& material :
         {"\n  " + line + " \r\n\n", key, key + "\t ", key + "\t  some one@host"})
        EXPECT_EQ(import_public(material).value().fingerprint, ed25519_fingerprint) << material;
    EXPECT_EQ(import_public(key + "  two  blanks ").value().comment, "two  blanks");
    EXPECT_EQ(import_public(key).value().public_key, key);
    EXPECT_EQ(import_public(key + " a\x01"
                                  "b")
                  .value()
                  .comment,
              "a_b");
    std::string crlf;
    for (char c : file("rsa2048.ssh2")) crlf += c == '\n' ? "\r\n" : std::string(1, c);
    EXPECT_EQ(import_public(crlf).value().fingerprint, rsa_imported_fingerprint);
}

TEST(Import, ReadsTheHeadersOfSsh2) {
    auto text = file("ed25519.ssh2");
    auto comment = text.find("Comment:");
    auto with = [&](std::string_view headers) {
        auto changed = text;
        changed.replace(comment, text.find('\n', comment) + 1 - comment, headers);
        return import_public(changed).value().comment;
    };
    EXPECT_EQ(with(""), "");
    EXPECT_EQ(with("Comment: plain\n"), "plain");
    EXPECT_EQ(with("COMMENT: \"a: b\"\nx-other: y\n"), "a: b");
    EXPECT_EQ(with("Subject: me\\\nComment: no\nComment: long\\\ner\n"), "longer");
}

TEST(Import, RefusesOtherKeys) {
    for (auto name : {"dsa.pub", "ecdsa.pub", "ecdsa.spki.pem", "ed25519-cert.pub", "rsa1536.pub",
                      "rsa8192.pub", "rsa2048.pem", "ed25519.openssh", "rsa2048.ppk", "rsa2048.pkcs1.pem"}) {
        auto key = import_public(file(name));
        ASSERT_FALSE(key) << name;
        EXPECT_EQ(key.error().code, ErrorCode::invalid_key_format) << name;
        EXPECT_EQ(wire_code(key.error().code), "InvalidKey.Format");
    }
    EXPECT_THAT(import_public(file("rsa1536.pub")).error().message, testing::HasSubstr("1536"));
}

// An "ssh-rsa" line with these numbers, big-endian.
std::string rsa_line(std::string_view e, std::string_view n, std::string_view tail = "") {
    std::string blob;
    put_string(blob, "ssh-rsa");
    put_mpint(blob, e);
    put_mpint(blob, n);
    blob += tail;
    return public_line(KeyType::rsa, blob, "");
}

TEST(Import, RefusesWhatIsNoKey) {
    auto ed25519 = without_line_end(file("ed25519.pub"));
    auto rsa = without_line_end(file("rsa2048.pub"));
    std::string odd = "\xff" + std::string(255, '\x01');
    std::string even = "\xff" + std::string(255, '\x02');
    ASSERT_TRUE(import_public(rsa_line("\x03", odd)));
    const std::string materials[] = {
        "",
        " ",
        "\n",
        "0",
        std::string(1, '\0'),
        "ssh-rsa",
        "ssh-rsa ",
        "ssh-rsa AAAA",
        "ssh-rsa %%%%",
        "ssh-ed25519 " + rsa.substr(8),
        "ssh-rsa " + ed25519.substr(12),
        ed25519 + "\n" + ed25519,
        "no-pty " + ed25519,
        ed25519.substr(12),
        ed25519.substr(0, 70),
        rsa.substr(0, 200),
        rsa_line("\x03", even),
        rsa_line("\x02", odd),
        rsa_line("\x01", odd),
        rsa_line("", odd),
        rsa_line(std::string(9, '\x03'), odd),
        rsa_line("\x03", ""),
        rsa_line("\x03", "\xff" + std::string(4096, '\x01')),
        rsa_line("\x03", odd, "x"),
        "---- BEGIN SSH2 PUBLIC KEY ----",
        "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \\",
        "---- BEGIN SSH2 PUBLIC KEY ----\n---- END SSH2 PUBLIC KEY ----",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        base64_encode(ed25519),
        "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuEA",
    };
    for (const auto& material : materials) {
        auto key = import_public(material);
        ASSERT_FALSE(key) << material;
        EXPECT_EQ(key.error().code, ErrorCode::invalid_key_format) << material;
    }
}

TEST(Import, HasALimit) {
    auto line = without_line_end(file("ed25519.pub"));
    auto long_line = line + std::string(max_material_size - line.size(), 'c');
    EXPECT_TRUE(import_public(long_line));
    EXPECT_EQ(import_public(long_line + "c").error().code, ErrorCode::invalid_key_format);
    EXPECT_EQ(import_public(std::string(10 << 20, 'A')).error().code, ErrorCode::invalid_key_format);
}

TEST(Import, AnswersForAnyBytes) {
    SeededRandom random(20261123);
    std::vector<std::string> seeds;
    for (const auto& row : good) seeds.push_back(file(std::string(row.file)));
    seeds.push_back(base64_decode("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").value());
    for (int i = 0; i < 5'000; ++i) {
        std::string text = seeds[random.next_u64() % seeds.size()];
        for (auto changes = random.next_u64() % 4 + 1; changes > 0; --changes)
            text[random.next_u64() % text.size()] = static_cast<char>(random.next_u64());
        if (random.next_u64() % 4 == 0) text.resize(random.next_u64() % text.size());
        auto key = import_public(text);
        if (!key)
            EXPECT_EQ(key.error().code, ErrorCode::invalid_key_format) << text;
        else
            EXPECT_EQ(import_public(key->public_key).value().fingerprint, key->fingerprint);
    }
}

TEST(SshWire, ReadsWhatItWrites) {
    std::string out;
    put_string(out, "abc");
    put_mpint(out, std::string_view("\0\x80", 2));
    put_mpint(out, "");
    EXPECT_EQ(hex_encode(out),
              "00000003616263"
              "000000020080"
              "00000000");
    WireReader reader(out);
    EXPECT_EQ(reader.string(), "abc");
    EXPECT_EQ(reader.mpint(), "\x80");
    EXPECT_EQ(reader.mpint(), "");
    EXPECT_TRUE(reader.at_end());
    EXPECT_EQ(reader.string(), std::nullopt);
    EXPECT_EQ(WireReader(std::string_view("\xff\xff\xff\xff"
                                          "a",
                                          5))
                  .string(),
              std::nullopt);
    EXPECT_EQ(WireReader(std::string_view("\0\0\0\1\x80", 5)).mpint(), std::nullopt) << "negative";
}

}  // namespace
}  // namespace lodge::keys

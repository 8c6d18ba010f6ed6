#include "db/store/client_tokens.h"

namespace lodge::db::client_tokens {

void insert(Session& session, const ClientToken& token) {
    session.execute(
        "INSERT INTO client_tokens (account_id, region, action, token, fingerprint, result_id, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        {token.account_id, token.region, token.action, token.token, token.fingerprint, token.result_id,
         token.created_ms});
}

std::optional<ClientToken> find(Session& session, const AccountId& account_id, std::string_view region,
                                std::string_view action, std::string_view token) {
    std::optional<ClientToken> found;
    session.query(
        "SELECT account_id, region, action, token, fingerprint, result_id, created_ms FROM client_tokens "
        "WHERE account_id = ? AND region = ? AND action = ? AND token = ?",
        {account_id, region, action, token}, [&](const Row& row) {
            found = ClientToken{std::string(row.text(0)),
                                std::string(row.text(1)),
                                std::string(row.text(2)),
                                std::string(row.text(3)),
                                std::string(row.text(4)),
                                std::string(row.text(5)),
                                row.integer(6)};
        });
    return found;
}

std::int64_t erase_old(Session& session, UnixMs before_ms) {
    return session.execute("DELETE FROM client_tokens WHERE created_ms < ?", {before_ms});
}

}  // namespace lodge::db::client_tokens

#include "proto/ovsdb/splitter.h"

namespace lodge::ovsdb {

Result<std::vector<std::string>> Splitter::feed(std::string_view bytes) {
    std::vector<std::string> whole;
    for (char c : bytes) {
        bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (depth_ == 0 && blank) continue;
        if (depth_ == 0 && c != '{')
            return fail(ErrorCode::io_failure, "the peer does not speak OVSDB's JSON-RPC");
        text_ += c;
        if (text_.size() > most_bytes_) return fail(ErrorCode::io_failure, "the peer's message is too long");
        if (in_string_) {
            if (escaped_) {
                escaped_ = false;
            } else if (c == '\\') {
                escaped_ = true;
            } else if (c == '"') {
                in_string_ = false;
            }
        } else if (c == '"') {
            in_string_ = true;
        } else if (c == '{' || c == '[') {
            if (++depth_ > most_depth_)
                return fail(ErrorCode::io_failure, "the peer's message is nested too deep");
        } else if ((c == '}' || c == ']') && --depth_ == 0) {
            whole.push_back(std::move(text_));
            text_.clear();
        }
    }
    return whole;
}

}  // namespace lodge::ovsdb

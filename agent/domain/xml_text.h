// Inside agent/domain only.
#pragma once

#include <pugixml.hpp>
#include <string>

namespace lodge::agent {

// Indented, without a declaration.
inline std::string text_of(const pugi::xml_document& document) {
    struct Writer final : pugi::xml_writer {
        std::string text;
        void write(const void* data, std::size_t size) override {
            text.append(static_cast<const char*>(data), size);
        }
    } writer;
    document.save(writer, "  ", pugi::format_indent | pugi::format_no_declaration);
    return std::move(writer.text);
}

}  // namespace lodge::agent

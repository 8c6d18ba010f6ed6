// The tables that the generator writes and the one codec (api/query) walks: for every member of every shape
// its names on the wire, its kind, its bounds, and how to reach it inside the plain struct.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lodge::ec2 {

enum class Kind : std::uint8_t { string, integer, boolean, real, timestamp, blob, structure };

// What happens to a member that a client sends.
enum class Honour : std::uint8_t {
    honoured,
    ignored,      // read and dropped, for the reason in `note`
    unsupported,  // refused by name
    only,         // accepted with the value `only` alone, refused by name otherwise
};

// Untyped access to one member of a struct, made by access<&Struct::member>().
struct Access {
    // Scalars and structs: the value, or null when it is not set; put() makes room for one.
    const void* (*get)(const void* object) = nullptr;
    void* (*put)(void* object) = nullptr;
    // Lists.
    std::size_t (*size)(const void* object) = nullptr;
    const void* (*at)(const void* object, std::size_t index) = nullptr;
    void* (*append)(void* object) = nullptr;
};

struct StructTable;

inline constexpr std::int64_t no_bound = std::numeric_limits<std::int64_t>::min();

struct Field {
    std::string_view query;  // in requests: "InstanceId"
    std::string_view xml;    // in replies: "instanceId", "instancesSet"
    Kind kind;
    bool list;
    bool required;
    bool blank;  // an empty value is as good as none
    Honour honour;
    std::string_view only;
    std::string_view note;
    std::int64_t low;  // least value of an integer, least length of a string in bytes
    std::int64_t high;
    const std::string_view* values;  // the words a string may be, if it is not free
    std::size_t value_count;
    const StructTable* sub;  // of a structure
    Access access;

    std::span<const std::string_view> allowed() const { return {values, value_count}; }
};

struct StructTable {
    std::string_view name;
    std::span<const Field> fields;
};

struct ActionTable {
    std::string_view name;
    std::string_view service;  // "ec2", "sts"
    bool write;                // changes something
    const StructTable* request;
    const StructTable* response;
};

namespace detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class>
struct MemberOf;
template <class S, class M>
struct MemberOf<M S::*> {
    using Struct = S;
    using Type = M;
};

}  // namespace detail

template <auto Member>
constexpr Access access() {
    using Struct = typename detail::MemberOf<decltype(Member)>::Struct;
    using Type = typename detail::MemberOf<decltype(Member)>::Type;
    Access made;
    if constexpr (detail::IsVector<Type>::value) {
        made.size = [](const void* o) { return (static_cast<const Struct*>(o)->*Member).size(); };
        made.at = [](const void* o, std::size_t i) -> const void* {
            return &(static_cast<const Struct*>(o)->*Member)[i];
        };
        made.append = [](void* o) -> void* { return &(static_cast<Struct*>(o)->*Member).emplace_back(); };
    } else if constexpr (detail::IsOptional<Type>::value) {
        made.get = [](const void* o) -> const void* {
            const auto& value = static_cast<const Struct*>(o)->*Member;
            return value ? &*value : nullptr;
        };
        made.put = [](void* o) -> void* { return &(static_cast<Struct*>(o)->*Member).emplace(); };
    } else {
        made.get = [](const void* o) -> const void* { return &(static_cast<const Struct*>(o)->*Member); };
        made.put = [](void* o) -> void* { return &(static_cast<Struct*>(o)->*Member); };
    }
    return made;
}

}  // namespace lodge::ec2

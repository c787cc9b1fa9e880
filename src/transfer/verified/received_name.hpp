// Checks of names that come from the network, before they become names of files.
#pragma once

#include <string>
#include <string_view>

namespace sockx {

/// Why a name is not allowed for a file below a folder: "has the part '..'"; empty if it is allowed. It must
/// be a relative path of at most `longest_name` bytes and 128 parts of at most 255, without empty parts, "."
/// and "..", those that are reserved, NUL and control characters. Other bytes may be anything, UTF-8 or not;
/// see path_resolution(7).
std::string fault_of_name(std::string_view name);

/// Why the symbolic link `name` below a folder may not have this target: "is absolute"; empty if it may.
/// The target must stay below the folder, or below the first `kept` parts of `name`. So it has ".." only in
/// front of all names: behind a name, which may be a link, it could lead anywhere.
std::string fault_of_target(std::string_view name, std::string_view target, int kept = 0);

/// Whether the last part of a path is `.sockx-HASH.part`, `.map`, `.map.new` or `.link`, as a receiver calls
/// what it has of files that are not whole.
bool is_reserved_name(std::string_view path);
/// Such a name, for the file that will be `leaf`.
std::string reserved_name(std::string_view leaf, std::string_view ending);

}  // namespace sockx

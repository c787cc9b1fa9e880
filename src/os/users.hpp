// Users and groups by name or number.
#pragma once

#include <sys/types.h>

#include <string>

namespace sockx {

/// A name of the user database (passwd(5)) or a number. Blocks while the name is looked up. Throws BadInput.
uid_t parse_user(const std::string& word);
/// The same of the group database (group(5)).
gid_t parse_group(const std::string& word);

}  // namespace sockx

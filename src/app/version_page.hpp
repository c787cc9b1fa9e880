// What --version prints.
#pragma once

#include <string>

namespace sockx {

/// The version and the license as the GNU coding standards have it, then the libraries of this build, those
/// that can be opened now, and what the kernel offers.
std::string version_page();

}  // namespace sockx

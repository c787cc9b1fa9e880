#include "os/environment.hpp"

#include <string.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace sockx {

void forget_variable(const std::string& name) {
  const auto beginning = name + '=';
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    if (std::string_view(*variable).starts_with(beginning))
      explicit_bzero(*variable + beginning.size(), strlen(*variable) - beginning.size());
  unsetenv(name.c_str());
}

}  // namespace sockx

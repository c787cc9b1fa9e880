#include "personalities/nc_password.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "flow/on_thread.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

Task<std::optional<std::string>> ask_password(std::string prompt) {
  const UniqueFd terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) co_return std::nullopt;
  std::function<std::optional<std::string>()> work = [prompt =
                                                          std::move(prompt)]() -> std::optional<std::string> {
    const char* const typed = getpass(prompt.c_str());
    if (typed == nullptr) return std::nullopt;
    return std::string(typed);
  };
  auto answer = co_await on_thread(std::move(work));
  if (!answer) co_return std::nullopt;
  co_return std::move(*answer);
}

}  // namespace sockx

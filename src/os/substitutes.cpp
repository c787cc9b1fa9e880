#include "os/substitutes.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "os/bytes.hpp"

namespace sockx {

UniqueFd open_null_device() {
  UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw_errno("open /dev/null", Origin::local_file);
  return null;
}

UniqueFd open_text(std::string_view content) {
  UniqueFd file(memfd_create("text", MFD_CLOEXEC));
  if (!file) throw_errno("memfd_create");
  const auto described = describe(file.get(), "memory", Origin::system);
  for (auto left = std::as_bytes(std::span(content)); !left.empty();)
    left = left.subspan(write_some(described, left).bytes);
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace sockx

#include "flow/file_reader.hpp"

#include <fcntl.h>

#include <memory>

#include "base/error.hpp"
#include "flow/on_thread.hpp"
#include "os/file_advice.hpp"

namespace sockx {

Task<> FileReader::read(int file, off_t offset, std::uint64_t bytes) {
  auto slot = co_await threads_.enter();
  const auto own = std::make_shared<UniqueFd>(fcntl(file, F_DUPFD_CLOEXEC, 0));
  if (!*own) throw_errno("fcntl");
  std::function<bool()> work = [own, offset, bytes, slot = std::move(slot)] {
    read_into_page_cache(own->get(), offset, bytes);
    return true;
  };
  co_await on_thread<bool>(std::move(work));
}

Task<> read_beside(EventLoop& loop, int file, off_t offset, std::uint64_t bytes) {
  try {
    co_await loop.file_reader().read(file, offset, bytes);
  } catch (const Error&) {
  }
}

}  // namespace sockx

#include "flow/file_reader.hpp"

#include <fcntl.h>

#include <memory>

#include "base/error.hpp"
#include "flow/on_thread.hpp"
#include "os/calls.hpp"
#include "os/file_advice.hpp"

namespace sockx {

Task<FileRead> FileReader::read(int file, off_t offset, std::uint64_t bytes) {
  auto slot = co_await threads_.enter();
  const auto own = std::make_shared<UniqueFd>(fcntl(file, F_DUPFD_CLOEXEC, 0));
  if (!*own) throw_errno("fcntl");
  std::function<FileRead()> work = [own, offset, bytes, slot = std::move(slot)] {
    const auto waits = waits_of_this_thread();
    const auto begun = Clock::now();
    read_into_page_cache(own->get(), offset, bytes);
    return FileRead{Clock::now() - begun, waits_of_this_thread() != waits};
  };
  auto read = co_await on_thread<FileRead>(std::move(work));
  co_return read.value_or(FileRead());
}

Task<FileRead> read_beside(EventLoop& loop, int file, off_t offset, std::uint64_t bytes) {
  FileRead read;
  try {
    read = co_await loop.file_reader().read(file, offset, bytes);
  } catch (const Error&) {
  }
  co_return read;
}

}  // namespace sockx

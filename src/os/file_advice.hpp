// The page cache: advice to the kernel on how a file will be read, by posix_fadvise(2), and what is there of
// it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace sockx {

/// Whether the kernel may read ahead in the open file. It is on for a file that has just been opened.
void set_read_ahead(int file, bool is_on);
/// Lets go of what has been read ahead from `offset` on, as far as nobody else uses it, up to `length` bytes.
/// In it are the marks at which the kernel reads further ahead, even when it is told not to.
void drop_read_ahead(int file, off_t offset, std::size_t length);
/// Begins to read these bytes, and no others, into the page cache, without waiting for them.
void begin_to_read(int file, off_t offset, std::size_t length);
/// Reads these bytes into the page cache, and waits for the disk. An error ends it.
void read_into_page_cache(int file, off_t offset, std::uint64_t length);
/// False if a read at `offset` would wait for the disk. Not every file system tells.
bool is_in_page_cache(int file, off_t offset);

}  // namespace sockx

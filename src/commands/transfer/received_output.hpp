// ReceivedOutput: the file, standard output or null device that a raw transfer is written to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "net/address/address.hpp"
#include "os/calls.hpp"
#include "os/descriptor.hpp"
#include "os/new_file.hpp"

namespace sockx {

struct ReceivedOutputOptions {
  std::string path = "-";  // a file, or a pattern of names; "-" for standard output
  bool path_given = false, discard = false, no_clobber = false;
  bool is_pattern = false, is_one_of_several = false;

  bool to_standard_output() const { return path == "-" && !discard; }
};

/// Throws BadInput for options that do not go together.
void check(const ReceivedOutputOptions& options);

/// The path for transfer `number`. A pattern has %n number, %h peer, %t time, %% percent sign. The name of a
/// peer adds no slash, and different names give different paths.
std::string path_of(const ReceivedOutputOptions& options, std::uint64_t number, const Address& peer);

/// A file that gets its name when it is complete, standard output, or /dev/null.
class ReceivedOutput {
 public:
  /// Throws Error with Origin::local_file.
  ReceivedOutput(const ReceivedOutputOptions& options, const std::string& path);
  /// To be called when the transfer is complete. With `sync`, the file is on disk before it gets its name.
  void complete(bool sync) {
    if (file_)
      file_->complete(sync);
    else
      check_written(described_);
  }
  UniqueFd take_fd() { return std::move(fd_); }
  const Descriptor& described() const { return described_; }

 private:
  std::unique_ptr<NewFile> file_;
  UniqueFd fd_;
  Descriptor described_;
};

/// Waits until a FIFO has a reader (ENXIO before), until `limit` and while the connection to the sender has
/// no error. Throws Error and TimedOut.
Task<std::unique_ptr<ReceivedOutput>> open_received_output(const ReceivedOutputOptions& options,
                                                           std::string path, Descriptor sender,
                                                           Deadline limit);

}  // namespace sockx

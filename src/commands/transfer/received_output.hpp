// Where one received transfer goes.
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

/// The path of transfer `number`, where a pattern says %n number, %h peer, %t time, %% a percent sign. A
/// peer's name never brings a slash into it, and no two names give the same path.
std::string path_of(const ReceivedOutputOptions& options, std::uint64_t number, const Address& peer);

/// A file that gets its name when it is whole, standard output, or nowhere.
class ReceivedOutput {
 public:
  /// Throws Error with Origin::local_file.
  ReceivedOutput(const ReceivedOutputOptions& options, const std::string& path);
  /// The transfer is whole; with `sync` it is on disk before the file gets its name.
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

/// A fifo that nobody reads yet (ENXIO) is waited for until `limit`, as long as the sender waits too. Throws
/// Error and TimedOut.
Task<std::unique_ptr<ReceivedOutput>> open_received_output(const ReceivedOutputOptions& options,
                                                           std::string path, Descriptor sender,
                                                           Deadline limit);

}  // namespace sockx

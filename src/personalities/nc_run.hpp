// NcRun: what the parts of a running nc share: its options, its messages and the standard streams.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "base/non_copyable.hpp"
#include "cli/context.hpp"
#include "flow/stream.hpp"
#include "net/address/address.hpp"
#include "os/terminal_mode.hpp"
#include "personalities/nc_options.hpp"

namespace sockx {

/// The run, or the conversation with one peer, has failed; status 1. The message has no name before it.
class NcFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// "what: Connection refused"; without `what` the reason alone, as err(3) has it.
  NcFailure(const std::string& what, int error);
};

class NcRun : NonCopyable {
 public:
  NcRun(const NcOptions& given, Context& for_run) : options(given), context(for_run) {}

  /// A line on standard error, with the name that nc was called by before it.
  void warn(const std::string& message) const;
  /// A line without it.
  void say(const std::string& line) const { context.report.say(line); }
  /// With -v: "Listening on 0.0.0.0 7900".
  Task<> tell_address(std::string what, Address address) const;
  void tell_path(const std::string& what, const std::string& path) const;

  /// The standard streams, taken over when first asked for: several conversations may use them, one after
  /// the other. With -d the input is empty.
  Stream& input();
  Stream& output();

  const NcOptions& options;
  Context& context;
  int status = 0;
  const TerminalMode* terminal_mode = nullptr;  // while the user is asked for a password

 private:
  std::optional<Stream> input_, output_;
};

/// What failed, in one line for nc's user.
std::string nc_message(std::exception_ptr thrown);

}  // namespace sockx

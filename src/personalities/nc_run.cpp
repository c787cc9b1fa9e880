#include "personalities/nc_run.hpp"

#include <netdb.h>

#include <cstring>

#include "base/text.hpp"
#include "flow/on_thread.hpp"
#include "net/address/lookups.hpp"
#include "os/substitutes.hpp"

namespace sockx {

NcFailure::NcFailure(const std::string& what, int error)
    : std::runtime_error(text("{}{}{}", what, what.empty() ? "" : ": ", strerror(error))) {}

void NcRun::warn(const std::string& message) const { say(text("{}: {}", options.name, one_line(message))); }

/// getnameinfo(3) may ask a name server.
Task<> NcRun::tell_address(std::string what, Address address) const {
  if (options.verbosity == 0) co_return;
  NameAnswer answer;
  if (options.numeric || address.is_any()) {
    answer = get_name_info(address, NI_NUMERICHOST | NI_NUMERICSERV);
  } else {
    std::function<NameAnswer()> work = [address] { return get_name_info(address, NI_NUMERICSERV); };
    auto found = co_await on_thread(std::move(work));
    if (found) answer = std::move(*found);
  }
  if (!answer.status) {
    warn(text("getnameinfo: {}", answer.status.explanation()));
    co_return;
  }
  say(text("{} on {} {}", what, one_line(answer.host), answer.service));
}

void NcRun::tell_path(const std::string& what, const std::string& path) const {
  if (options.verbosity > 0) say(text("{} on {}", what, one_line(path)));
}

Stream& NcRun::input() {
  auto& loop = context.loop();
  if (!input_ && options.reads_input) input_.emplace(Stream::standard_input(loop));
  if (!input_) input_.emplace(loop, open_null_device(), "/dev/null", Origin::local_file);
  return *input_;
}

Stream& NcRun::output() {
  if (!output_) output_.emplace(Stream::standard_output(context.loop()));
  return *output_;
}

std::string nc_message(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const NcFailure& failure) {
    return failure.what();
  } catch (...) {
    return describe_failure(std::current_exception()).message;
  }
}

}  // namespace sockx

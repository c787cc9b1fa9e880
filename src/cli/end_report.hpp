// EndReport: what is said at the end of a piece of work, however that comes.
#pragma once

#include <functional>
#include <utility>

#include "base/non_copyable.hpp"
#include "cli/context.hpp"

namespace sockx {

/// Tells once: by complete(), or, when the work failed or was cancelled, as it is dropped.
class EndReport : NonCopyable {
 public:
  using Tell = std::function<void(bool complete)>;

  EndReport(Context& context, Tell tell) : context_(context), tell_(std::move(tell)) {}
  ~EndReport() {
    if (!tell_) return;
    try {
      tell_(false);
    } catch (const std::exception& error) {
      context_.log.debug("{}", error.what());  // there is a better reason for the failure already
    }
  }

  /// The work is done. Throws Error when that cannot be said.
  void complete() { std::exchange(tell_, nullptr)(true); }

 private:
  Context& context_;
  Tell tell_;
};

}  // namespace sockx

// EndReport: what is reported at the end of a piece of work, however it ends.
#pragma once

#include <functional>
#include <utility>

#include "base/non_copyable.hpp"
#include "cli/context.hpp"

namespace sockx {

/// Reports once: in complete(), or when it is dropped because the work failed or was cancelled.
class EndReport : NonCopyable {
 public:
  using Tell = std::function<void(bool complete)>;

  EndReport(Context& context, Tell tell) : context_(context), tell_(std::move(tell)) {}
  ~EndReport() {
    if (!tell_) return;
    try {
      tell_(false);
    } catch (const std::exception& error) {
      context_.log.debug("{}", error.what());  // the work has failed for another reason already
    }
  }

  /// Reports that the work is done. Throws Error when that cannot be written.
  void complete() { std::exchange(tell_, nullptr)(true); }

 private:
  Context& context_;
  Tell tell_;
};

}  // namespace sockx

#include "commands/shared/dialing.hpp"

#include <cstring>

namespace sockx {

DialOptions dial_options(Context& context, const StreamOptions& stream, const TimeLimits& limits) {
  DialOptions options{stream, deadline_in(limits.connect)};
  options.tell = [&context](const DialEvent& event) {
    const auto address = event.address.to_string();
    switch (event.kind) {
      case DialEvent::Kind::trying:
        return context.log.debug("trying {}", address);
      case DialEvent::Kind::failed:
        return context.log.debug("{}: {}", address, strerror(event.error));
      case DialEvent::Kind::connected:
        return context.log.debug("{} has accepted", address);
    }
  };
  return options;
}

}  // namespace sockx

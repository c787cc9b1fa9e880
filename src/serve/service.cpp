#include "serve/service.hpp"

#include "flow/event_loop.hpp"

namespace sockx {

Task<> Service::attend(Server&) { return sleep_until(never); }

Task<> Service::ready_for_next() { co_return; }

Task<> Service::ready_to_stop() { co_return; }

}  // namespace sockx

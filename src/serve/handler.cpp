#include "serve/handler.hpp"

namespace sockx {

Task<> Handler::attend() {
  auto& loop = co_await this_loop();
  co_await loop.sleep_until(never);
}

}  // namespace sockx

#include "serve/handler.hpp"

namespace sockx {

Task<> Handler::attend() { return sleep_until(never); }

}  // namespace sockx

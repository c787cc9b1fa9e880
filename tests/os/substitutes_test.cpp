#include "os/substitutes.hpp"

#include <doctest/doctest.h>

#include <string>

#include "../support/descriptors.hpp"
#include "../support/files.hpp"
#include "os/descriptor.hpp"

using namespace sockx;
using namespace test;

TEST_CASE("substitutes: the null device is read and written and close-on-exec") {
  const auto null = open_null_device();
  put(null.get(), "dropped");
  CHECK(read_available(null.get()).empty());
  CHECK(describe(null.get(), "null", Origin::local_file).kind == Descriptor::Kind::null_device);
  CHECK((fcntl(null.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("substitutes: a text is read from its beginning, any bytes and none") {
  for (const auto& content : {std::string(), std::string("a\0b\n", 4), noise(300'000)}) {
    const auto file = open_text(content);
    CHECK(difference(read_available(file.get()), content) == "");
    CHECK(describe(file.get(), "text", Origin::local_file).is_file());
    CHECK((fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

// The one file that knows the paths of this checkout, so that the others compile to the same objects in every
// one.
#include "subject.hpp"

namespace test {

std::string source_folder() { return SOCKX_SOURCE; }
std::string build_folder() { return SOCKX_BUILD; }

}  // namespace test

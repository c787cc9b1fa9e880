// A driver of a sanitized build: becomes that of another build, and has it drive the programs of this one.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int main(int, char** argv) {
  setenv("SOCKX_SANITIZED_BUILD", SOCKX_BUILD, 1);
  execv(SOCKX_LENT_DRIVER, argv);
  std::perror(SOCKX_LENT_DRIVER);
  return 1;
}

// sockx: the BSD socket interface, usable from a shell.
#include "app/app.hpp"

int main(int argc, char** argv) { return sockx::run_app({argv, argv + argc}); }

// nc: sockx called by that name behaves as OpenBSD's nc does.
#pragma once

#include <string>
#include <vector>

namespace sockx {

/// Whether a program of this name, a path or the last part of one, is to be nc: nc, netcat, nc.sockx.
bool is_name_of_nc(const std::string& called);

/// The whole run; the first word is the name that it was called by. Returns the exit status, or dies by the
/// signal that has ended the run.
int run_nc(const std::vector<std::string>& words);

}  // namespace sockx

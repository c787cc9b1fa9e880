// run_in_own_network: many jobs side by side, each thread with a network of its own, where every port is
// free.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace test {

/// Runs in a child process without a controlling terminal, with its own mounts, in which the names of
/// /etc/hosts are those of `hosts` and nobody else resolves names. `threads` threads, each in a network
/// namespace with the loopback up, take the jobs in order. Returns the jobs' results in their order. Where
/// namespaces are not allowed the result is empty, and a message says so.
std::vector<std::string> run_in_own_networks(const std::string& hosts, std::size_t threads,
                                             const std::vector<std::function<std::string()>>& jobs);

}  // namespace test

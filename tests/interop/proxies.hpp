// Proxies that others have written: how each is started, what it speaks, and what it cannot do.
#pragma once

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"

namespace test {

using Words = std::vector<std::string>;

/// The path of a program, also of a daemon and of what scripts/install-deps has unpacked. Empty where there
/// is none, which is a failure in CI.
inline std::string path_of(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "/usr/bin:/bin") +
                             ":/usr/sbin:" + source_folder() + "/build/peers/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + '/' + program).c_str(), X_OK) == 0) return folder + '/' + program;
  is_missing(program);
  return "";
}

constexpr std::size_t payload_size = (3U << 20U) + 1;

/// What a client sends comes back whole.
inline void check_comes_back(const Words& words) {
  const auto content = noise(payload_size);
  Process client(words, {.in = Stdio::pipe(), .environment = {"no_proxy=", "NO_PROXY="}});
  client.feed(content);
  check_end(client, exited(0));
  CHECK_MESSAGE(difference(client.out(), content) == "", client.command(), client.err());
}

/// For a process that has to be told its port: it is started again with another one when that was taken
/// meanwhile.
template <class MakeWords>
std::unique_ptr<Process> start_on_free_port(MakeWords words_for, const Process::Options& options = {}) {
  for (int attempt = 1;; ++attempt) {
    const auto port = HeldPort().port();
    auto process = std::make_unique<Process>(words_for(port), options);
    try {
      port_of(*process);
      return process;
    } catch (const std::runtime_error&) {
      if (attempt == 5) throw;
    }
  }
}

/// An SSH server with keys of its own, which serves one connection on its standard streams. It touches
/// nothing of the system's: the only user is the one who runs it.
class SshServer {
 public:
  explicit SshServer(const Folder& folder) : folder_(folder) {
    fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
    for (const std::string key : {"host", "user"})
      run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key});
    write_file(folder / "authorized", read_file(folder / "user.pub"));
    write_file(folder / "known", "test " + read_file(folder / "host.pub"));
    write_file(folder / "config",
               "HostKey " + (folder / "host") + "\nAuthorizedKeysFile " + (folder / "authorized") +
                   "\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\n");
    if (geteuid() != 0) return;
    // As root it would want the user and the folder of its package.
    fs::permissions(folder / "host", fs::perms::owner_all | fs::perms::others_read);
    user_ = "daemon";
    as_user_ = {"setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups"};
  }

  static bool is_missing() {
    return path_of("sshd").empty() || path_of("ssh").empty() || path_of("setpriv").empty();
  }
  Words serves() const { return as_user_ + Words{path_of("sshd"), "-i", "-f", folder_ / "config"}; }
  /// A client that is connected by a command.
  Words client(const std::string& proxy_command, const Words& more) const {
    return Words{"ssh", "-F", "none", "-i", folder_ / "user"} + more +
           Words{"-o",           "BatchMode=yes",
                 "-o",           "IdentitiesOnly=yes",
                 "-o",           "ExitOnForwardFailure=yes",
                 "-o",           "StrictHostKeyChecking=yes",
                 "-o",           "GlobalKnownHostsFile=none",
                 "-o",           "UserKnownHostsFile=" + (folder_ / "known"),
                 "-o",           "HostKeyAlias=test",
                 "-o",           "ProxyCommand=" + proxy_command,
                 user_ + "@test"};
  }

 private:
  const Folder& folder_;
  std::string user_ = getpwuid(geteuid())->pw_name;
  Words as_user_;
};

/// A proxy, which runs as long as this lives.
struct OtherProxy {
  std::string name;
  std::vector<std::string> schemes;
  bool passes_half_closes = false;  // else it ends both directions when one of them ends
  std::string credentials = "";     // where it demands them
  std::shared_ptr<Folder> folder = std::make_shared<Folder>();
  std::unique_ptr<Process> process = nullptr;
  std::string port = "";

  std::string url(const std::string& scheme, const std::string& user) const {
    return scheme + "://" + (user.empty() ? "" : user + "@") + "127.0.0.1:" + port;
  }
  std::string url(const std::string& scheme) const { return url(scheme, credentials); }
  std::string url() const { return url(schemes.front()); }
};

template <class MakeWords>
OtherProxy started(OtherProxy proxy, MakeWords words_for) {
  const auto& folder = *proxy.folder;
  proxy.process = start_on_free_port([&](const std::string& port) { return words_for(port, folder); });
  proxy.port = port_of(*proxy.process);
  return proxy;
}

const std::string a_user = "ann", a_password = "p4ss:word";

inline OtherProxy microsocks(bool has_users = false) {
  OtherProxy proxy{"microsocks", {"socks5h", "socks5"}};
  Words users;
  if (has_users) {
    proxy.credentials = a_user + ":" + a_password;
    users = {"-u", a_user, "-P", a_password};
  }
  return started(std::move(proxy), [&](const std::string& port, const Folder&) {
    return Words{"microsocks", "-i", "127.0.0.1", "-p", port} + users;
  });
}

inline OtherProxy tinyproxy(bool has_users = false) {
  OtherProxy proxy{"tinyproxy", {"http"}};
  std::string users;
  if (has_users) {
    proxy.credentials = "ann:password";
    users = "BasicAuth ann password\n";
  }
  return started(std::move(proxy), [&](const std::string& port, const Folder& folder) {
    return Words{"tinyproxy", "-d", "-c",
                 write_file(folder / "tinyproxy.conf",
                            "Port " + port + "\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\n" + users)};
  });
}

/// It refuses names by SOCKS4a, from curl too.
inline OtherProxy danted() {
  OtherProxy proxy{"danted", {"socks5h", "socks5", "socks4"}, true};
  const std::string users = geteuid() == 0 ? "user.privileged: root\nuser.unprivileged: nobody\n" : "";
  return started(std::move(proxy), [&](const std::string& port, const Folder& folder) {
    return Words{path_of("danted"), "-f",
                 write_file(folder / "danted.conf",
                            "logoutput: stderr\ninternal: 127.0.0.1 port = " + port +
                                "\nexternal: 127.0.0.1\nclientmethod: none\nsocksmethod: none\n" + users +
                                "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n"
                                "socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect }\n")};
  });
}

inline OtherProxy ssh() {
  OtherProxy proxy{"ssh -D", {"socks5h", "socks5", "socks4a", "socks4"}, true};
  const SshServer server(*proxy.folder);
  std::string command;
  for (const auto& word : server.serves()) command += word + " ";
  return started(std::move(proxy), [&](const std::string& port, const Folder&) {
    return server.client(command, {"-N", "-D", "127.0.0.1:" + port});
  });
}

inline OtherProxy ncat_proxy(bool has_users = false) {
  OtherProxy proxy{"ncat", {"http"}};
  Words users;
  if (has_users) {
    proxy.credentials = a_user + ":" + a_password;
    users = {"--proxy-auth", proxy.credentials};
  }
  return started(std::move(proxy), [&](const std::string& port, const Folder&) {
    return Words{"ncat", "-l", "-k", "--proxy-type", "http"} + users + Words{"127.0.0.1", port};
  });
}

}  // namespace test

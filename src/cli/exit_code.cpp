#include "cli/exit_code.hpp"

#include <cerrno>
#include <cstring>
#include <map>

#include "base/error.hpp"
#include "net/address/resolve.hpp"
#include "net/stream/port_state.hpp"
#include "net/stream/scan.hpp"

namespace sockx {

namespace {

ExitCode status_of_connection(int error) {
  switch (port_state(error)) {
    case PortState::refused:
      return ExitCode::refused;
    case PortState::timed_out:
      return ExitCode::timed_out;
    case PortState::unreachable:
      return ExitCode::unreachable;
    case PortState::open:
    case PortState::proxy_refused:
    case PortState::failed:
      break;
  }
  switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return ExitCode::reset_by_peer;
    case EACCES:
    case EPERM:
      return ExitCode::cannot_bind_or_open;
    default:
      return ExitCode::other_failure;
  }
}

ExitCode status_of(const Error& error) {
  switch (error.origin()) {
    case Origin::system:
    case Origin::child:
      return ExitCode::other_failure;
    case Origin::local_address:
    case Origin::process:
      return ExitCode::cannot_bind_or_open;
    case Origin::peer:
      return status_of_connection(error.number());
    case Origin::local_file:
    case Origin::standard_output:
      return ExitCode::local_io;
  }
  return ExitCode::other_failure;
}

Failure failed_call(ExitCode status, const std::string& message, int error) {
  const char* const name = strerrorname_np(error);
  return {status, message, error, name ? name : ""};
}

/// The message `what` with its settings. The first word of a setting is its name, the rest is a value.
std::string with_settings(const char* what, const Settings& settings,
                          std::string (*word_of)(const std::string&)) {
  const auto words = [&](const std::string& setting) {
    const auto name = setting.substr(0, setting.find(' '));
    return word_of(name) + setting.substr(name.size());
  };
  return (settings.wrong.empty() ? "" : words(settings.wrong) + ": ") + what +
         (settings.mend.empty() ? "" : "; say " + words(settings.mend));
}

}  // namespace

std::string flag_of(const std::string& setting) {
  static const std::map<std::string, std::string> commands{
      {"connect", "sockx connect"},     {"listen", "sockx listen"}, {"scan", "sockx connect --scan"},
      {"sockopt", "sockx sockopt set"}, {"udp", "sockx udp"},       {"udp-listen", "sockx udp --listen"}};
  const auto found = commands.find(setting);
  return found == commands.end() ? "--" + setting : found->second;
}

Failure describe_failure(std::exception_ptr thrown, std::string (*word_of)(const std::string&)) {
  try {
    std::rethrow_exception(thrown);
  } catch (const BadInput& error) {
    return {ExitCode::usage, with_settings(error.what(), error, word_of)};
  } catch (const ResolveError& error) {
    return {ExitCode::name_not_resolved, error.what(), 0, error.name()};
  } catch (const NotOpen& error) {
    return {ExitCode::refused, error.what()};
  } catch (const TimedOut& error) {
    return failed_call(ExitCode::timed_out, error.what(), ETIMEDOUT);
  } catch (const Incomplete& error) {
    return {ExitCode::incomplete, error.what()};
  } catch (const Corrupt& error) {
    return {ExitCode::integrity_mismatch, error.what()};
  } catch (const TlsError& error) {
    return {ExitCode::tls, error.what()};
  } catch (const ProxyError& error) {
    return {ExitCode::proxy, with_settings(error.what(), error, word_of)};
  } catch (const Error& error) {
    return failed_call(status_of(error), with_settings(error.what(), error, word_of), error.number());
  } catch (const std::exception& error) {
    return {ExitCode::other_failure, error.what()};
  }
}

bool is_broken_standard_output(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return error.origin() == Origin::standard_output && error.number() == EPIPE;
  } catch (...) {
    return false;
  }
}

}  // namespace sockx

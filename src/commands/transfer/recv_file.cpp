#include "commands/transfer/recv_file.hpp"

#include <cerrno>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/flag_groups.hpp"
#include "cli/time_limits.hpp"
#include "commands/transfer/receiving_service.hpp"
#include "net/address/lookups.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t descriptors_of_a_file = 2;  // that a raw transfer opens

void check(const RecvFileOptions& options) {
  const auto &expected = options.receive.expected, &most = options.receive.most;
  if (expected && most && *expected > *most)
    throw BadInput(
        text("--size {}: that is more than --max-size {}: leave one of them out", *expected, *most));
  check(options.hosting);
  if (options.hosting.activation.inetd && !options.verified.asked && options.output.to_standard_output())
    throw BadInput("--inetd: standard output is the connection: say -o FILE, --discard or --verified");
  if (!options.verified.asked) return check(options.output);
  if (!options.output.path_given) return;
  const auto& path = options.output.path;
  if (path == "-")
    throw BadInput("--output '-': --verified gives files their names when they are whole: say --output FILE");
  if (path.empty() || path.ends_with('/'))
    throw BadInput(text("--output '{}': name a file, or say --output-dir DIR", path));
  if (options.hosting.keep_open)
    throw BadInput(text("--output '{}': many transfers do not go into one file: say --output-dir DIR", path));
  if (options.verified.folder_given)
    throw BadInput(text("--output '{}': that is the whole path of one file: leave --output-dir out", path));
}

/// The host to listen on, if the user may have meant it as a file name, as with send-file.
std::string host_like_file(const RecvFileOptions& options) {
  const bool may_be =
      options.connection.listens && options.output.to_standard_output() && !options.output.path_given;
  const auto* const where = options.endpoint ? std::get_if<HostPort>(&options.endpoint->where) : nullptr;
  return may_be && where != nullptr ? where->host : "";
}

/// Throws BadInput for a path in the place of the host, and for a name behind the port.
void check_host(const RecvFileOptions& options, const std::vector<std::string>& words) {
  const bool may_be = words.size() == 2 && options.connection.listens &&
                      options.output.to_standard_output() && !options.output.path_given;
  if (!may_be) return;
  if (words[0].find('/') != std::string::npos && words[0].find("://") == std::string::npos)
    throw BadInput(text("'{0}': to receive into a file say -o {0} {1}", words[0], words[1]));
  if (is_all_digits(words[0]) && !is_all_digits(words[1]))
    throw BadInput(text("'{0}': to receive into a file say -o {0} {1}", words[1], words[0]));
}

void read_words(RecvFileOptions& o, const std::vector<std::string>& words) {
  if (!o.connection.listens && words.empty())
    throw BadInput("say whom to connect to: HOST PORT, HOST:PORT or unix:PATH");
  check_host(o, words);
  o.endpoint = o.connection.listens ? endpoint_to_listen_on(o.hosting.activation, words)
                                    : parse_endpoint(o.connection, words);
}

/// Reports what would make every transfer fail before the first one.
void check_folders(const RecvFileOptions& options) {
  const auto& output = options.output;
  if (options.verified.asked && !output.path_given) {
    const auto& folder = options.verified.options.folder;
    std::error_code failure;
    if (!std::filesystem::exists(folder, failure) && !failure)
      throw about("output-dir", Error(ENOENT, text("'{}': create it first", folder), Origin::local_file));
    return check_folder(folder);
  }
  const bool is_pattern = output.is_pattern && output.path.find('%') < output.path.rfind('/');
  if (output.discard || output.to_standard_output() || is_pattern) return;
  if (output.no_clobber && !output.is_pattern) check_new(output.path);
  check_folder_of(output.path);
}

/// The deadline is applied inside the transfer, so that a file that is too short is reported as incomplete.
Task<> fetch(Context& context, ProgressBoard& board, const RecvFileOptions& options) {
  const auto deadline = deadline_in(options.limits.whole_run);
  ConnectionSource connections(context, board, options.connection, *options.endpoint, options.limits,
                               deadline);
  auto connection = co_await connections.next();
  if (!options.verified.asked) {
    co_await receive(context, board, options, std::move(connection), 1, deadline);
    co_return;
  }
  NextConnectionOf next = [&connections](SessionId) { return connections.next(); };
  auto wanted = verified_options(options, deadline);
  co_await receive_verified_files(context, board, std::move(connection), std::move(next), std::move(wanted));
}

void serve_senders(Context& context, ProgressBoard& board, const RecvFileOptions& options) {
  const bool keeps_open = options.hosting.keep_open;
  const auto deadline = keeps_open ? never : deadline_in(options.limits.whole_run);
  ReceivingService* service = nullptr;
  const auto make_service = [&] {
    auto made = std::make_unique<ReceivingService>(context.loop(), context, board, options, deadline);
    service = made.get();
    return made;
  };
  auto admission = options.hosting;
  if (options.verified.asked) admission.most.reset();  // a transfer may have several connections
  host({.context = context,
        .endpoint = options.endpoint,
        .listening = options.connection.listening,
        .options = admission,
        .accept_timeout = options.limits.accept,
        .whole_run = keeps_open ? options.limits.whole_run : std::nullopt,
        .accept_deadline = deadline,
        .make_service = make_service,
        .is_one = !keeps_open && !options.verified.asked,
        .must_serve = true,
        .reserved = descriptors_of_a_file,
        .grace = 0s,
        .board = &board,
        .tell_listening = [&](const Address& where) { service->listens_at(where.to_string()); }});
}

}  // namespace

void declare(Flags& flags, RecvFileOptions& o) {
  const auto& words = flags.add_words(2,
                                      "[HOST] PORT\n"
                                      "       sockx recv-file --connect [OPTIONS] HOST PORT\n"
                                      "       sockx recv-file --verified [OPTIONS] [HOST] PORT",
                                      {ValueKind::endpoint, ValueKind::service}, false);
  const auto take_output = [&o](const std::string& file) {
    o.output.path = file == "/dev/stdout" ? "-" : file;  // standard output, not a file to replace
    o.output.path_given = true;
  };
  flags.add_value("-o,--output", "FILE", take_output,
                  "write to FILE, which appears under its name only when it is complete; - is standard "
                  "output; with --keep-open, %n, %h and %t in the name become number, peer and time",
                  ValueKind::file);
  const auto discard = flags.add_flag("--discard", o.output.discard, "count the bytes and discard them");
  const auto keep_open =
      flags.add_flag("-k,--keep-open", o.hosting.keep_open, "accept further transfers, several at once");
  const auto no_clobber =
      flags.add_flag("--no-clobber", o.output.no_clobber, "refuse to replace an existing FILE");
  flags.add_flag("--fsync", o.fsync, "flush FILE to disk before it is renamed and the connection is closed");
  const auto size = flags.add_size("--size", o.receive.expected, "fail unless exactly SIZE bytes arrive");
  flags.add_size("--max-size", o.receive.most, "fail when more than SIZE bytes arrive");
  const auto method = flags.add_choice("--method", o.receive.method,
                                       {{"auto", TransferMethod::automatic},
                                        {"splice", TransferMethod::splice},
                                        {"read-write", TransferMethod::read_write}},
                                       "how to move the bytes (default: auto)");
  add_verified_flags(flags, o.verified);
  for (const auto& raw : {discard, no_clobber, size, method}) flags.get("--verified").excludes(raw);
  add_progress_flags(flags, o.progress);
  const auto connect = add_connection_flags(flags, o.connection, o.limits).excludes(keep_open);
  add_binding_flags(flags, o.connection.listening);
  add_idle_timeout_and_deadline(flags, o.limits);
  {
    const HelpSection section(flags, "Servers");
    add_admission_flags(flags, o.hosting);
  }
  add_access_flags(flags, o.hosting.access);
  add_activation_flags(flags, o.hosting.activation);
  flags.exclude(
      {"--v6only", "--reuse-port", "--mode", "--owner", "--max-conns", "--reject", "--drain-timeout",
       "--allow", "--deny", "--allow-file", "--deny-file", "--accept-proxy", "--inetd", "--systemd"},
      connect);
  flags.set_examples(
      {{"sockx recv-file -o backup.tar 5678", "receive one file, which appears when it is complete"},
       {"sockx recv-file --discard --keep-open 5678", "count received bytes, one transfer after another"},
       {"sockx recv-file 5678 | tar x", "pass the stream to another program"},
       {"sockx recv-file --verified --output-dir in 5678", "receive files and directories, each verified"},
       {"sockx recv-file --connect 192.0.2.7:5678 -o disk.img", "fetch a file from a sender that listens"}});
  flags.when_read([&o, &words] {
    const bool keeps_open = o.hosting.keep_open;
    o.output.is_pattern = keeps_open || o.hosting.activation.are_given();
    o.output.is_one_of_several = keeps_open;
    o.hosting.access.numeric = o.connection.stream().numeric;
    o.receive.idle_timeout = o.limits.idle;
    check(o);
    read_words(o, words);
    check(o.hosting.access, o.endpoint, o.connection.stream());
    complete_way(o.connection, o.endpoint.value_or(Endpoint()));
  });
}

ExitCode run(Context& context, const RecvFileOptions& given) {
  auto options = given;
  use_way(context, options.connection, options.endpoint, options.limits.idle,
          {options.verified.asked ? "send-file --verified" : "send-file", "FILE"});
  options.progress.apply(context);
  if (options.output.to_standard_output() && !options.verified.asked)
    context.report.keep_standard_output_for_payload();
  check_folders(options);
  if (options.hosting.keep_open) {
    context.shows_progress = false;
    context.report.queue_results();
  }
  ProgressBoard board(context);
  try {
    if (options.connection.listens)
      serve_senders(context, board, options);
    else
      board.run(fetch(context, board, options));
  } catch (const ResolveError& error) {
    const auto host = host_like_file(options);
    if (host.empty()) throw;
    throw ResolveError(error, text("; to receive into a file say -o {} {}", host,
                                   std::get<HostPort>(options.endpoint->where).port));
  }
  return ExitCode::done;
}

}  // namespace sockx

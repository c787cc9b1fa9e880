#include "commands/inspect/resolve.hpp"

#include <netdb.h>

#include <algorithm>

#include "base/error.hpp"
#include "cli/flags.hpp"
#include "cli/time_limits.hpp"
#include "commands/inspect/name_lookup.hpp"
#include "commands/inspect/word_source.hpp"
#include "flow/in_order.hpp"
#include "flow/thread_limit.hpp"
#include "net/address/look_up.hpp"
#include "net/address/lookups.hpp"
#include "net/address/names.hpp"
#include "net/stream/scan.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

/// How many results may wait for an earlier one before the next word is read: this limits memory.
constexpr std::size_t most_results = 1024;

/// How many descriptors a look-up has open: an eventfd, a hosts file, sockets to name servers.
constexpr std::size_t descriptors_of_one = 4;

/// A result with the word that it is about.
struct Answer {
  std::string word;
  LookupResult result;
  Duration span{};
};

/// The slot belongs to the thread, which may go on after the time-out.
Task<Answer> ask(const ResolveOptions& options, std::string word, ThreadLimit::Slot slot) {
  const auto begun = Clock::now();
  std::function<LookupResult()> work = [word, question = options.question, family = options.family,
                                        flags = options.flags, timeout = options.timeout,
                                        slot = std::move(slot)] {
    if (timeout) limit_patience_with_name_servers(*timeout);  // after that only the slot is still in use
    return run_lookup(word, question, family, flags);
  };
  Answer answer{word, {}, {}};
  auto asked = "resolve " + word;
  try {
    auto result = co_await look_up(std::move(work), std::move(asked), deadline_in(options.timeout));
    answer.result = std::move(result);
  } catch (const TimedOut&) {
    answer.result.failure = std::current_exception();
  }
  answer.span = Clock::now() - begun;
  co_return answer;
}

/// Reports the answers, and keeps the status of the first failure.
class Teller {
 public:
  Teller(Context& context, bool names_words) : context_(context), names_words_(names_words) {}

  void tell(const Answer& answer) {
    for (const auto& call : answer.result.calls)
      if (calls_are_observed()) tell_observer(call.name, call.arguments, call.result);
    if (answer.result.failure) {
      const auto status = context_.fail(answer.result.failure, {{"word", answer.word}});
      if (status_ == ExitCode::done) status_ = status;
      return;
    }
    const auto prefix = names_words_ ? answer.word + '\t' : "";
    const auto shown = joined(answer.result.lines, "\n",
                              [&prefix](const std::string& line) { return prefix + one_line(line); });
    std::vector<Field> fields{{"word", answer.word}};
    fields.insert(fields.end(), answer.result.fields.begin(), answer.result.fields.end());
    fields.push_back({"seconds", seconds(answer.span)});
    context_.report.result(shown, "resolved", fields);
  }
  ExitCode status() const { return status_; }

 private:
  Context& context_;
  bool names_words_;
  ExitCode status_ = ExitCode::done;
};

Task<> ask_all(const ResolveOptions& options, InOrder<Answer>& answers) {
  auto& loop = co_await this_loop();
  WordSource words(loop, options.words);
  const auto affordable = affordable_sockets() / descriptors_of_one;
  ThreadLimit limit(loop,
                    std::clamp<std::uint64_t>(options.parallel, 1, std::max<std::uint64_t>(1, affordable)));
  std::exception_ptr failure;
  try {
    for (;;) {
      auto word = co_await words.next();
      if (!word) break;
      auto slot = co_await limit.enter();
      auto task = ask(options, std::move(*word), std::move(slot));
      co_await answers.add(std::move(task));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  co_await answers.finish();  // words that were read get their answers, even if reading failed
  if (failure) std::rethrow_exception(failure);
}

Task<> resolve_all(const ResolveOptions& options, Teller& teller) {
  InOrder<Answer>::Deliver deliver = [&teller](const Outcome<Answer>& outcome) {
    if (outcome.failure) std::rethrow_exception(outcome.failure);
    teller.tell(*outcome.result);
  };
  InOrder<Answer> answers(co_await this_loop(), most_results, std::move(deliver));
  co_await any(answers.watch_for_failure(), ask_all(options, answers));
}

}  // namespace

ExitCode run(Context& context, const ResolveOptions& given) {
  if (given.host_name) {
    if (!given.words.empty()) throw BadInput("--hostname: it takes no words");
    const auto name = get_host_name();
    context.report.result(name, "host_name", {{"name", name}});
    return ExitCode::done;
  }
  auto options = given;
  if (options.words.empty()) {
    if (options.question != Question::fqdn)
      throw BadInput("resolve what? Say names or addresses, or - for standard input");
    options.words = {get_host_name()};
    options.question = Question::own_fqdn;
  }
  if ((options.flags & NI_IDN) != 0) use_letters_of_locale();
  const bool single = options.words.size() == 1 && options.words.front() != "-";
  Teller teller(context, !single);
  context.run(while_somebody_reads(resolve_all(options, teller)), options.deadline);
  return teller.status();
}

void declare(Flags& flags, ResolveOptions& o) {
  const auto& words = flags.add_word_list("[WORD...]", {ValueKind::host}, false);
  const auto four = flags.add_flag(
      "-4", [&o] { o.family = AF_INET; }, "IPv4 addresses only");
  const auto six = flags.add_flag(
      "-6", [&o] { o.family = AF_INET6; }, "IPv6 addresses only");
  six.excludes(four);
  std::vector<Flag> questions;
  const auto add_question = [&](const std::string& name, Question question, const std::string& help) {
    const auto added = flags.add_flag(
        name, [&o, question] { o.question = question; }, help);
    for (const auto other : questions) added.excludes(other);
    questions.push_back(added);
    return added;
  };
  const auto canonical =
      add_question("--canonical", Question::canonical, "the canonical name instead of the addresses");
  const auto names =
      add_question("--names", Question::names, "name and service of each ADDRESS[:PORT], by getnameinfo(3)");
  add_question("--aliases", Question::aliases,
               "name, aliases and addresses, by gethostbyname(3) or gethostbyaddr(3)");
  add_question("--fqdn", Question::fqdn, "the fully qualified name; without a word, this host's");
  add_question("--service", Question::service, "services by NAME or PORT, optionally with /PROTOCOL");
  add_question("--protocol", Question::protocol, "protocols by name or number");
  const auto host_name = flags.add_flag("--hostname", o.host_name, "this host's name, by gethostname(2)");
  for (const auto other : questions) host_name.excludes(other);
  questions.push_back(host_name);
  for (const auto other : questions)
    if (other != canonical) other.excludes(four).excludes(six);
  flags.add_constants("--flags", o.flags, ni_flags, "flags of getnameinfo(3), by their NI_ names")
      .needs(names);
  flags.add_duration("--timeout", o.timeout, "give up on a word after DURATION");
  flags.add_duration("--deadline", o.deadline, "give up when the whole run has taken DURATION");
  flags.add_number("--parallel", o.parallel, 1, 1024, "look up N words at once (default: 32)");
  for (const auto* const name : {"--timeout", "--deadline", "--parallel"})
    host_name.excludes(flags.get(name));
  flags.set_examples(
      {{"sockx resolve localhost", "the addresses of a name, in the order to try them"},
       {"sockx resolve - < names", "the addresses of many names, in the order of the file"},
       {"sockx resolve --names 127.0.0.1:80 --flags NI_NUMERICHOST", "the result of getnameinfo(3)"}});
  flags.when_read([&o, &words] { o.words = words; });
}

}  // namespace sockx

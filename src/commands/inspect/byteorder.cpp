#include "commands/inspect/byteorder.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/flags.hpp"
#include "commands/inspect/word_source.hpp"
#include "net/address/byte_order.hpp"

namespace sockx {

namespace {

struct Converted {
  std::string line;
  std::vector<Field> fields;
};

Converted exchanged(const std::string& word, Width width) {
  const auto value = parse_unsigned(word, width);
  const auto result = swap_to_network_order(value, width);
  const auto bytes = bytes_in_memory(result, width);
  const auto hex = text("0x{:0{}x}", result, static_cast<int>(width) / 4);
  return {text("{}  {}  {}", result, hex, hexadecimal(bytes, " ")),
          {{"value", value}, {"result", result}, {"hex", hex}, {"bytes", hexadecimal(bytes)}}};
}

Converted packed(const std::string& word, const std::string& bytes) {
  return {hexadecimal(bytes), {{"value", word}, {"result", hexadecimal(bytes)}}};
}

Converted unpacked(const std::string& word, const std::string& shown) {
  return {shown, {{"value", word}, {"result", shown}}};
}

struct Function {
  std::string_view name;
  Converted (*convert)(const std::string& word, int family);
  bool has_family = false;
};

constexpr std::array functions{
    Function{"htons", [](const std::string& word, int) { return exchanged(word, Width::bits_16); }},
    Function{"htonl", [](const std::string& word, int) { return exchanged(word, Width::bits_32); }},
    Function{"htonll", [](const std::string& word, int) { return exchanged(word, Width::bits_64); }},
    Function{"ntohs", [](const std::string& word, int) { return exchanged(word, Width::bits_16); }},
    Function{"ntohl", [](const std::string& word, int) { return exchanged(word, Width::bits_32); }},
    Function{"ntohll", [](const std::string& word, int) { return exchanged(word, Width::bits_64); }},
    Function{"inet-aton",
             [](const std::string& word, int) { return packed(word, text_to_packed_loosely(word)); }},
    Function{"inet-ntoa",
             [](const std::string& word, int) { return unpacked(word, packed_to_dotted(word)); }},
    Function{"inet-pton",
             [](const std::string& word, int family) { return packed(word, text_to_packed(word, family)); },
             true},
    Function{"inet-ntop",
             [](const std::string& word, int family) { return unpacked(word, packed_to_text(word, family)); },
             true},
};

const Function& find_function(const std::string& word) {
  auto name = word;
  std::ranges::replace(name, '_', '-');
  std::vector<std::string> names;
  for (const auto& function : functions) {
    if (function.name == name) return function;
    names.emplace_back(function.name);
  }
  const auto similar = nearest(name, names);
  throw BadInput(text("'{}': no such function; {}", word,
                      similar.empty() ? "there are " + joined(names) : text("did you mean {}?", similar)));
}

/// The numbers have the bytes 01, 02, 03, ... from the highest to the lowest.
void draw(Context& context) {
  constexpr bool is_little = std::endian::native == std::endian::little;
  const std::string order = is_little ? "little-endian" : "big-endian";
  auto heading = text(
      "This machine is {}: the {} byte of a number stands at the lowest address.\n"
      "The network is big-endian: the highest byte goes first.\n",
      order, is_little ? "lowest" : "highest");
  constexpr std::uint64_t value = 0x0102030405060708;
  for (const auto width : {Width::bits_16, Width::bits_32, Width::bits_64}) {
    const auto bits = static_cast<unsigned>(width);
    const auto number = value >> (64 - bits);
    const auto host = bytes_in_memory(number, width),
               network = bytes_in_memory(swap_to_network_order(number, width), width);
    std::string offsets;
    for (unsigned i = 0; i < bits / 8; ++i) offsets += text(" +{}", i);
    const auto hex = text("0x{:0{}x}", number, bits / 4);
    context.report.result(text("{}\n{} bits, {}\n  address {}\n  host     {}\n  network  {}", heading, bits,
                               hex, offsets, hexadecimal(host, " "), hexadecimal(network, " ")),
                          "byte_order",
                          {{"order", order},
                           {"bits", bits},
                           {"value", number},
                           {"hex", hex},
                           {"host", hexadecimal(host)},
                           {"network", hexadecimal(network)}});
    heading.clear();
  }
}

/// Converts words, and reports each result.
class Converter {
 public:
  Converter(Context& context, const Function& function, int family, bool names_words)
      : context_(context), function_(function), family_(family), names_words_(names_words) {}

  Task<> convert_all(std::vector<std::string> words) {
    WordSource source(context_.loop(), words);
    for (;;) {
      const auto word = co_await source.next();
      if (!word) co_return;
      convert(*word);
    }
  }
  ExitCode status() const { return status_; }

 private:
  /// A bad word does not stop the others.
  void convert(const std::string& word) {
    Converted converted;
    try {
      check_word(word);
      converted = function_.convert(word, family_);
    } catch (const BadInput&) {
      status_ = context_.fail(std::current_exception(), {{"word", word}});
      return;
    }
    converted.fields.insert(converted.fields.begin(), {"function", std::string(function_.name)});
    context_.report.result((names_words_ ? word + '\t' : "") + converted.line, "converted", converted.fields);
  }

  Context& context_;
  const Function& function_;
  int family_;
  bool names_words_;
  ExitCode status_ = ExitCode::done;
};

}  // namespace

ExitCode run(Context& context, const ByteorderOptions& options) {
  if (options.words.empty()) {
    if (options.family != AF_UNSPEC) throw BadInput("--family: only with inet-pton and inet-ntop");
    draw(context);
    return ExitCode::done;
  }
  const auto& function = find_function(options.words.front());
  if (options.family != AF_UNSPEC && !function.has_family)
    throw BadInput(text("--family: {} has none", function.name));
  if (options.words.size() == 1)
    throw BadInput(text("{} of what? Say a value, or - for standard input", function.name));
  const std::vector<std::string> words(options.words.begin() + 1, options.words.end());
  const bool single = words.size() == 1 && words.front() != "-";
  Converter converter(context, function, options.family, !single);
  context.run(while_somebody_reads(converter.convert_all(words)));
  return converter.status();
}

void declare(Flags& flags, ByteorderOptions& o) {
  const auto& words = flags.add_word_list("[FUNCTION VALUE...]", {ValueKind::choice, ValueKind::text}, false);
  for (const auto& function : functions) flags.words().choices.emplace_back(function.name);
  flags.add_choice("--family", o.family, {{"inet", AF_INET}, {"inet6", AF_INET6}},
                   "the address family for inet-pton and inet-ntop (default: determined from the value)");
  flags.set_examples({{"sockx byteorder", "show how this machine and the network store numbers"},
                      {"sockx byteorder htons 80 0x1f90", "exchange the bytes of numbers"},
                      {"sockx byteorder inet-pton ::1", "the bytes of an address"}});
  flags.when_read([&o, &words] { o.words = words; });
}

}  // namespace sockx

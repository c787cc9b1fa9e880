// What users of nc(1), ncat(1) and socat(1) type, as a command line of sockx.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockx {

/// Whether an option of a subcommand, or a global one, takes a value; nothing if there is no such option.
using OptionLookup =
    std::function<std::optional<bool>(const std::string& command, const std::string& option)>;

/// `words` are all that was typed but the subcommand, which may be empty. Nothing where a word has no
/// counterpart. "-lvnp 80" is "sockx listen -vn 80".
std::string from_nc(std::string_view command, const std::vector<std::string>& words,
                    const OptionLookup& takes_value);

/// The same for the address words of socat(1): "TCP-LISTEN:80,fork EXEC:cat" is
/// "sockx listen -k 80 --exec -- cat".
std::string from_socat(const std::vector<std::string>& words);

}  // namespace sockx

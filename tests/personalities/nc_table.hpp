// The table of nc_rows.txt: command lines of nc, what is on their standard input, and the peer that they
// meet.
#pragma once

#include <string>
#include <vector>

namespace test {

/// One action of a scripted peer: a verb and its words.
struct Step {
  std::string verb;
  std::vector<std::string> words;
};

struct NcInput {
  enum class Kind { null, open, closed, text, file } kind = Kind::null;
  std::string text;
  bool stays_open = false;  // after the text
};

/// Where sockx is allowed to differ, by the name of the reason. Either a replacement, of a regular expression
/// in the transcript of nc, which makes it that of sockx, or what the transcript of sockx contains and that
/// of nc does not.
struct NcDifference {
  std::string reason, shows;
  bool is_replacement = false;
  std::string replacement;  // of what `shows` matches
  bool is_certain = true;   // false where nc does well by luck
};

struct NcRow {
  int line = 0;      // in the file
  std::string text;  // as it stands there
  std::vector<std::string> words;
  NcInput input;
  std::vector<Step> steps;
  std::vector<NcDifference> differences;
  bool is_explained = false;  // what explain prints is run too
};

/// Why sockx differs in some rows: a name and the sentence of the manual page.
struct NcReason {
  std::string name, sentence;
};

struct NcTable {
  std::vector<NcReason> reasons;
  std::vector<NcDifference> everywhere;  // replacements for all rows
  std::vector<NcRow> rows;
};

/// Throws std::runtime_error with the number of the line that cannot be read.
NcTable read_nc_table(const std::string& path);

/// As it stands in a transcript: in quotes, with escapes; a long text as its length and a checksum.
std::string quoted(const std::string& text);

}  // namespace test

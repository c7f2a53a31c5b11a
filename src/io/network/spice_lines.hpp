#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_rows.hpp"
#include "io/network/spice_fields.hpp"
#include "kirchhoff/io/network/network_files.hpp"

namespace kirchhoff::detail {

/// The text of a netlist and of the files that it includes, each read once.
class SpiceFiles {
 public:
  /// @param text of the netlist, which must outlive this. @param read_file gives the text of another file.
  SpiceFiles(std::string_view text, const std::string& origin,
             std::function<std::string(const std::string&)> read_file);

  /// The file of that name, relative to the one that the card at `place` stands in.
  std::int32_t include(const std::string& name, SpicePlace place);
  std::string_view text(std::int32_t file) const { return texts_[static_cast<std::size_t>(file)]; }
  const std::vector<std::string>& names() const { return names_; }
  const std::string& name(std::int32_t file) const { return names_[static_cast<std::size_t>(file)]; }
  [[noreturn]] void fail(SpicePlace place, const std::string& what) const;

 private:
  std::function<std::string(const std::string&)> read_file_;
  std::deque<std::string> owned_;
  std::vector<std::string_view> texts_;
  std::vector<std::string> names_;
};

/// Goes through the cards of a netlist: lines that go on (+) are joined, comments and .control blocks left out,
/// .include and .lib replaced by what they name, and nothing is given behind .end.
class SpiceLines {
 public:
  SpiceLines(SpiceFiles& files, SpiceTitle title);

  /// @return false behind the last one. The card's text holds until the next call.
  bool next(SpiceCard& card);
  /// The first line without the marks of a comment, where it is a title.
  std::string title() const;
  /// The first line where it is taken as a title and reads like an element; else empty.
  std::string_view doubtful_title() const { return doubtful_title_; }

 private:
  /// A file that is being read, or a section of it.
  struct Frame {
    Lines lines;
    std::int32_t file = 0;
    std::string section;       // in lower case; empty: the whole file
    SpicePlace asked;          // where it was included
    bool inside = true;        // in the section that is wanted
    bool skipping = false;     // in a section that nobody asked for
    bool found = false;        // the section that is wanted
    std::string_view waiting;  // a line that has been read and not been given
    std::int64_t waiting_line = 0;
    std::string sections;  // those that were passed, for messages
  };

  bool next_joined(Frame& frame, SpiceCard& card);
  bool next_line(Frame& frame, std::string_view& line);
  /// @return whether the card is one that changes what is read, which is then done.
  bool directs(const SpiceCard& card);
  void lib(SpiceFields fields, const SpiceCard& card);
  void endl(const SpiceCard& card);
  void enter(const std::string& name, const std::string& section, const SpiceCard& card);
  void leave();
  bool section_ends(const Frame& frame) const;
  std::string chain(std::int32_t file) const;

  SpiceFiles& files_;
  std::vector<Frame> frames_;
  std::int64_t included_ = 0;
  std::string_view first_line_;
  std::string_view doubtful_title_;
  std::string joined_;    // the card's text, where it goes over several lines
  SpicePlace control_{};  // where a .control begins that has not ended; line 0: nowhere
};

}  // namespace kirchhoff::detail

#include <gtest/gtest.h>

#include <string>

#include "kirchhoff/parallel/progress.hpp"

namespace kirchhoff {
namespace {

const std::string kFigures = " 25 %  1500/6000 steps  612.3/s  7 s left";

TEST(ProgressLine, HasItsWidestBarWhereThereIsRoom) {
  EXPECT_EQ(progress_line("train", 0.5, "50 %", "loss 1", 200),
            "train [" + std::string(15, '=') + std::string(15, ' ') + "] 50 %  loss 1");
}

TEST(ProgressLine, FitsIntoAnyWidth) {
  for (int width = 0; width < 160; ++width) {
    for (const double share : {-1.0, 0.0, 0.25, 1.0}) {
      const auto line = progress_line("train", share, kFigures, "loss 1.234e-04", width);
      EXPECT_LE(line.size(), static_cast<std::size_t>(width)) << line;
    }
  }
}

TEST(ProgressLine, GivesUpTheBarBeforeTheFigures) {
  const auto whole = "train " + kFigures + "  loss 1.234e-04";
  const auto width = static_cast<int>(whole.size());
  EXPECT_EQ(progress_line("train", 0.25, kFigures, "loss 1.234e-04", width), whole);
  EXPECT_EQ(progress_line("train", 0.25, kFigures, "loss 1.234e-04", width - 10), whole.substr(0, whole.size() - 10));
  const auto narrow = progress_line("train", 0.4, kFigures, "loss 1.234e-04", width + 8);
  EXPECT_EQ(narrow, "train [==   ] " + kFigures + "  loss 1.234e-04");
}

TEST(ProgressLine, NeverOverfillsItsBar) {
  for (const double share : {1.0, 1.5}) {
    EXPECT_EQ(progress_line("walk", share, "x", "", 60), "walk [" + std::string(30, '=') + "] x");
  }
}

}  // namespace
}  // namespace kirchhoff

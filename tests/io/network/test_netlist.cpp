#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "kirchhoff/base/error.hpp"
#include "kirchhoff/io/network/network_files.hpp"
#include "oracles.hpp"

namespace kirchhoff {
namespace {

using testing::AllOf;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::Pointwise;
using testing::ThrowsMessage;

constexpr double kShort = std::numeric_limits<double>::infinity();

void expect_same(const Netlist& a, const Netlist& b) {
  EXPECT_EQ(a.nodes, b.nodes);
  EXPECT_EQ(a.ground, b.ground);
  for (const auto member : {&Netlist::resistors, &Netlist::voltages, &Netlist::currents}) {
    EXPECT_EQ((a.*member).tail, (b.*member).tail);
    EXPECT_EQ((a.*member).head, (b.*member).head);
    EXPECT_THAT((a.*member).value, Pointwise(DoubleEq(), (b.*member).value));
  }
}

TEST(Spice, ReadsElementsWithSuffixesCommentsAndContinuations) {
  const auto netlist = parse_spice(
      "R9 is a title 0 1\n"
      "* a comment\n"
      "r1 IN mid 10kOhm $ as in a shop\n"
      "R2 Mid GND\n"
      "* between\n"
      "+ 2.5Meg ; half a line\n"
      "Rvia mid out 0\r\n"
      "\n"
      "  v1 in 0 DC 1.8V AC 1 90\n"
      "I1 out gnd 3mA // drawn\n"
      ".op\n"
      ".control\n"
      "run and print anything\n"
      ".endc\n"
      ".end\n"
      "X1 is never read\n",
      "a.sp");

  EXPECT_EQ(netlist.title, "R9 is a title 0 1");
  EXPECT_THAT(netlist.nodes, ElementsAre("IN", "mid", "0", "out"));
  EXPECT_EQ(netlist.ground, 2);
  EXPECT_THAT(netlist.resistors.names, ElementsAre("r1", "R2", "Rvia"));
  EXPECT_THAT(netlist.resistors.tail, ElementsAre(0, 1, 1));
  EXPECT_THAT(netlist.resistors.head, ElementsAre(1, 2, 3));
  EXPECT_THAT(netlist.resistors.value, ElementsAre(DoubleEq(1e-4), DoubleEq(4e-7), kShort));
  EXPECT_THAT(netlist.resistors.line, ElementsAre(3, 4, 7));
  EXPECT_THAT(netlist.voltages.value, ElementsAre(1.8));
  EXPECT_THAT(netlist.currents.value, ElementsAre(DoubleEq(3e-3)));
  EXPECT_THAT(netlist.currents.tail, ElementsAre(3));
  EXPECT_THAT(netlist.currents.head, ElementsAre(2));
}

TEST(Spice, WarnsOfAFirstLineThatReadsLikeAnElement) {
  const std::string text = "R1 n1 n2 1\nR2 n2 0 1\n";

  const auto automatic = parse_spice(text, "a.sp");
  const auto line = parse_spice(text, "a.sp", {.title = SpiceTitle::line});
  const auto none = parse_spice(text, "a.sp", {.title = SpiceTitle::none});

  EXPECT_THAT(automatic.warnings,
              ElementsAre(AllOf(HasSubstr("a.sp:1: "), HasSubstr("'R1 n1 n2 1'"), HasSubstr("-network_title none"))));
  EXPECT_THAT(automatic.resistors.names, ElementsAre("R2"));
  EXPECT_THAT(line.warnings, IsEmpty());
  expect_same(line, automatic);
  EXPECT_THAT(none.warnings, IsEmpty());
  EXPECT_THAT(none.resistors.names, ElementsAre("R1", "R2"));
  EXPECT_THAT(none.title, IsEmpty());
  for (const std::string card :
       {"v1 a 0 DC 5", "I1 a 0 1m", "R1 (a,b) r=1k", ".include x", "L1 a b 1n", "\xEF\xBB\xBFR1 a b 1"}) {
    EXPECT_THAT(parse_spice(card + "\nR2 n2 0 1\n", "a.sp").warnings, ElementsAre(HasSubstr("a.sp:1: "))) << card;
  }
  for (const std::string title : {"Resistors in a row", "* R1 a b 1", "title", "R9 is a title", "I 1 2 3", "", "..."}) {
    EXPECT_THAT(parse_spice(title + "\nR2 n2 0 1\n", "a.sp").warnings, IsEmpty()) << title;
  }
}

TEST(Spice, TakesMinusNothingForNothing) {
  EXPECT_EQ(parse_spice("t\nR1 a b -0\n", "a.sp").resistors.value[0], kShort);
  EXPECT_EQ(parse_edge_list("0 1 -0\n", "g.txt", {.values = EdgeValues::resistance}).resistors.value[0], kShort);
}

TEST(Spice, KnowsEveryScale) {
  const std::vector<std::pair<std::string, double>> scales = {
      {"3", 3},          {"3f", 3e-15},     {"3p", 3e-12}, {"3n", 3e-9},  {"3uohm", 3e-6}, {"3m", 3e-3},
      {"3M", 3e-3},      {"3mil", 76.2e-6}, {"3k", 3e3},   {"3MEG", 3e6}, {"3Gohm", 3e9},  {"3T", 3e12},
      {"+3.5e-3k", 3.5}, {"3ohm", 3},       {".5", 0.5},   {"3A", 3},     {"5.e2", 500}};
  for (const auto& [text, ohm] : scales) {
    const auto netlist = parse_spice("t\nR1 a 0 " + text + "\n", "a.sp");

    EXPECT_DOUBLE_EQ(netlist.resistors.value[0], 1 / ohm) << text;
  }
}

TEST(Spice, RefusesWhatItDoesNotKnow) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"D1 a 0 model", "a.sp:2: element 'D1' is not of a kind that is read here (nonlinear)"},
      {"E1 a 0 b 0 2",
       "a.sp:2: element 'E1' is not of a kind that is read here (a controlled source, which makes the "
       "matrix unsymmetric)"},
      {"B1 a 0 v=v(b)", "a.sp:2: element 'B1' is not of a kind"},
      {"X1 a b nothing", "a.sp:2: there is no subcircuit 'nothing', which 'X1'"},
      {".include other.sp", "a.sp:2: 'other.sp' is not read"},
      {".if (1)", "a.sp:2: card '.if'"},
      {"R1 a", "a.sp:2: 'R1': it needs two nodes"},
      {"R1 a b", "'R1': it has no resistance"},
      {"R1 a b {r}", "a.sp:2: '{r}': there is no parameter 'r'"},
      {"R1 a b r", "'R1': its resistance 'r' is no number, parameter or model"},
      {"R1 a b 1k5", "a.sp:2: '1k5': '5' stands behind what is an expression"},
      {"R1 a b -5", "'R1' has -5 ohm"},
      {"R1 a b nan", "its resistance 'nan' is no number"},
      {"R1 a b 1e400", "a.sp:2: 'R1' has inf ohm"},
      {"R1 a b 1e-320", "its conductance cannot be represented"},
      {"R1 a b 1 colour=2", "'R1': 'colour' is not read"},
      {"R1 a b 1 m=-1", "'R1': m=-1: there cannot be less"},
      {"R1 a b 1 2", "'R1': '2' is not read"},
      {"R1 a b {v(a)*2}", "v() depends on the solution"},
      {"V1 a b trnoise(1 2)", "'V1': trnoise: it is random"},
      {"V1 a b pulse(0 1 -1)", "'V1': pulse: it begins before time 0"},
      {"V1 a b pwl(0 1 2)", "'V1': pwl: pairs of time and value"},
      {"V1 a b 1 2", "'V1': '2' is not read"},
      {"I1 a b inf", "there is no parameter 'inf'"},
      {"+ 5", "a.sp:2: a line that goes on"},
      {"R1 a b 1\nr1 c d 2", "a.sp:3: element 'R1' is there already, on line 2"},
      {".temp 20 30\nR1 a b 1", "a.sp:2: several temperatures"},
      {".param a=", "a.sp:2: the value of 'a' is no expression"},
      {".param a\nR1 a b 1", "a.sp:2: 'a' has no value"},
      {".lib file section", "a.sp:2: 'file' is not read"},
      {".endl", "a.sp:2: .endl without .lib"},
      {".subckt s a b\nR1 a b 1", "a.sp:2: .subckt 's' does not end"},
      {".ends", "a.sp:2: .ends without .subckt"},
      {".subckt s a b\n.ends t", "a.sp:3: .ends 't' stands where .subckt 's', of line 2, ends"},
      {".subckt s a\n.ends\n.subckt S a\n.ends", "a.sp:4: subcircuit 's' is defined already, on line 2 of 'a.sp'"},
      {".subckt s a b\nR1 a b 1\n.ends\nX1 a s", "a.sp:5: 'X1' has 1 nodes, but subcircuit 's' has 2"},
      {".subckt s a b\nR1 a b 1\n.ends\nX1 a b s r=2", "a.sp:5: subcircuit 's' has no parameter 'r'"},
      {".subckt s a b\nR1 a b 1\nX1 a b s\n.ends\nX1 a b s",
       "a.sp:4: a subcircuit holds an instance of itself: 's' -> 's'"},
      {".subckt s a b\nX1 a b t\n.ends\n.subckt t a b\nX1 a b s\n.ends\nX1 a b s", "itself: 's' -> 't' -> 's'"},
      {".subckt s a\nD1 a 0 d\n.ends\nX1 a s", "a.sp:3: element 'D1' is not of a kind"},
      {".subckt s a\nR1 a 0 {2*}\n.ends\nX1 a s", "a.sp:3: '{2*}': an expression ends too early"},
      {"", "a.sp holds no elements"},
      {".control\nrun", "without .endc"}};
  for (const auto& [line, message] : wrong) {
    EXPECT_THAT([&] { parse_spice("title\n" + line + "\n", "a.sp"); }, ThrowsMessage<Error>(HasSubstr(message)))
        << line;
  }
}

TEST(Spice, TakesInstancesApart) {
  const auto netlist = parse_spice(
      "t\n"
      "X1 in out cell r=2 m=3\n"
      ".global VDD\n"
      ".subckt cell a b params: r=1\n"
      ".subckt inner p q\n"
      "RX p Mid {r}\n"
      "Ry mid q '2*r'\n"
      "C1 mid vdd 1p\n"
      ".ends inner\n"
      "X2 a b inner\n"
      "I1 b gnd! 1\n"
      "L1 b vdd 1n\n"
      ".ends cell\n"
      "R1 vdd 0 1\n"
      "Xt vdd in / cell\n",
      "a.sp");

  EXPECT_THAT(netlist.nodes, ElementsAre("in", "x1.x2.mid", "out", "vdd", "0", "xt.x2.mid"));
  EXPECT_THAT(netlist.resistors.names, ElementsAre("r.x1.x2.rx", "r.x1.x2.ry", "R1", "r.xt.x2.rx", "r.xt.x2.ry"));
  EXPECT_THAT(netlist.resistors.value, ElementsAre(1.5, 0.75, 1, 1, 0.5));
  EXPECT_THAT(netlist.resistors.line, ElementsAre(6, 7, 14, 6, 7));
  EXPECT_THAT(netlist.currents.names, ElementsAre("i.x1.i1", "i.xt.i1"));
  EXPECT_THAT(netlist.currents.value, ElementsAre(3, 1));
  EXPECT_THAT(netlist.voltages.names, ElementsAre("l.x1.l1", "l.xt.l1"));
  EXPECT_THAT(netlist.voltages.value, ElementsAre(0, 0));
  EXPECT_THAT(netlist.remarks, ElementsAre(HasSubstr("'gnd!' is ground; -network_ground_names 0"),
                                           HasSubstr("2 capacitors are open, 2 inductors are sources of 0 V")));
}

TEST(Spice, SaysWhatHangsLoose) {
  const auto netlist = parse_spice("t\nR1 a b 1\nR2 b c 1\nC1 c d 1\n", "a.sp");
  const auto port = parse_spice("t\n.subckt s a gnd\nR1 a gnd 1\n.ends\nX1 a b s\nX2 a b s\nR1 b a 1\n", "a.sp");

  EXPECT_THAT(netlist.remarks,
              ElementsAre(HasSubstr("1 capacitor"), HasSubstr("2 nodes are joined to one element only: 'a', 'd'"),
                          HasSubstr("no element is joined to ground")));
  EXPECT_THAT(port.warnings, ElementsAre(AllOf(HasSubstr("a.sp:2: port 'gnd' of subcircuit 's'"))));
}

TEST(Spice, TakesGroundsByNameUnlessAskedNotTo) {
  const std::string text = "t\nR1 a GND 1\nR2 a gnd! 1\nR3 a Ground 1\nR4 a 0 1\n";

  const auto usual = parse_spice(text, "a.sp");
  const auto zero = parse_spice(text, "a.sp", {.ground_names = GroundNames::zero});

  EXPECT_THAT(usual.nodes, ElementsAre("a", "0"));
  EXPECT_THAT(usual.remarks, ElementsAre(HasSubstr("'GND', 'gnd!', 'Ground' are ground")));
  EXPECT_THAT(zero.nodes, ElementsAre("a", "GND", "gnd!", "Ground", "0"));
}

/// Files by name.
SpiceReading with_files(std::map<std::string, std::string> files) {
  SpiceReading reading;
  reading.read_file = [files = std::move(files)](const std::string& name) {
    const auto found = files.find(name);
    if (found == files.end()) throw Error("cannot read " + name + ": no such file");
    return found->second;
  };
  return reading;
}

TEST(Spice, ReadsFilesAndTheirSectionsRelativeToWhoIncludesThem) {
  const auto reading = with_files({{"d/lib/a.lib",
                                    ".lib one\nR1 a 0 1\n.include deep/b.inc\n.endl one\n"
                                    ".lib two\nR2 a 0 2\n.lib a.lib one\n.endl\n"},
                                   {"d/lib/deep/b.inc", "R3 a 0 3\n\nR4 b 0 4\n"},
                                   {"d/whole", "R5 a b 5\n.end\nR6 a b 6\n"}});

  const auto netlist = parse_spice("t\n.lib 'lib/a.lib' TWO\n.lib whole\nR7 a b 7\n", "d/top.sp", reading);

  EXPECT_THAT(netlist.resistors.names, ElementsAre("R2", "R1", "R3", "R4", "R5", "R7"));
  EXPECT_THAT(netlist.resistors.line, ElementsAre(6, 2, 1, 3, 1, 4));
  EXPECT_EQ(netlist.where(netlist.resistors, 3), "d/lib/deep/b.inc:3: 'R4'");
  EXPECT_EQ(netlist.where(netlist.resistors, 5), "d/top.sp:4: 'R7'");
}

TEST(Spice, RefusesFilesThatAreWrong) {
  const auto reading = with_files({{"loop.inc", ".include loop2.inc\n"},
                                   {"loop2.inc", "* a comment\n.include ./loop.inc\n"},
                                   {"bad.inc", "R1 a b 1\nR2 a b\n"},
                                   {"twice.inc", "R1 a b 1\n"},
                                   {"s.lib", ".lib one\n.endl\n.lib two\n.endl\n"},
                                   {"open.lib", ".lib one\nR1 a b 1\n.lib two\n.endl\n"},
                                   {"plus.inc", "+ 5\n"}});
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {".include loop.inc", "loop2.inc:2: 'loop.inc' includes itself: 'loop.inc' -> 'loop2.inc' -> 'loop.inc'"},
      {".include a.sp", "a.sp:2: 'a.sp' includes itself"},
      {".include gone.inc", "a.sp:2: cannot read gone.inc"},
      {".include bad.inc", "bad.inc:2: 'R2': it has no resistance"},
      {".include plus.inc", "plus.inc:1: a line that goes on"},
      {"R1 a b 2\n.include twice.inc", "twice.inc:1: element 'R1' is there already, on line 2 of 'a.sp'"},
      {".lib s.lib three", "a.sp:2: 's.lib' has no section 'three' (it has 'one, two')"},
      {".lib open.lib one", "open.lib:3: section 'two' begins before the one before it ends"},
      {".include", "a.sp:2: .include names no file"}};
  for (const auto& [line, message] : wrong) {
    EXPECT_THAT([&] { parse_spice("title\n" + line + "\n", "a.sp", reading); },
                ThrowsMessage<Error>(HasSubstr(message)))
        << line;
  }
}

TEST(Spice, EvaluatesExpressions) {
  const std::vector<std::pair<std::string, double>> right = {{"2+3*4", 14},
                                                             {"-2^2", -4},
                                                             {"2^3^2", 64},
                                                             {"2**-1", 0.5},
                                                             {"2 * (3 + 4)", 14},
                                                             {"7 % 4", 3},
                                                             {"1 > 2 ? 3 : 4 > 3 ? 5 : 6", 5},
                                                             {"1 && 0 || !0", 1},
                                                             {"2 <> 2", 0},
                                                             {"1 <= 2 == 1", 1},
                                                             {"2.5k", 2500},
                                                             {"LIMIT(7, 1, 5)", 5},
                                                             {"uramp(-2) + uramp(3)", 3},
                                                             {"pwr(-2, 2)", 4},
                                                             {"max(1, 5, 3) + min(4, 2)", 7},
                                                             {"two*Two", 4},
                                                             {"square(two + 1)", 9},
                                                             {"pi", std::acos(-1)},
                                                             {"temper", 27},
                                                             {"chain", 5},
                                                             {"0 ? 1/0 : 2", 2}};
  for (const auto& [text, value] : right) {
    const auto netlist = parse_spice(
        "t\nV1 a 0 {" + text + "}\n.param two=2 chain={two+later} later=3\n.func square(x) {x*x}\n", "a.sp");

    EXPECT_DOUBLE_EQ(netlist.voltages.value[0], value) << text;
  }
}

TEST(Spice, RefusesExpressionsThatMeanNothing) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"1/0", "it is inf"},
      {"sqrt(-1)", "sqrt(-1) is not a number"},
      {"(-2)^3", "simulators make different things"},
      {"gone", "there is no parameter 'gone'"},
      {"gone(1)", "there is no function 'gone'"},
      {"sqrt(1,2)", "sqrt takes 1 argument, not 2"},
      {"square(1,2)", "square takes 1 arguments, not 2"},
      {"(1", "a parenthesis is not closed"},
      {"1 2", "'2' stands behind"},
      {"1 ? 2", "a : is missing"},
      {"", "an expression ends too early"},
      {"#", "'#' stands where a number or a name is needed"},
      {"agauss(1,2,3)", "agauss() is random"},
      {"limit(1,2)", "limit() is random"},
      {"time", "there is no parameter 'time'"},
      {"own", "a.sp:3: 'own+1': parameter 'own' is defined by itself"},
      {"one", "parameter 'one' is defined by itself"},
      {"forever(1)", "too deep"},
      {"many(many(many(1)))", "too many operations"},
      {std::string(1000, '('), "too deep"},
      {std::string(1000, '-') + "1", "too deep"}};
  std::string doubling = ".func many(x) 'd19(x)'\n.func d0(x) 'x'\n";
  for (int k = 1; k < 20; ++k) doubling += fmt::format(".func d{}(x) 'd{}(x)+d{}(x)'\n", k, k - 1, k - 1);
  for (const auto& [text, message] : wrong) {
    const auto netlist = "t\nV1 a 0 '" + text + "'\n.param own={own+1} one={two} two={one}\n.func square(x) {x*x}\n" +
                         ".func forever(x) {forever(x)}\n" + doubling;

    EXPECT_THAT([&] { parse_spice(netlist, "a.sp"); }, ThrowsMessage<Error>(HasSubstr(message))) << text;
  }
}

TEST(Spice, RefusesWhatGrowsWithoutMeasure) {
  std::string text = "t\n.subckt s0 a b\nR1 a b 1\n.ends\n";
  std::string deep = text;
  for (int k = 1; k < 150; ++k) {
    text += fmt::format(".subckt s{} a b\nX1 a b s{}\nX2 a b s{}\n.ends\n", k, k - 1, k - 1);
    deep += fmt::format(".subckt s{} a b\nX1 a b s{}\n.ends\n", k, k - 1);
  }
  std::string nested = "t\n";
  for (int k = 0; k < 5000; ++k) nested += fmt::format(".subckt s{} a b\n", k);

  EXPECT_THAT([&] { parse_spice(text + "X1 a 0 s40\n", "a.sp"); },
              ThrowsMessage<Error>(HasSubstr("'X1' there are 3.3e+12 elements in instances")));
  EXPECT_THAT([&] { parse_spice(deep + "X1 a 0 s149\n", "a.sp"); },
              ThrowsMessage<Error>(HasSubstr("more than 100 deep")));
  EXPECT_THAT([&] { parse_spice(nested, "a.sp"); }, ThrowsMessage<Error>(HasSubstr("more than 100 deep")));
  EXPECT_EQ(parse_spice(text + "X1 a 0 s9\n", "a.sp").resistors.size(), 512U);
  EXPECT_THAT([&] { parse_spice(text + "X1 a 0 s9\n", "a.sp", {.most_elements = 1000}); },
              ThrowsMessage<Error>(HasSubstr("more than 1e+03")));
}

TEST(EdgeList, ReadsWhatPeopleWrite) {
  const auto plain =
      parse_edge_list("# i j R\n0 1 2\n1\t4  0.5\n\n4 0 1e3\n", "g.txt", {.values = EdgeValues::resistance});
  const auto commas =
      parse_edge_list("from,to,ohm\r\n0,1,2\r\n1,4,0.5\r\n4,0,1000\r\n", "g.csv", {.values = EdgeValues::resistance});
  const auto siemens =
      parse_edge_list("0.0e+00 1.0e+00 0.5\n1 4.00 2\n4 0 1e-3", "g.txt", {.values = EdgeValues::conductance});

  EXPECT_THAT(plain.nodes, ElementsAre("0", "1", "4"));
  EXPECT_THAT(plain.resistors.tail, ElementsAre(0, 1, 2));
  EXPECT_THAT(plain.resistors.head, ElementsAre(1, 2, 0));
  EXPECT_THAT(plain.resistors.value, ElementsAre(0.5, 2, 1e-3));
  expect_same(plain, commas);
  expect_same(plain, siemens);
}

TEST(EdgeList, NumbersSparseIdsInTheirOrder) {
  const auto netlist = parse_edge_list("900000000000 7 1\n7 12 1\n", "g.txt", {.values = EdgeValues::resistance});

  EXPECT_THAT(netlist.nodes, ElementsAre("7", "12", "900000000000"));
  EXPECT_THAT(netlist.resistors.tail, ElementsAre(2, 0));
}

TEST(EdgeList, NamesLineAndColumnOfAMistake) {
  const auto read = [](const std::string& text, EdgeValues values = EdgeValues::resistance, std::int64_t first = 0) {
    return [=] { parse_edge_list(text, "g.txt", {.values = values, .first = first}); };
  };

  EXPECT_THAT(read("0 1 1\n1 2\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: column 3 is missing")));
  EXPECT_THAT(read("0 1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 3 is missing")));
  EXPECT_THAT(read("0 1 1\n1 2.5 1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: column 2 is '2.5'")));
  EXPECT_THAT(read("0 1 1\n1 2 x\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: column 3 is 'x'")));
  EXPECT_THAT(read("1O 2 5\n2 3 1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 1 is '1O'")));
  EXPECT_THAT(read("a b c\n0 1 1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 3 is 'c'")));
  EXPECT_THAT(read("source 2 5\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 1 is 'source'")));
  EXPECT_THAT(read("0 1 -1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: a resistance of -1 ohm")));
  EXPECT_THAT(read("0 1 inf\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 3 is 'inf'")));
  EXPECT_THAT(read("0 1 -1\n", EdgeValues::conductance), ThrowsMessage<Error>(HasSubstr("a conductance of -1 S")));
  EXPECT_THAT(read("0 1 1e-320\n", EdgeValues::conductance),
              ThrowsMessage<Error>(HasSubstr("its resistance cannot be represented")));
  EXPECT_THAT(read("0 1 1\n", EdgeValues::resistance, 1), ThrowsMessage<Error>(HasSubstr("nodes count from 1")));
  EXPECT_THAT(read("-3 1 1\n"), ThrowsMessage<Error>(HasSubstr("node -3")));
  EXPECT_THAT(read("# nothing\n"), ThrowsMessage<Error>(HasSubstr("g.txt holds no edges")));
  EXPECT_THAT(read("source,target,ohm\n"), ThrowsMessage<Error>(HasSubstr("g.txt holds no edges")));
}

TEST(EdgeList, HasOneSeparatorForAllRows) {
  const auto read = [](const std::string& text) { return [=] { parse_edge_list(text, "g.txt"); }; };
  const auto expected = parse_edge_list("0 1 2\n1 4 0.5\n", "g.txt");

  for (const std::string text : {"0,1,2\r\n1,4,.5\r\n", "0; 1; 2\n1;4;0.5", "0\t1\t2\n1\t4\t5e-1\n",
                                 "  0 1\t2\n1   4 .5 \n", "\xEF\xBB\xBF\"0\",\"1\",\"2\"\n\"1\",4,\"0.5\"\n"}) {
    expect_same(parse_edge_list(text, "g.txt"), expected);
  }
  EXPECT_THAT(parse_edge_list("0;1;2\n", "g.txt").note, HasSubstr("columns separated by semicolons"));
  EXPECT_THAT(read("1;2;4,7\n2;3;1,5\n"),
              ThrowsMessage<Error>(AllOf(HasSubstr("g.txt:1: column 3 is '4,7'"), HasSubstr("decimal point"))));
  EXPECT_THAT(read("1,,2,5\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 2 is empty")));
  EXPECT_THAT(read("1,2,\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 3 is empty")));
  EXPECT_THAT(read("1\t\t2\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 2 is empty")));
  EXPECT_THAT(read("0 1 2\n1,4,0.5\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: column 2 is missing")));
  EXPECT_THAT(read("0 1 2\n1 4 0.5 x\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: 4 columns, but line 1 has 3")));
  EXPECT_THAT(read("0 10 11 0.5\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: 4 columns, where 3")));
  EXPECT_THAT(read("\"0\"1,2,3\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: '1,2,3' stands behind a quoted field")));
  EXPECT_THAT(read("\"0,2,3\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: a quote that does not end")));
  EXPECT_THAT(read("0 1 2\r1 4 0.5\r"), ThrowsMessage<Error>(HasSubstr("g.txt:1: a carriage return inside a line")));
  EXPECT_THAT(read(std::string("0 1 2\n1 \0 2\n", 12)), ThrowsMessage<Error>(HasSubstr("g.txt:2: a NUL byte")));
}

TEST(EdgeList, FollowsAHeader) {
  const auto read = [](const std::string& text, std::optional<EdgeValues> values = {}) {
    return parse_edge_list(text, "g.csv", {.values = values});
  };
  const auto expected = read("0 1 0.5\n1 2 0.25\n");

  expect_same(read("id,source,target,weight\n100,0,1,0.5\n101,1,2,0.25\n"), expected);
  expect_same(read(",source,target,weight\n0,0,1,0.5\n1,1,2,0.25\n"), expected);
  expect_same(read("Unnamed: 0,Ohm,To,From,comment\n0,0.5,1,0,\n1,0.25,2,1,x\n"), expected);
  expect_same(read("\"source\",\"target\",\"weight\"\n\"0\",\"1\",\"0.5\"\n\"1\",\"2\",\"0.25\"\n"), expected);
  expect_same(read("node node siemens\n0 1 2\n1 2 4\n"), expected);
  expect_same(read("# node node siemens\n0 1 2\n1 2 4\n"), expected);
  expect_same(read("i;j;weight\n0;1;2\n1;2;4\n", EdgeValues::conductance), expected);
  EXPECT_THAT(read("id,source,target,weight\n7,0,1,2\n").note,
              AllOf(HasSubstr("line 1 names them: 'source', 'target', 'weight'; not read: 'id'"), HasSubstr("ohm")));
  const auto refused = [&](const std::string& text, const std::string& why, std::optional<EdgeValues> values = {}) {
    EXPECT_THAT([&] { read(text, values); }, ThrowsMessage<Error>(AllOf(HasSubstr("g.csv:1: "), HasSubstr(why))))
        << text;
  };
  refused("u,v,conductance\n0,1,2\n", "-network_values says resistance", EdgeValues::resistance);
  refused("# u v ohm\n0 1 2\n", "-network_values says conductance", EdgeValues::conductance);
  refused("u,v,r,g\n0,1,2,3\n", "columns 3 and 4 could both be the values");
  std::string many = "u,v,";
  for (int k = 0; k < 1000; ++k) many += "a column that is of no use,";
  refused(many + "w,w\n", "and 984 more: columns 1003 and 1004 could both be the values");
  refused("from,to,colour\n0,1,2\n", "no column of values");
  refused("from,id,ohm\n0,1,2\n", "two columns for nodes are needed");
}

TEST(EdgeList, TakesSourcesAndGroundsFromFilesOfTheirOwn) {
  auto netlist = parse_edge_list("0 1 1\n1 2 1\n", "g.txt", {.values = EdgeValues::resistance});

  add_sources(netlist, "# node ampere\n0 1.5\n2  -0.5\n", "s.txt");
  add_grounds(netlist, "2 10\n1.0e0 0\n", "r.txt");

  EXPECT_THAT(netlist.nodes, ElementsAre("0", "1", "2", "ground"));
  EXPECT_EQ(netlist.ground, 3);
  EXPECT_THAT(netlist.currents.tail, ElementsAre(-1, -1));
  EXPECT_THAT(netlist.currents.head, ElementsAre(0, 2));
  EXPECT_THAT(netlist.currents.value, ElementsAre(1.5, -0.5));
  EXPECT_THAT(netlist.resistors.value, ElementsAre(1, 1, 0.1));
  EXPECT_THAT(netlist.voltages.tail, ElementsAre(1));
  EXPECT_THAT(netlist.voltages.head, ElementsAre(3));
  EXPECT_THAT([&] { add_sources(netlist, "7 1\n", "s.txt"); },
              ThrowsMessage<Error>(HasSubstr("s.txt:1: g.txt has no node '7'")));
  EXPECT_THAT([&] { add_grounds(netlist, "1 -1\n", "r.txt"); },
              ThrowsMessage<Error>(HasSubstr("r.txt:1: a resistance")));
}

TEST(SideFiles, TakeNoRowForAHeaderThatIsNone) {
  const auto network = parse_spice("title\nR1 a b 1\nR2 b 0 1\nR3 node source 1\nR4 node 0 1\nI1 0 a 1\n", "n.sp");
  auto netlist = network;

  add_sources(netlist, "a 1\nb 1\n", "s.txt");
  add_sources(netlist, "node 2\n", "s.txt");
  add_sources(netlist, "Node Ampere\nnode 3\n", "s.txt");
  add_sources(netlist, ",current,name\n0,4,b\n", "s.txt");
  add_grounds(netlist, "a 10\n", "r.txt");
  add_grounds(netlist, "node;siemens\nb;0.5\n", "r.txt");

  EXPECT_THAT(netlist.currents.value, ElementsAre(1, 1, 1, 2, 3, 4));
  EXPECT_THAT(netlist.currents.head, ElementsAre(0, 0, 1, 3, 3, 1));
  EXPECT_EQ(netlist.currents.names.size(), 6U);
  EXPECT_EQ(netlist.resistors.names.size(), 6U);
  EXPECT_THAT(netlist.resistors.value, ElementsAre(1, 1, 1, 1, 0.1, 0.5));
  EXPECT_THAT([&] { add_sources(netlist, "a b\n", "s.txt"); },
              ThrowsMessage<Error>(HasSubstr("s.txt:1: column 2 is 'b'")));
  EXPECT_THAT([&] { add_sources(netlist, "a 1O\n", "s.txt"); },
              ThrowsMessage<Error>(HasSubstr("s.txt:1: column 2 is '1O'")));
  EXPECT_THAT([&] { add_sources(netlist, "a 1 2\n", "s.txt"); }, ThrowsMessage<Error>(HasSubstr("s.txt:1: 3 columns")));
  EXPECT_THAT([&] { add_sources(netlist, "a;1,5\n", "s.txt"); }, ThrowsMessage<Error>(HasSubstr("decimal point")));
  EXPECT_THAT([&] { add_grounds(netlist, "node,ampere\na,1\n", "r.txt"); },
              ThrowsMessage<Error>(HasSubstr("r.txt:1: column 2 is 'ampere'")));
  // A pair may be of nodes that are called like columns: then it is no header, which is said.
  std::string note;
  EXPECT_THAT(parse_pairs(network, "node source\na b\n", "p.txt", kAnyNumber, &note),
              ElementsAre(Pair(3, 4), Pair(0, 1)));
  EXPECT_THAT(note, HasSubstr("line 1 is a row, not a header"));
  EXPECT_THAT(parse_pairs(network, "to,from\na,b\n", "p.txt"), ElementsAre(Pair(1, 0)));
  EXPECT_THAT([&] { parse_pairs(network, "target source\na b\n", "p.txt"); },
              ThrowsMessage<Error>(HasSubstr("p.txt:1: n.sp has no node 'target'")));
}

TEST(EdgeList, TakesEdgesWithoutValuesAsOneOhmWhereAsked) {
  const auto unit = [](const std::string& text) {
    return parse_edge_list(text, "g.txt", {.values = EdgeValues::unit});
  };
  const auto expected = parse_edge_list("0 1 1\n1 2 1\n", "g.txt");

  expect_same(unit("# FromNodeId\tToNodeId\n0\t1\n1\t2\n"), expected);
  expect_same(unit("0 1\n1 2\n"), expected);
  expect_same(unit("0 1 7 1082040961\n1 2 -8 1082155839\n"), expected);
  expect_same(unit("Source,Target,Type,Id\n0,1,Undirected,0\n1,2,Undirected,1\n"), expected);
  expect_same(unit("0 1 {}\n1 2 {'weight': 3}\n"), expected);
  EXPECT_THAT(unit("0 1 7\n1 2 8\n").note, HasSubstr("columns from the third on not read"));
  EXPECT_THAT([] { parse_edge_list("0 1\n", "g.txt"); }, ThrowsMessage<Error>(HasSubstr("-network_values unit")));
  EXPECT_THAT([] { parse_edge_list("from,to\n0,1\n", "g.txt"); },
              ThrowsMessage<Error>(HasSubstr("-network_values unit")));
  EXPECT_THAT([&] { unit("0\n1\n"); }, ThrowsMessage<Error>(HasSubstr("column 2 is missing")));
}

TEST(EdgeList, TakesNodesByName) {
  const auto named = parse_edge_list("b a 1\na A 2\nA \"c d\" 3\n", "g.txt");
  const auto asked = parse_edge_list("1 b 1\nb 2 2\n", "g.txt", {.nodes = NodeNames::names});
  const auto read = [](const std::string& text, NodeNames nodes = NodeNames::automatic) {
    return [=] { parse_edge_list(text, "g.txt", {.nodes = nodes}); };
  };

  EXPECT_THAT(named.nodes, ElementsAre("b", "a", "A", "c d"));
  EXPECT_THAT(named.resistors.head, ElementsAre(1, 2, 3));
  EXPECT_THAT(named.note, HasSubstr("nodes are names"));
  EXPECT_THAT(parse_pairs(named, "A a\nb A\n", "p.txt"), ElementsAre(Pair(2, 1), Pair(0, 2)));
  EXPECT_THAT(asked.nodes, ElementsAre("1", "b", "2"));
  EXPECT_THAT(read("1O 2 5\n2 3 1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 1 is '1O'")));
  EXPECT_THAT(read("0 1 1\nb 2 1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: column 1 is 'b': a node is a whole")));
  EXPECT_THAT(read("a b 1\nb 2 1\n"),
              ThrowsMessage<Error>(AllOf(HasSubstr("g.txt:2: column 2 is '2'"), HasSubstr("-network_nodes names"))));
  EXPECT_THAT(read("a b 1\n", NodeNames::numbers), ThrowsMessage<Error>(HasSubstr("a node is a whole number")));
  EXPECT_THAT(read("town country length\na b 1\n"), ThrowsMessage<Error>(HasSubstr("column 3 is 'length'")));
  EXPECT_THAT(read("a b\x01 1\n"), ThrowsMessage<Error>(HasSubstr("control characters")));
}

TEST(EdgeList, ReadsDictionariesOfNetworkX) {
  const auto expected = parse_edge_list("0 1 2.5\n1 2 4\n", "g.txt");
  const auto read = [](const std::string& text) { return [=] { parse_edge_list(text, "g.txt"); }; };

  expect_same(parse_edge_list("# a comment\n0 1 {'weight': 2.5}\n1 2 {'color': 'red, {blue}', 'weight': 4}\n", "g.txt"),
              expected);
  expect_same(parse_edge_list("0,1,{'conductance': 0.4}\n1,2,{\"conductance\": 0.25}\n", "g.txt"), expected);
  EXPECT_THAT(parse_edge_list("a b {'weight': 2.5}\n", "g.txt").nodes, ElementsAre("a", "b"));
  EXPECT_THAT(read("0 1 {}\n"), ThrowsMessage<Error>(AllOf(HasSubstr("g.txt:1: "), HasSubstr("-network_values unit"))));
  EXPECT_THAT(read("0 1 {'weight': 1}\n0 2 {'ohm': 1}\n"),
              ThrowsMessage<Error>(HasSubstr("g.txt:2: its value is called 'ohm', and those before it 'weight'")));
  EXPECT_THAT(read("0 1 {'weight': 'x'}\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: column 3 is 'x'")));
  EXPECT_THAT(read("0 1 {'weight': [1, 2]}\n"), ThrowsMessage<Error>(HasSubstr("is not understood at '[1, 2]}'")));
  EXPECT_THAT(read("0 1 {'weight': 1}\n0 2 5\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: it has no dictionary")));
  EXPECT_THAT(read("0 1 {'weight': 1}\n{'weight': 2}\n"),
              ThrowsMessage<Error>(HasSubstr("g.txt:2: a dictionary, and no nodes")));
}

TEST(EdgeList, CountsEdgesThatStandMoreThanOnce) {
  const auto read = [](const std::string& text, EdgeDuplicates duplicates = EdgeDuplicates::refused) {
    return parse_edge_list(text, "g.txt", {.duplicates = duplicates});
  };
  const std::string both = "0 1 2\n1 0 2\n2 1 3\n1 2 3\n2 2 9\n";
  const std::string some = "0 1 2\n1 0 2\n1 2 3\n";

  EXPECT_THAT([&] { read(both); }, ThrowsMessage<Error>(AllOf(HasSubstr("both directions with the same value (2 pairs"),
                                                              HasSubstr("-network_duplicates once"))));
  EXPECT_EQ(read(both, EdgeDuplicates::parallel).resistors.size(), 5U);
  const auto once = read(both, EdgeDuplicates::once);
  EXPECT_THAT(once.resistors.tail, ElementsAre(0, 2, 2));
  EXPECT_THAT(once.resistors.head, ElementsAre(1, 1, 2));
  EXPECT_THAT(once.resistors.line, ElementsAre(1, 3, 5));
  EXPECT_THAT(read(some).remarks, ElementsAre(HasSubstr("1 of 2 pairs of nodes stands more than once: resistors in")));
  EXPECT_EQ(read(some).resistors.size(), 3U);
  EXPECT_EQ(read("0 1 2\n1 0 3\n").resistors.size(), 2U);
  EXPECT_THAT(read("0 1 2\n1 2 2\n").remarks, IsEmpty());
  EXPECT_THAT([&] { read("0 1 2\n1 2 5\n1 0 3\n", EdgeDuplicates::once); },
              ThrowsMessage<Error>(HasSubstr("g.txt:3: '0' and '1' are joined on line 1 by another value")));
}

TEST(Graphml, ReadsWhatNetworkXWrites) {
  const std::string head =
      "<?xml version='1.0' encoding='utf-8'?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n";
  const std::string key =
      "<key id=\"d1\" for=\"edge\" attr.name=\"weight\" attr.type=\"double\"><default>4</default></key>";
  const std::string body =
      "<key id=\"d0\" for=\"node\" attr.name=\"weight\" attr.type=\"long\"/>\n"
      "<graph edgedefault=\"undirected\"><node id=\"a\"><data key=\"d0\">7</data></node><node id=\"b\"/>\n"
      "<edge source=\"b\" target=\"c&amp;d\"><data key=\"d1\"> 0.5 </data></edge>\n"
      "<edge source=\"a\" target=\"b\"/></graph></graphml>";

  const auto netlist = parse_graphml(head + key + body, "g.graphml", {.values = EdgeValues::conductance});

  EXPECT_THAT(netlist.nodes, ElementsAre("a", "b", "c&d"));
  EXPECT_THAT(netlist.resistors.tail, ElementsAre(1, 0));
  EXPECT_THAT(netlist.resistors.head, ElementsAre(2, 1));
  EXPECT_THAT(netlist.resistors.value, ElementsAre(0.5, 4));
  EXPECT_THAT(netlist.note, HasSubstr("values are 'weight', siemens"));
  EXPECT_THAT(parse_graphml(head + body, "g.graphml", {.values = EdgeValues::unit}).resistors.value, ElementsAre(1, 1));
  const auto refused = [](const std::string& text, const std::string& why) {
    EXPECT_THAT([&] { parse_graphml(text, "g.graphml"); }, ThrowsMessage<Error>(HasSubstr(why))) << text;
  };
  refused(head + body, "g.graphml:5: the edge from 'b' to 'c&d' has no resistance");
  refused(head + key + key + body, "'weight' and 'weight' could both be the values");
  refused("<graphml><graph></graph>", "g.graphml:1: no XML: ");
  refused("<graphml/>", "holds no edges");
  refused(head + "<graph><hyperedge/></graph></graphml>", "no resistor");
  refused("<graphml><graph/><graph/></graphml>", "several graphs");
  refused("<graphml>" + key + "<graph><edge source='a' target='b'><data key='d1'>x</data></edge></graph></graphml>",
          "'weight' of an edge is 'x'");
}

TEST(Structure, SaysWhichPartsHaveNoGroundAndHowManyLoopsThereAre) {
  auto netlist = parse_spice("t\nR1 a 0 1\nR2 c d 1\nV1 e f 1\nR3 f f 1\nI1 d a 1\nI2 a d 1\n", "a.sp");
  netlist.remarks.clear();
  auto graph = parse_edge_list("0 1 1\n2 3 1\n2 2 1\n", "g.txt");

  remark_structure(netlist);
  remark_structure(graph);

  EXPECT_THAT(netlist.remarks, ElementsAre(HasSubstr("a resistor from a node to itself carries no current")));
  EXPECT_THAT(netlist.warnings, ElementsAre(AllOf(HasSubstr("a.sp: 2 parts of the network have no way to ground"),
                                                  HasSubstr("those of 'c' (2 nodes), 'e' (2 nodes)"))));
  EXPECT_THAT(graph.warnings, IsEmpty());
  EXPECT_EQ(graph.remarks.size(), 1U);
  auto sources = parse_spice("t\nR1 a b 1\nI1 0 a 1\nI2 b 0 1\n", "a.sp");
  remark_structure(sources);
  EXPECT_THAT(sources.warnings, IsEmpty());
  EXPECT_THAT(sources.remarks, ElementsAre(HasSubstr("nothing but current sources leads to ground")));
}

TEST(MatrixMarket, SaysWhatRowsHaveTooMuch) {
  const std::string head = "%%MatrixMarket matrix coordinate real symmetric\n3 3 6\n";
  const std::string plus = head + "1 1 .8333\n2 2 .6666\n3 3 .8334\n2 1 -.3333\n3 1 -.5\n3 2 -.3333\n";
  const std::string minus = head + "1 1 .8333\n2 2 .6666\n3 3 .8332\n2 1 -.3333\n3 1 -.5\n3 2 -.3333\n";

  EXPECT_THAT(
      parse_matrix_market(plus, "a.mtx").remarks,
      ElementsAre(AllOf(HasSubstr("a node is joined to ground by what its row has too much, 0.0001 to 0.0001 S"),
                        HasSubstr("-network_row_sums ignore"), HasSubstr("'3'"))));
  EXPECT_THAT([&] { parse_matrix_market(minus, "a.mtx"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("row 3 sums to -0.0001"), HasSubstr("-network_row_sums ignore"))));
  for (const auto& text : {plus, minus}) {
    const auto ignored = parse_matrix_market(text, "a.mtx", {.row_sums = RowSums::ignore});
    EXPECT_THAT(ignored.resistors.value, ElementsAre(0.3333, 0.5, 0.3333));
    EXPECT_EQ(ignored.ground, -1);
  }
  const auto loop = parse_matrix_market(head + "1 1 2\n2 2 0\n3 3 0\n2 1 1\n3 1 1\n3 2 1\n", "a.mtx");
  EXPECT_THAT(loop.resistors.tail, ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(loop.resistors.head, ElementsAre(1, 2, 2, 0));
  EXPECT_THAT(parse_matrix_market(plus, "a.mtx", {.values = EdgeValues::unit}).resistors.value, ElementsAre(1, 1, 1));
}

TEST(MatrixMarket, TellsALaplacianFromConductances) {
  const std::string head = "%%MatrixMarket matrix coordinate real ";

  const auto adjacency = parse_matrix_market(head + "symmetric\n% a comment\n3 3 2\n2 1 0.5\n3 2 2\n", "a.mtx");
  const auto both_sides = parse_matrix_market(head + "general\n3 3 4\n1 2 .5\n2 1 .5\n2 3 2\n3 2 2\n", "a.mtx");
  const auto laplacian =
      parse_matrix_market(head + "symmetric\n3 3 5\n1 1 .5\n2 2 2.5\n3 3 2\n2 1 -.5\n3 2 -2\n", "a.mtx");
  const auto grounded =
      parse_matrix_market(head + "symmetric\n3 3 5\n1 1 .75\n2 2 2.5\n3 3 2\n2 1 -.5\n3 2 -2\n", "a.mtx");

  EXPECT_THAT(adjacency.nodes, ElementsAre("1", "2", "3"));
  EXPECT_THAT(adjacency.resistors.value, ElementsAre(0.5, 2));
  EXPECT_THAT(adjacency.note, HasSubstr("conductances"));
  EXPECT_THAT(laplacian.note, HasSubstr("Laplacian"));
  expect_same(adjacency, both_sides);
  expect_same(adjacency, laplacian);
  EXPECT_THAT(grounded.nodes, ElementsAre("1", "2", "3", "ground"));
  EXPECT_THAT(grounded.resistors.value, ElementsAre(0.5, 2, 0.25));
  EXPECT_EQ(grounded.resistors.head[2], grounded.ground);
}

TEST(MatrixMarket, RefusesWhatIsNeither) {
  const auto read = [](const std::string& rest) {
    return [=] { parse_matrix_market("%%MatrixMarket matrix " + rest, "a.mtx"); };
  };

  EXPECT_THAT([] { parse_matrix_market("1 2 3\n", "a.mtx"); },
              ThrowsMessage<Error>(HasSubstr("not a Matrix Market file")));
  EXPECT_THAT(read("array real general\n2 2\n"), ThrowsMessage<Error>(HasSubstr("coordinate format")));
  EXPECT_THAT(read("coordinate real symmetric\n20000000 20000000 1\n2 1 -1\n"),
              ThrowsMessage<Error>(HasSubstr("a.mtx:2: 20000000 rows are announced, in a file of ")));
  EXPECT_THAT(read("coordinate real symmetric\n2 2 1000000000000000\n2 1 -1\n"),
              ThrowsMessage<Error>(HasSubstr("a.mtx:2: 1000000000000000 entries are announced")));
  EXPECT_THAT(read("coordinate real symmetric\n2 2 1\n2 1 1 5\n"),
              ThrowsMessage<Error>(HasSubstr("a.mtx:3: '5' stands")));
  EXPECT_THAT(read("coordinate real symmetric\n2 2 1\n2 1 1,5\n"),
              ThrowsMessage<Error>(HasSubstr("a.mtx:3: value '1,5'")));
  EXPECT_THAT(read("coordinate real symmetric\n2 2 2\n2 1 1e308\n2 1 1e308\n"),
              ThrowsMessage<Error>(HasSubstr("a.mtx:3: a conductance of inf S")));
  EXPECT_THAT(
      [] {
        parse_matrix_market("%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 -1\n", "a.mtx",
                            {.values = EdgeValues::resistance});
      },
      ThrowsMessage<Error>(HasSubstr("-network_values says resistance")));
  EXPECT_THAT(read("coordinate complex general\n"), ThrowsMessage<Error>(HasSubstr("real matrix")));
  EXPECT_THAT(read("coordinate real general\n2 3 1\n1 2 1\n"),
              ThrowsMessage<Error>(HasSubstr("a.mtx:2: the matrix must be square")));
  EXPECT_THAT(read("coordinate real general\n2 2 1\n1 3 1\n"),
              ThrowsMessage<Error>(HasSubstr("a.mtx:3: entry (1, 3)")));
  EXPECT_THAT(read("coordinate real general\n2 2 2\n1 2 1\n"), ThrowsMessage<Error>(HasSubstr("1 entries, but 2")));
  EXPECT_THAT(read("coordinate real general\n2 2 2\n1 2 1\n2 1 2\n"),
              ThrowsMessage<Error>(HasSubstr("not symmetric at (1, 2)")));
  EXPECT_THAT(read("coordinate real general\n3 3 2\n1 2 1\n2 3 -1\n"),
              ThrowsMessage<Error>(HasSubstr("here are both")));
  EXPECT_THAT(read("coordinate real symmetric\n2 2 3\n1 1 1\n2 2 1\n2 1 -2\n"),
              ThrowsMessage<Error>(HasSubstr("row 1 sums to -1")));
  EXPECT_THAT(read("coordinate real symmetric\n2 2 2\n1 1 -1\n2 1 2\n"),
              ThrowsMessage<Error>(HasSubstr("a conductance of -1 S")));
}

TEST(NodePairs, AreListedOrMadeOfFocalNodes) {
  const auto netlist = parse_edge_list("10 11 1\n11 12 1\n", "g.txt", {.values = EdgeValues::resistance});

  EXPECT_THAT(parse_pairs(netlist, "12 10\n# x\n11 12\n", "p.txt"), ElementsAre(Pair(2, 0), Pair(1, 2)));
  EXPECT_THAT(parse_pairs(netlist, "12\n1.0e+01\n11\n", "p.txt"), ElementsAre(Pair(2, 0), Pair(2, 1), Pair(0, 1)));
  EXPECT_THAT(all_pairs(netlist), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
  EXPECT_THAT([&] { parse_pairs(netlist, "10 13\n", "p.txt"); },
              ThrowsMessage<Error>(HasSubstr("p.txt:1: g.txt has no node '13'")));
  EXPECT_THAT([&] { parse_pairs(netlist, "10 10\n", "p.txt"); }, ThrowsMessage<Error>(HasSubstr("with itself")));
  EXPECT_THAT([&] { parse_pairs(netlist, "10\n10\n", "p.txt"); }, ThrowsMessage<Error>(HasSubstr("stands twice")));
  EXPECT_THAT([&] { parse_pairs(netlist, "10\n11 12\n", "p.txt"); },
              ThrowsMessage<Error>(HasSubstr("p.txt:2: 2 columns, but line 1 has 1")));
  EXPECT_THAT(parse_pairs(netlist, "focal\n12\n10\n", "p.txt"), ElementsAre(Pair(2, 0)));
  EXPECT_THAT([&] { parse_pairs(netlist, "10 11 3.5\n", "p.txt"); },
              ThrowsMessage<Error>(HasSubstr("p.txt:1: 3 columns")));
  EXPECT_THAT([&] { parse_pairs(netlist, "10\n11\n12\n", "p.txt", 2); },
              ThrowsMessage<Error>(HasSubstr("p.txt: 3 pairs of nodes")));
  EXPECT_THAT([&] { all_pairs(netlist, 2); }, ThrowsMessage<Error>(HasSubstr("g.txt: 3 pairs of nodes")));
  EXPECT_THAT([&] { parse_pairs(netlist, "\n", "p.txt"); }, ThrowsMessage<Error>(HasSubstr("no pair")));
}

TEST(Netlist, IsReadBackFromSpice) {
  const auto netlist = parse_spice("t\nR1 a 0 3\nRq a b 0\nV7 b c 0.1\nI2 0 c 1e-3\nR4 c d 7.25k\n", "a.sp");

  const auto files = spice_files(netlist);
  const auto again = parse_spice(files.at(0).text, "b.sp");

  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(again.title, "t");
  EXPECT_EQ(again.resistors.names, netlist.resistors.names);
  expect_same(again, netlist);
}

TEST(Netlist, NeverCallsAnotherNodeGround) {
  const auto netlist = parse_edge_list("0 1 2\n1 2 3\n", "g.txt", {.values = EdgeValues::resistance});

  const auto again = parse_spice(spice_files(netlist).at(0).text, "g.sp");

  EXPECT_THAT(again.nodes, ElementsAre("n0", "n1", "n2"));
  EXPECT_EQ(again.ground, -1);
}

TEST(Netlist, IsConvertedWithAMapOfItsNames) {
  const auto named = parse_edge_list("b,a,1\na,A,2\nA,\"New York\",4\n", "g.csv");
  const auto plain = parse_edge_list("0 1 1\n1 2 1\n", "g.txt");
  const auto sparse = parse_edge_list("5 7 1\n", "g.txt");

  const auto spice = spice_files(named);
  const auto list = edge_list_files(named);
  const auto matrix = matrix_market_files(sparse);

  ASSERT_EQ(spice.size(), 2U);
  EXPECT_EQ(spice[1].suffix, ".nodes.csv");
  EXPECT_EQ(spice[1].text, "# here,name\nn0,b\nn1,a\nn2,A\nn3,\"New York\"\n");
  EXPECT_THAT(parse_spice(spice[0].text, "g.sp").nodes, ElementsAre("n0", "n1", "n2", "n3"));
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1].text, "# here,name\n0,b\n1,a\n2,A\n3,\"New York\"\n");
  EXPECT_EQ(matrix[1].text, "# here,name\n1,5\n2,7\n");
  EXPECT_EQ(edge_list_files(plain).size(), 1U);
  EXPECT_EQ(spice_files(plain).size(), 1U);
}

TEST(Netlist, OfALayeredCircuitIsReadBackFromAllFormats) {
  const auto circuit = oracles::uniform_circuit(Family::lattice, 3, 2, 2, 1, 10);
  const auto netlist = netlist_of(circuit);

  const auto spice = parse_spice(spice_files(netlist).at(0).text, "a.sp");
  const auto list_files = edge_list_files(netlist);
  auto list = parse_edge_list(list_files.at(0).text, "a.txt", {.values = EdgeValues::resistance});
  add_sources(list, list_files.at(1).text, "a.sources.txt");
  const auto matrix_files = matrix_market_files(netlist);
  auto matrix = parse_matrix_market(matrix_files.at(0).text, "a.mtx");
  add_sources(matrix, matrix_files.at(1).text, "a.sources.txt");

  EXPECT_EQ(netlist.nodes.size(), 27U);
  EXPECT_EQ(static_cast<std::int64_t>(netlist.resistors.size()), circuit.edges());
  EXPECT_EQ(list_files.at(1).suffix, ".sources.txt");
  EXPECT_EQ(list.resistors.tail, netlist.resistors.tail);
  EXPECT_EQ(list.resistors.head, netlist.resistors.head);
  EXPECT_THAT(list.resistors.value, Pointwise(DoubleEq(), netlist.resistors.value));
  EXPECT_EQ(list.currents.head, netlist.currents.head);
  EXPECT_EQ(list.currents.value, netlist.currents.value);
  EXPECT_EQ(matrix.resistors.size(), netlist.resistors.size());
  EXPECT_EQ(matrix.currents.value, netlist.currents.value);
  EXPECT_EQ(spice.resistors.size(), netlist.resistors.size());
  EXPECT_EQ(spice.currents.size(), netlist.currents.size());
}

TEST(Netlist, SaysWhatAFormatHasNoPlaceFor) {
  const auto source = parse_spice("t\nR1 a b 1\nV1 a 0 5\n", "a.sp");
  const auto tied = parse_spice("t\nR1 a b 0\nR2 b c 1\n", "a.sp");

  EXPECT_THAT([&] { edge_list_files(source); },
              ThrowsMessage<Error>(AllOf(HasSubstr("a.sp:3: 'V1'"), HasSubstr("5 V"))));
  EXPECT_THAT([&] { matrix_market_files(tied); }, ThrowsMessage<Error>(HasSubstr("tied by 0 ohm")));
  EXPECT_THAT(edge_list_files(tied).at(0).text, HasSubstr("0 1 0\n"));
}

}  // namespace
}  // namespace kirchhoff

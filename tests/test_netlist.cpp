#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kirchhoff/error.hpp"
#include "kirchhoff/netlist.hpp"
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
      {"C1 a 0 1p", "a.sp:2: element 'C1' is not of a kind"},
      {".subckt x a b", "a.sp:2: card '.subckt' is not read"},
      {".include other.sp", "a.sp:2: card '.include'"},
      {".param r=3", "a.sp:2: card '.param'"},
      {"R1 a", "a.sp:2: 'R1' needs two nodes"},
      {"R1 a b", "'R1' has no resistance"},
      {"R1 a b {r}", "resistance '{r}' of 'R1' is not a number"},
      {"R1 a b 1k5", "resistance '1k5' of 'R1' is not a number"},
      {"R1 a b -5", "'R1' has -5 ohm"},
      {"R1 a b nan", "'R1' has nan ohm"},
      {"R1 a b 1e400", "'R1' has inf ohm"},
      {"R1 a b 1e-320", "its conductance cannot be represented"},
      {"R1 a b 1 tc=2", "'tc' of 'R1' is not read"},
      {"V1 a b sin(0 1 50)", "'sin' of 'V1' is not read"},
      {"V1 a b 1 2", "'2' of 'V1' is not read"},
      {"I1 a b inf", "the value of 'I1' is not finite"},
      {"+ 5", "a.sp:2: a line that goes on"},
      {"R1 a b 1\nr1 c d 2", "a.sp:3: element 'R1' is there already, on line 2"},
      {"", "a.sp holds no elements"},
      {".control\nrun", "without .endc"}};
  for (const auto& [line, message] : wrong) {
    EXPECT_THAT([&] { parse_spice("title\n" + line + "\n", "a.sp"); }, ThrowsMessage<Error>(HasSubstr(message)))
        << line;
  }
}

TEST(EdgeList, ReadsWhatPeopleWrite) {
  const auto plain =
      parse_edge_list("# i j R\n0 1 2\n1\t4  0.5 more columns\n\n4 0 1e3\n", "g.txt", EdgeValues::resistance, 0);
  const auto commas =
      parse_edge_list("from,to,ohm\r\n0,1,2\r\n1,4,0.5\r\n4,0,1000\r\n", "g.csv", EdgeValues::resistance, 0);
  const auto siemens = parse_edge_list("0.0e+00 1.0e+00 0.5\n1 4.00 2\n4 0 1e-3", "g.txt", EdgeValues::conductance, 0);

  EXPECT_THAT(plain.nodes, ElementsAre("0", "1", "4"));
  EXPECT_THAT(plain.resistors.tail, ElementsAre(0, 1, 2));
  EXPECT_THAT(plain.resistors.head, ElementsAre(1, 2, 0));
  EXPECT_THAT(plain.resistors.value, ElementsAre(0.5, 2, 1e-3));
  expect_same(plain, commas);
  expect_same(plain, siemens);
}

TEST(EdgeList, NumbersSparseIdsInTheirOrder) {
  const auto netlist = parse_edge_list("900000000000 7 1\n7 12 1\n", "g.txt", EdgeValues::resistance, 0);

  EXPECT_THAT(netlist.nodes, ElementsAre("7", "12", "900000000000"));
  EXPECT_THAT(netlist.resistors.tail, ElementsAre(2, 0));
}

TEST(EdgeList, NamesTheLineOfAMistake) {
  const auto read = [](const std::string& text, EdgeValues values = EdgeValues::resistance, std::int64_t first = 0) {
    return [=] { parse_edge_list(text, "g.txt", values, first); };
  };

  EXPECT_THAT(read("0 1 1\n1 2\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: the third column is missing")));
  EXPECT_THAT(read("0 1 1\n1 2.5 1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: the second column is '2.5'")));
  EXPECT_THAT(read("0 1 1\n1 2 x\n"), ThrowsMessage<Error>(HasSubstr("g.txt:2: the third column is 'x'")));
  EXPECT_THAT(read("0 1 -1\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: a resistance of -1 ohm")));
  EXPECT_THAT(read("0 1 inf\n"), ThrowsMessage<Error>(HasSubstr("g.txt:1: the third column is 'inf'")));
  EXPECT_THAT(read("0 1 -1\n", EdgeValues::conductance), ThrowsMessage<Error>(HasSubstr("a conductance of -1 S")));
  EXPECT_THAT(read("0 1 1\n", EdgeValues::resistance, 1), ThrowsMessage<Error>(HasSubstr("nodes count from 1")));
  EXPECT_THAT(read("-3 1 1\n"), ThrowsMessage<Error>(HasSubstr("node -3")));
  EXPECT_THAT(read("# nothing\n"), ThrowsMessage<Error>(HasSubstr("g.txt holds no edges")));
}

TEST(EdgeList, TakesSourcesAndGroundsFromFilesOfTheirOwn) {
  auto netlist = parse_edge_list("0 1 1\n1 2 1\n", "g.txt", EdgeValues::resistance, 0);

  add_sources(netlist, "# node ampere\n0 1.5\n2, -0.5\n", "s.txt");
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

TEST(MatrixMarket, TellsALaplacianFromConductances) {
  const std::string head = "%%MatrixMarket matrix coordinate real ";

  const auto adjacency =
      parse_matrix_market(head + "symmetric\n% a comment\n3 3 2\n2 1 0.5\n3 2 2\n", "a.mtx", EdgeValues::conductance);
  const auto both_sides =
      parse_matrix_market(head + "general\n3 3 4\n1 2 .5\n2 1 .5\n2 3 2\n3 2 2\n", "a.mtx", EdgeValues::conductance);
  const auto laplacian = parse_matrix_market(head + "symmetric\n3 3 5\n1 1 .5\n2 2 2.5\n3 3 2\n2 1 -.5\n3 2 -2\n",
                                             "a.mtx", EdgeValues::conductance);
  const auto grounded = parse_matrix_market(head + "symmetric\n3 3 5\n1 1 .75\n2 2 2.5\n3 3 2\n2 1 -.5\n3 2 -2\n",
                                            "a.mtx", EdgeValues::conductance);

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
    return [=] { parse_matrix_market("%%MatrixMarket matrix " + rest, "a.mtx", EdgeValues::conductance); };
  };

  EXPECT_THAT([] { parse_matrix_market("1 2 3\n", "a.mtx", EdgeValues::conductance); },
              ThrowsMessage<Error>(HasSubstr("not a Matrix Market file")));
  EXPECT_THAT(read("array real general\n2 2\n"), ThrowsMessage<Error>(HasSubstr("coordinate format")));
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
  EXPECT_THAT(read("coordinate real symmetric\n2 2 2\n1 1 1\n2 1 2\n"),
              ThrowsMessage<Error>(HasSubstr("nothing on the diagonal")));
}

TEST(NodePairs, AreListedOrMadeOfFocalNodes) {
  const auto netlist = parse_edge_list("10 11 1\n11 12 1\n", "g.txt", EdgeValues::resistance, 0);

  EXPECT_THAT(parse_pairs(netlist, "12 10\n# x\n11,12\n", "p.txt"), ElementsAre(Pair(2, 0), Pair(1, 2)));
  EXPECT_THAT(parse_pairs(netlist, "12\n1.0e+01\n11\n", "p.txt"), ElementsAre(Pair(2, 0), Pair(2, 1), Pair(0, 1)));
  EXPECT_THAT(all_pairs(netlist), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
  EXPECT_THAT([&] { parse_pairs(netlist, "10 13\n", "p.txt"); },
              ThrowsMessage<Error>(HasSubstr("p.txt:1: g.txt has no node '13'")));
  EXPECT_THAT([&] { parse_pairs(netlist, "10 10\n", "p.txt"); }, ThrowsMessage<Error>(HasSubstr("with itself")));
  EXPECT_THAT([&] { parse_pairs(netlist, "10\n10\n", "p.txt"); }, ThrowsMessage<Error>(HasSubstr("stands twice")));
  EXPECT_THAT([&] { parse_pairs(netlist, "10\n11 12\n", "p.txt"); },
              ThrowsMessage<Error>(HasSubstr("p.txt:2: some lines")));
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
  const auto netlist = parse_edge_list("0 1 2\n1 2 3\n", "g.txt", EdgeValues::resistance, 0);

  const auto again = parse_spice(spice_files(netlist).at(0).text, "g.sp");

  EXPECT_THAT(again.nodes, ElementsAre("n0", "n1", "n2"));
  EXPECT_EQ(again.ground, -1);
}

TEST(Netlist, OfALayeredCircuitIsReadBackFromAllFormats) {
  const auto circuit = oracles::uniform_circuit(Family::lattice, 3, 2, 2, 1, 10);
  const auto netlist = netlist_of(circuit);

  const auto spice = parse_spice(spice_files(netlist).at(0).text, "a.sp");
  const auto list_files = edge_list_files(netlist);
  auto list = parse_edge_list(list_files.at(0).text, "a.txt", EdgeValues::resistance, 0);
  add_sources(list, list_files.at(1).text, "a.sources.txt");
  const auto matrix_files = matrix_market_files(netlist);
  auto matrix = parse_matrix_market(matrix_files.at(0).text, "a.mtx", EdgeValues::conductance);
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

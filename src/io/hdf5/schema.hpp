#pragma once

// The one spelling of what lies in our HDF5 files. The number goes up when a reader of the old layout would go wrong.

namespace kirchhoff::schema {

// 2: files are sealed (store/seal.hpp), and arrays that are not compressed lie in one piece.

inline constexpr int kVersion = 2;

// Root attributes of every file.
inline constexpr auto kKind = "kind";
inline constexpr auto kSchemaVersion = "schema_version";
inline constexpr auto kPackageVersion = "package_version";
inline constexpr auto kProblemHash = "problem_hash";
inline constexpr auto kOptions = "options";
inline constexpr auto kRanks = "ranks";
inline constexpr auto kBlas = "blas";
inline constexpr auto kPetsc = "petsc";

// Attribute of a dataset.
inline constexpr auto kUnit = "unit";

// solution.h5; further root attributes are the fields of SolveReport.
inline constexpr auto kSolution = "solution";
inline constexpr auto kPotential = "/potential";  // (L+1, N) f64 volt
inline constexpr auto kSource = "/source";        // (N) f64 ampere
inline constexpr auto kTarget = "/target";        // (N) f64 ampere

// solution.h5 of a network, and a network that was converted, which has neither potentials nor currents. The root
// attribute "ground" is the node of 0 V, -1 where there is none; ends of edges and sources are indices of nodes.
inline constexpr auto kNetwork = "network";
inline constexpr auto kGround = "ground";
inline constexpr auto kTitle = "title";
inline constexpr auto kUndetermined = "undetermined_currents";
inline constexpr auto kRefinedResidual = "refined_residual";
inline constexpr auto kResistanceError = "resistance_error";            // relative, the worst; of resistances alone
inline constexpr auto kResistanceConfidence = "resistance_confidence";  // with what probability an error is no larger
inline constexpr auto kResistanceSolves = "resistance_solves";          // right-hand sides
inline constexpr auto kProjections = "resistance_projections";          // random ones; 0: none
inline constexpr auto kNodeName = "/node/name";                         // (n) text
inline constexpr auto kNodePotential = "/node/potential";               // (n) f64 volt
inline constexpr auto kResistorName = "/edge/name";                     // (m) text
inline constexpr auto kResistorTail = "/edge/tail";                     // (m) i64
inline constexpr auto kResistorHead = "/edge/head";                     // (m) i64
inline constexpr auto kConductance = "/edge/conductance";               // (m) f64 siemens, infinite for 0 ohm
inline constexpr auto kResistorCurrent = "/edge/current";               // (m) f64 ampere, from tail to head
inline constexpr auto kVoltageName = "/source/name";                    // (v) text
inline constexpr auto kVoltageTail = "/source/positive";                // (v) i64
inline constexpr auto kVoltageHead = "/source/negative";                // (v) i64
inline constexpr auto kVoltage = "/source/voltage";                     // (v) f64 volt
inline constexpr auto kDelivered = "/source/current";                   // (v) f64 ampere, out of the positive node
inline constexpr auto kInjectionName = "/injection/name";               // (c) text
inline constexpr auto kInjectionTail = "/injection/from";               // (c) i64, -1: from outside
inline constexpr auto kInjectionHead = "/injection/to";                 // (c) i64
inline constexpr auto kInjection = "/injection/current";                // (c) f64 ampere
inline constexpr auto kPairNodes = "/pair/nodes";                       // (k, 2) i64
inline constexpr auto kPairResistance = "/pair/resistance";             // (k) f64 ohm, -1: not connected
inline constexpr auto kPairError = "/pair/resistance_error";            // (k) f64 ohm, bound; of resistances alone
inline constexpr auto kPairPotential = "/pair/potential";               // (k, n) f64 volt
inline constexpr auto kPairCurrent = "/pair/current";                   // (k, m) f64 ampere

// solution.h5 of a raster, of which some solves may be still to come; further root attributes are those of a network,
// the worst of all solves, and "scenario", "solves" and "solved". Maps are rows from north to south.
inline constexpr auto kRaster = "raster";
inline constexpr auto kScenario = "scenario";
inline constexpr auto kSolves = "solves";
inline constexpr auto kSolved = "solved";
inline constexpr auto kPlace = "/map/place";                       // (4) f64: x and y of the corner, cell, nodata
inline constexpr auto kSolvePoints = "/solve/points";              // (k, 2) i64 focal points; 0: none
inline constexpr auto kSolveResistance = "/solve/resistance";      // (k) f64 ohm, -1: not connected, NaN: not solved
inline constexpr auto kMapPotential = "/map/potential";            // (rows, columns) f64 volt, of the advanced mode
inline constexpr auto kMapCurrent = "/map/current";                // (rows, columns) f64 ampere, likewise
inline constexpr auto kMapCumulative = "/map/cumulative_current";  // (rows, columns) f64 ampere
inline constexpr auto kMapMaximum = "/map/maximum_current";        // (rows, columns) f64 ampere

// currents.h5
inline constexpr auto kCurrents = "currents";
inline constexpr auto kEdgeLayer = "/layer";      // (m) i64
inline constexpr auto kEdgeFrom = "/from";        // (m) i64 state on that layer
inline constexpr auto kEdgeTo = "/to";            // (m) i64 state on the next layer
inline constexpr auto kEdgeCurrent = "/current";  // (m) f64 ampere

// checkpoint.h5; root attributes: step, seed, best_validation, checksum, training_hash, supervision, loss_sum, seconds.
inline constexpr auto kCheckpoint = "checkpoint";
inline constexpr auto kStep = "step";
inline constexpr auto kSeed = "seed";
inline constexpr auto kBestValidation = "best_validation";
inline constexpr auto kChecksum = "checksum";
inline constexpr auto kTrainingHash = "training_hash";
inline constexpr auto kSupervision = "supervision";
inline constexpr auto kLossSum = "loss_sum";
inline constexpr auto kSeconds = "seconds";
inline constexpr auto kParameters = "/model/parameters";  // (P) f64, what the optimiser moves
inline constexpr auto kAverage = "/model/average";        // (P) f64, moving average: samples where there is no best
inline constexpr auto kBest = "/model/best";    // (P) f64, the average of the best validation, where rows repeat
inline constexpr auto kMean = "/model/mean";    // (outputs) f64 volt or ampere
inline constexpr auto kScale = "/model/scale";  // (outputs) f64 volt or ampere
inline constexpr auto kFirstMoment = "/optimizer/first_moment";    // (P) f64
inline constexpr auto kSecondMoment = "/optimizer/second_moment";  // (P) f64
inline constexpr auto kHistory = "/history";                       // (k, 5) step, seconds, loss, validation, rate
inline constexpr auto kRandom = "/random";                         // (2) i64 seed and step: all the generator's state

// samples.h5, in the groups /exact and /neural; attributes of a group: count, seconds, origin.
inline constexpr auto kSamplesKind = "samples";
inline constexpr auto kSamples = "samples";  // (count, D) u16
inline constexpr auto kStart = "start";      // (count, D) u16
inline constexpr auto kSteps = "steps";      // (count) i32 moves, the final exit not counted
inline constexpr auto kCalls = "calls";      // (count) i32 passes of the network; of walks of a network of moves
inline constexpr auto kStuck = "stuck";      // (count) u8, 1: no current leaves where the walk ended
inline constexpr auto kCount = "count";
inline constexpr auto kOrigin = "origin";

// What the columns of a table mean, in checkpoint.h5 and samples.h5; attributes of the group: separator, point, header.
inline constexpr auto kTable = "/schema";
inline constexpr auto kColumnNames = "/schema/names";            // (D) text
inline constexpr auto kColumnKinds = "/schema/kinds";            // (D) text, nominal | ordinal
inline constexpr auto kColumnCategories = "/schema/categories";  // (D) i64 S of each column
inline constexpr auto kColumnWords = "/schema/words";            // (sum of S) text, column after column, by code
inline constexpr auto kColumnMissing = "/schema/missing";        // (D) i64 code of a missing entry, or -1
inline constexpr auto kColumnNumeric = "/schema/numeric";        // (D) i64, 1: words are numbers
inline constexpr auto kColumnDecimals = "/schema/decimals";      // (D) i64 of binned values, or -1
inline constexpr auto kEdgeCounts = "/schema/edge_counts";       // (D) i64 bins + 1, or 0
inline constexpr auto kEdges = "/schema/edges";                  // (sum of these) f64, column after column
inline constexpr auto kPlaceCounts = "/schema/place_counts";     // (D) i64 columns of the file: 1, or S one-hot bits
inline constexpr auto kPlaces = "/schema/places";                // (sum of these) i64, from 0
inline constexpr auto kFileNames = "/schema/file_names";         // (columns of the file) text
inline constexpr auto kMissingWords = "/schema/missing_words";   // text, the first is written
inline constexpr auto kSeparator = "separator";
inline constexpr auto kPoint = "point";
inline constexpr auto kHeader = "header";

}  // namespace kirchhoff::schema

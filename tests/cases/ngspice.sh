#!/usr/bin/env bash
# Every construct of SPICE that is read, against ngspice: all node voltages of each netlist below.
. "$(dirname "$0")/common/lib.sh"
command -v ngspice >/dev/null || {
  [ -z "${KIRCHHOFF_NO_SKIP:-}" ] || fail "no ngspice"
  skip "no ngspice"
}

mkdir sub
cat >sub/process.lib <<'SPICE'
* a library of sections, which use each other and files beside them
.lib common
.param sheet=40
.include more/wires.inc
.endl common
.lib TT
.lib 'process.lib' common
.param corner=1
.endl TT
.lib ff
.param corner=0.8
.endl
SPICE
mkdir sub/more
cat >sub/more/wires.inc <<'SPICE'
.subckt wire a b len=1
R1 a m {sheet*len*corner/2}
R2 m b {sheet*len*corner/2}
.ends
SPICE

# A netlist behind each line "=== name".
cat >all.txt <<'SPICE'
=== subcircuits in subcircuits, names of nodes and elements
.subckt tile a b c
R1 a b 2
R2 b c 3
.ends tile
.SUBCKT pair In Out
.subckt half x y
Rh x mid 1
Xt mid y 0 tile
.ends half
X1 In N1 half
x2 N1 Out half
.ENDS
X1 p q r tile
X2 r s 0 tile
Xp s t pair
V1 p 0 5
=== parameters: defaults, bare, params:, of the instance, of who instantiates
.param w=3 rw={2*w} late={after+1}
.subckt t a b params: r=1 s={r+1}
R1 a c {r}
R2 c b 's*2'
.ends
.subckt u a b w=5
X1 a b t r={w}
.ends
.subckt v a b
R1 a b {w}
.param w={own*2} own=2
.ends
.subckt inner a b
R1 a b {z}
.ends
.subckt outer a b z=7
X1 a b inner
.ends
.subckt set a b r=1
.param r=5
R1 a b r={r}
.ends
X1 n1 n2 t
X2 n2 n3 t r=2
X3 n3 n4 t params: s={rw} r = 3
X4 n4 n5 u
X5 n5 n6 u w={w}
X6 n6 n7 v
X7 n7 n8 outer
X8 n8 n9 outer z='rw*late'
X9 n9 na set
Xa na nb set r=2
Xb nb 0 t r=rw s=rw*3
I1 0 n1 1
.param after=10
=== expressions
.param a=2 b = a+3 c=4 d='a*b' e={(a+b)*c}
.param f(x,y)='x*y+1'
.func g(x) {f(x,2)+a}
V1 n1 0 {-a^2 + 2**3 - 2^3^2 + 2^-1}
V2 n2 0 'a>1 ? b<=5 ? 10 : 20 : 30'
V3 n3 0 {a==2 && b!=5 || !(c<3) }
V4 n4 0 {sqrt(a)+exp(1)+ln(b)+log(c)+log10(100)+abs(-3)}
V5 n5 0 {min(a,b)+max(a,b)+pow(-2,3)+pwr(2,3)+sgn(-3)+sqr(3)}
V6 n6 0 {sin(1)+cos(1)+tan(1)+atan(1)+arctan(2)+asin(0.5)+acos(0.5)+sinh(1)+cosh(1)+tanh(1)}
V7 n7 0 {int(2.7)+int(-2.7)+floor(-2.5)+ceil(2.1)+nint(2.5)+nint(3.5)}
V8 n8 0 {g(3)+f(1,2)}
V9 n9 0 {2k*3 + 1meg/1e6 + 10u*1e5 + 3e-3k + 1g/1e9}
Va na 0 {7%4 - 8/2/2 + 2*-3 - -1}
Vb nb 0 {ternary_fcn(a-2, 5, 6) + (1<>2) + (2>=2)}
Vc nc 0 {d+e}
R1 n1 0 1
=== models of resistors and temperatures
.temp 47
.options temp=60 tnom=25
.param t1=0.1
.model rm R (tc1={t1} tc2=0.01 rsh=50 defw=2u narrow=0.1u)
.model rn R tc1=0.2 r=7
.model ro res(rsh=10 w=3u)
.model rp r rsh=1 short=1 dw=0.1 tnom=37
.subckt s a b t1=0.3
.model rs R (tc1={t1})
R1 a b 2 rs
R2 a b 2 rm
.ends
R1 a b 2 rm
R2 b c rm l=10u w=1u
R3 c d rm l=10u
R4 d e 2 rm tc1=0.05
R5 e f rn
R6 f g rm 2
R7 g h rm r=2
R8 h i 2 rn m=2
R9 i j ro l=6u
Ra j k rp w=4 l=3
X1 k l s
X2 l m s t1=0.01
Rb m n 2 tc1=0.1 tc2=0.01
Rc n o 2 tc=0.1
Rd o p 2 tc=0.1 0.01
Re p q 2 tc1=0.1 dtemp=10
Rf q r 2 tc1 = 0.1 temp=37
Rg r s 2 tce=1
Rh s t 2 scale=3 ac=5 noisy=0
Ri t u resistance=7
Rj u v {temper*2}
Rk v 0 rm
I1 0 a 1
=== temperature by option
.options reltol=1e-4 temp=50
R1 q p 2 tc1=0.1
R2 p 0 3
I1 0 q 1
=== copies (where both an instance and an element in it have m, ngspice 39 forgets the inner one)
.subckt t a b
R1 a b 4
R2 a c 4
R3 c b {4}
I1 0 a 1
V1 c d 1
R4 d b 5
.ends
.subckt u a b
X1 a b t
R1 a b 9
.ends
.subckt w a b m=2
R1 a b {4*m}
.ends
X1 q 0 u m=3
X2 p q t m=0.5
R1 p 0 4 m=4
R2 p 0 {4} m='1+1'
X3 p 0 w m=3
X4 p 0 w
I2 0 p 1m m=2
=== sources
V1 a 0 DC 2 PULSE(0 5 0 1n 1n 1u 2u)
V2 b 0 PULSE(3 5 0 1n 1n 1u 2u)
V3 c 0 SIN(1 2 1k)
V4 d 0 SIN(1 2 1k 0 0 90)
V5 e 0 AC 1
V6 f 0 5 AC 1 90
V7 g 0 PWL(0 4 1n 5)
V8 h 0 EXP(1 2 1n 1n 5n 1n)
V9 i 0 SFFM(1 2 10k 5 1k)
Va j 0 AM(1 2 10k 5 1k)
Vb k 0
Vc l 0 PULSE (3 5) DC 7
Vd m 0 dc=4
Ve n 0 PWL(1n 4 2n 5)
Vf o 0 3 SIN(0 1 1k)
Vg p 0 PWL(-1 4 1 6)
Vh q 0 AC 1 0 DC 6
Vi r 0 SIN(1 2 1k 1m 0 90)
Vj s 0 DC {3*4}
I1 0 t PULSE(3m 5m 0 1n 1n 1u 2u)
R1 t 0 1k
I2 0 u 2 AC 1
R2 u 0 3
=== capacitors and inductors
R1 a b 1k
C1 b 0 1p ic=3
L1 b c 1n ic=1m
R2 c 0 1k
V1 a 0 2
L2 c d 1u
K1 L1 L2 0.9
R3 d 0 1k
C2 d 0 {2p} m=2
.ic v(b)=3
.nodeset v(c)=1
.tran 1n 10n
=== files and sections
.lib sub/process.lib tt
.inc 'sub/more/../more/wires.inc2'
X1 a b wire
X2 b c wire len=3
R1 c 0 1
I1 0 a 1
=== globals and ground
.global vdd vss!
.subckt t a
R1 a gnd 2
R2 a vdd 2
R3 a n 1
R4 n 0 1
R5 n VSS! 4
.ends
V1 vdd 0 4
V2 vss! 0 -1
X1 q t
X2 p t
R1 q p 1
=== a model and a parameter of one name, continuation, comments, case
.PARAM RW = 3
+ vdd=2
.model rw r tc1=0
r1 A b rw r=5 $ a comment
R2 B c
* between
+ {RW
+ + 1} ; another
R3 c 0 rw 2
V1 a 0 {VDD}
=== a subcircuit in a cell that shadows another
.subckt cell a b
R1 a b 1
.ends
.subckt top a b
.subckt cell a b
R1 a b 10
.ends
X1 a b cell
.ends
X1 p q top
X2 q 0 cell
I1 0 p 1
=== ports joined to one node, ground and each other
.subckt star a b c d
R1 a m 1
R2 b m 2
R3 c m 3
R4 d m 4
.ends
X1 p p 0 q star
X2 q 0 0 r star
R1 r 0 5
V1 p 0 3
SPICE
cat >sub/more/wires.inc2 <<'SPICE'
.param unused=1
SPICE

csplit -s -z -f net. -b '%02d.sp' all.txt '/^=== /' '{*}'
compared=0
for file in net.*.sp; do
  name=$(head -n 1 "$file")
  { sed 's/^===/*/' "$file"; printf '.control\nset numdgt=14\nop\nprint all\n.endc\n.end\n'; } >"ng_$file"
  ngspice -b "ng_$file" >ng.log 2>&1 </dev/null || true
  succeed $((1 + compared % 2)) solve "$file" -out solved -overwrite
  "$python" - ng.log solved/solution.h5 <<'PYTHON' || fail "$name: $(cat ng.log)"
import re
import sys

import h5py

log = open(sys.argv[1]).read()
theirs = {n: float(v) for n, v in re.findall(r"^(\S+) = (\S+)$", log, re.M) if "#" not in n}
assert theirs, "ngspice solved nothing"
f = h5py.File(sys.argv[2])
ours = {n.lower(): v for n, v in zip(f["node/name"][:].astype(str), f["node/potential"][:]) if n != "0"}
assert set(ours) == set(theirs), (sorted(ours), sorted(theirs))
largest = max(map(abs, theirs.values()))
for node, volt in theirs.items():  # ngspice joins every node to ground by 1e-12 S
    assert abs(ours[node] - volt) <= 1e-9 * largest, (node, ours[node], volt)
PYTHON
  compared=$((compared + 1))
done
[ "$compared" -ge 13 ] || fail "only $compared netlists"
echo "$compared netlists agree with ngspice"

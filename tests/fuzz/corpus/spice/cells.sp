0title
.param w=2 v='w*2+1' f(x)='x*x'
.func g(x,y) {max(x,f(y))**2}
.subckt cell a b params: r=1 s={r+1}
.param t={s*2}
R1 a m {t} m=2 tc=0.1,0.01
R2 m b rm l=3u w=1u
C1 m gnd! 1p
.ends cell
.subckt pair in out
X1 in mid cell r={w}
X2 mid out / cell s='g(w, v) > 1 ? 2 : 3'
.ends
.model rm R (rsh=5 tc1=1m)
.global vdd
.temp 50
.options tnom=25
X1 vdd 0 pair m=3
L1 vdd q 1n
V1 q 0 DC 1 SIN(0 1 1k)
I1 0 q PWL(0 1 1n 2)
.inc part.inc
.lib s.lib one
.end
=== part.inc
R9 q 0 1
.lib s.lib one
=== s.lib
.lib one
R8 q 0 2
.endl

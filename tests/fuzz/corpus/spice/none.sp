R1 n1 n2 1
R2 n2 0 1meg
I1 n1 gnd 1u $ c
* c
.title x y
.control
run
.endc

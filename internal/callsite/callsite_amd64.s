#include "textflag.h"

// func PC() uintptr
//
// It has no frame, so BP is that of its caller.
TEXT ·PC(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ 8(BP), AX
	MOVQ AX, ret+0(FP)
	RET

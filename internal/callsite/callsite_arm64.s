#include "textflag.h"

// func PC() uintptr
//
// It has no frame, so R29 is that of its caller.
TEXT ·PC(SB), NOSPLIT|NOFRAME, $0-8
	MOVD 8(R29), R0
	MOVD R0, ret+0(FP)
	RET

package callsite

import (
	"math/bits"
	"runtime"
	"strings"
	"testing"
)

//go:noinline
func called() (Site, uintptr) {
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:])
	return Of(PC()), pcs[0]
}

func TestPCIsWhatTheRuntimeSays(t *testing.T) {
	for range 3 {
		s, pc := called()
		if s.PC() != pc {
			t.Errorf("%#x, the runtime says %#x", s.PC(), pc)
		}
	}
	s, _ := called()
	frame, _ := runtime.CallersFrames([]uintptr{s.PC()}).Next()
	if !strings.HasSuffix(frame.Function, "TestPCIsWhatTheRuntimeSays") {
		t.Error(frame.Function)
	}
}

func TestWhatIsFarAwayIsUnknown(t *testing.T) {
	if bits.UintSize == 32 {
		return // nothing is
	}
	for _, pc := range []uintptr{0, origin + 1<<31, origin - 1<<31 - 1} {
		if s := Of(pc); s != 0 || s.PC() != 0 {
			t.Errorf("%#x is at %d", pc, s)
		}
	}
	if pc := origin + 1<<31 - 1; Of(pc).PC() != pc {
		t.Error("the farthest place that fits does not")
	}
}

//go:noinline
func caller() Site { return Of(PC()) }

func BenchmarkPC(b *testing.B) {
	for b.Loop() {
		caller()
	}
}

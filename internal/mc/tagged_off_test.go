//go:build !mc

package mc

import "testing"

// A harness in a file without the tag would pass as long as its one run does.
func TestAHarnessWithoutTheTagIsRefused(t *testing.T) {
	r := &recorder{}
	Explore(r, Config{}, func(*Run) { t.Error("it is run") })
	if !r.failed {
		t.Error("it is not refused")
	}
}

type recorder struct{ failed bool }

func (r *recorder) Helper()               {}
func (r *recorder) Logf(string, ...any)   {}
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

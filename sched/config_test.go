package sched

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func TestMalformedEnvironmentIsAnErrorThatNamesItAll(t *testing.T) {
	always := []string{"", " ", "+2", "-1", "1e3", "abc", strings.Repeat("9", 21), strings.Repeat("7", 1<<20), " 2", "2 ", "0x10", "½", "5-3", "0-4294967295"}
	more := map[string][]string{
		"PINWHEEL_WORKERS":     {"0", "4097", "many", "1.5"},
		"PINWHEEL_AFFINITY":    {"0,,1", "fastest", "8191-8192"},
		"PINWHEEL_SPIN":        {"-1us", "2s", "10", "1h"},
		"PINWHEEL_STEAL":       {"far", "NEAR"},
		"PINWHEEL_TICK":        {"49us", "2s", "0"},
		"PINWHEEL_FILES":       {"epoll"},
		"PINWHEEL_GOMAXPROCS":  {"1"},
		"PINWHEEL_STALL":       {"-1s", "25h"},
		"PINWHEEL_DISPLAY_ENV": {"2", "yes"},
	}
	for _, v := range variables {
		inputs := append(slices.Clone(always), more[v.name]...)
		if v.name == "PINWHEEL_TRACE" { // nearly any file name will do
			inputs = []string{"", strings.Repeat("7", 1<<20), "/no/such/dir/trace.json", "."}
		}
		for _, text := range inputs {
			t.Setenv(v.name, text)
			_, err := New()
			if err == nil {
				t.Errorf("%s=%.30q is accepted", v.name, text)
				continue
			}
			msg := err.Error()
			if !strings.Contains(msg, v.name) || !strings.Contains(msg, v.accepted) || len(msg) > 400 {
				t.Errorf("%s=%.30q: the error does not name variable and accepted forms, or is too long: %.500s", v.name, text, msg)
			}
			if text != "" && len(text) < 60 && !strings.Contains(msg, text) {
				t.Errorf("%s=%q: the error does not name the value: %s", v.name, text, msg)
			}
		}
		if err := os.Unsetenv(v.name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnknownVariablesAndCPUsThatAreNotAllowedAreErrors(t *testing.T) {
	t.Setenv("PINWHEEL_COLOUR", "blue")
	if _, err := New(); err == nil || !strings.Contains(err.Error(), "PINWHEEL_COLOUR") || !strings.Contains(err.Error(), "PINWHEEL_WORKERS") {
		t.Errorf("unknown variable: %v", err)
	}
	if s, err := New(WithoutEnvironment()); err != nil {
		t.Errorf("without the environment: %v", err)
	} else if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Unsetenv("PINWHEEL_COLOUR"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PINWHEEL_AFFINITY", "8000")
	if _, err := New(); err == nil || !strings.Contains(err.Error(), "PINWHEEL_AFFINITY") || !strings.Contains(err.Error(), "8000") {
		t.Errorf("a CPU that is not allowed: %v", err)
	}
}

func TestOptionsGoBeforeTheEnvironmentAndTheEnvironmentBeforeDefaults(t *testing.T) {
	t.Setenv("PINWHEEL_WORKERS", "3")
	t.Setenv("PINWHEEL_SPIN", "7us")
	t.Setenv("PINWHEEL_AFFINITY", "none")
	s, _ := newSchedulerFromEnvironment(t, WithWorkers(5))
	got := map[string]Setting{}
	for _, v := range s.Settings() {
		got[v.Name] = v
	}
	for name, want := range map[string][2]string{
		"PINWHEEL_WORKERS":    {"5", "option"},
		"PINWHEEL_SPIN":       {"7us", "environment"},
		"PINWHEEL_AFFINITY":   {"none", "environment"},
		"PINWHEEL_GOMAXPROCS": {"reserve", "default"},
	} {
		if v := got[name]; v.Value != want[0] || v.Source != want[1] {
			t.Errorf("%s = %q from %q, want %q from %q", name, v.Value, v.Source, want[0], want[1])
		}
	}
	if s.Workers() != 5 || len(got) != len(variables) {
		t.Errorf("%d workers, %d settings", s.Workers(), len(got))
	}
}

func newSchedulerFromEnvironment(t *testing.T, opts ...Option) (*Scheduler, context.Context) {
	t.Helper()
	s, err := New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, With(context.Background(), s)
}

func TestOptionsOutOfRangeAreErrorsThatNameThem(t *testing.T) {
	for name, o := range map[string]Option{
		"WithWorkers(0): want a number from 1 to 4096":    WithWorkers(0),
		"WithWorkers(-1): want a number from 1 to 4096":   WithWorkers(-1),
		"WithWorkers(5000): want a number from 1 to 4096": WithWorkers(5000),
		"WithMaxWorkers(0): want 1 to 4096":               WithMaxWorkers(0),
		"WithSpin(-1µs): want a duration from 0 to 1s":    WithSpin(-time.Microsecond),
		"WithSpin(1m0s): want a duration from 0 to 1s":    WithSpin(time.Minute),
		"WithSteal(Policy(7)): want near or random":       WithSteal(7),
		"WithTick(0s): want a duration from 50us to 1s":   WithTick(0),
		"WithFiles(Backend(9)): want auto, uring":         WithFiles(9),
		"WithStall(-1s): want a duration from 0 to 24h":   WithStall(-time.Second),
		"WithPanicHandler(nil)":                           WithPanicHandler(nil),
		"WithStallHandler(nil)":                           WithStallHandler(nil),
		"WithLogger(nil)":                                 WithLogger(nil),
		"WithAffinity(8000): ":                            WithAffinity(affinity.List(affinity.NewSet(8000))),
		"WithAffinity(): want auto, none":                 WithAffinity(affinity.List(affinity.Set{})),
		"a nil Option":                                    nil,
	} {
		s, err := New(WithoutEnvironment(), o)
		if err == nil {
			t.Errorf("%s: accepted", name)
			_ = s.Close()
		} else if msg := err.Error(); !strings.Contains(msg, name) || strings.Contains(msg, prefix) {
			t.Errorf("%q does not say %q, or speaks of the environment", msg, name)
		}
	}
}

// Default cannot return an error. It says on stderr, once, what is wrong, and goes on.
func TestDefaultPrintsWhatIsWrongAndGoesOn(t *testing.T) {
	if os.Getenv("PINWHEEL_WORKERS") == "many" {
		for range 3 {
			if n, err := Run(context.Background(), func(t *Task) (int, error) { return fib(t, 10), nil }); n != 55 || err != nil {
				t.Fatal(n, err)
			}
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDefaultPrintsWhatIsWrongAndGoesOn$")
	cmd.Env = append(os.Environ(), "PINWHEEL_WORKERS=many", "PINWHEEL_SPIN=3us", "PINWHEEL_DISPLAY_ENV=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if out := stderr.String(); strings.Count(out, `PINWHEEL_WORKERS="many"`) != 1 || !strings.Contains(out, "PINWHEEL_SPIN=3us (environment)") || !strings.Contains(out, "worker 0: ") {
		t.Errorf("stderr:\n%s", out)
	}
}

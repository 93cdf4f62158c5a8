package sched

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
	"github.com/pinwheel-sched/pinwheel/netpoll"
	"github.com/pinwheel-sched/pinwheel/timer"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Setting is one thing that the environment can set.
type Setting struct {
	Name     string `json:"name"`
	Value    string `json:"value"`    // in force
	Source   string `json:"source"`   // "default", "environment" or "option"
	Accepted string `json:"accepted"` // the accepted forms
	Default  string `json:"default"`
}

// A variable is one that New reads from the environment.
type variable struct {
	name     string
	accepted string
	fallback string // the default, as text
	parse    func(string) (any, error)
}

// A value is what a variable is set to.
type value struct {
	variable
	text   string
	source string
	parsed any // nil for the default
}

const prefix = "PINWHEEL_"

var variables = []variable{
	{"PINWHEEL_WORKERS", "a number from 1 to 4096", "allowed CPUs, cut by the cgroup quota", parseWorkers},
	{"PINWHEEL_AFFINITY", "auto, none, compact, scatter, cores, numa, or a CPU list such as 0-3,8", "auto", parseAffinity},
	{"PINWHEEL_SPIN", "a duration from 0 to 1s such as 50us; 0 parks at once", worker.DefaultSpin.String(), parseDuration(0, time.Second)},
	{"PINWHEEL_STEAL", victim.Names(" or "), victim.Near.String(), parseSteal},
	{"PINWHEEL_TICK", "a duration from 50us to 1s", "100us", parseDuration(timer.MinTick, timer.MaxTick)},
	{"PINWHEEL_FILES", "auto, uring or threads", "auto", parseBackend},
	{"PINWHEEL_GOMAXPROCS", "reserve or keep", "reserve", oneOf("reserve", "keep")},
	{"PINWHEEL_STALL", "a duration from 0 to 24h; 0 never reports", "1s", parseDuration(0, 24*time.Hour)},
	{"PINWHEEL_TRACE", "the name of a file that can be written", "none", parseTrace},
	{"PINWHEEL_DISPLAY_ENV", "0 or 1", "0", oneOf("0", "1")},
}

// Environment returns the settings that New would use if it were called now without options, those of every variable that it
// reads, and an error for what is malformed. It is what `schedbench env` prints.
func Environment() ([]Setting, error) {
	c, err := configure(nil)
	if top, e := affinity.Read(); e == nil {
		c.fill("PINWHEEL_WORKERS", fmt.Sprint(top.Limits.Workers(top.Allowed.Len())))
	}
	return c.settings(), err
}

// Settings returns what the scheduler was made with.
func (s *Scheduler) Settings() []Setting { return slices.Clone(s.settings) }

func (c *config) readEnvironment(try func(error)) {
	env := os.Environ()
	sort.Strings(env)
	for _, e := range env {
		name, text, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, prefix) {
			try(c.set(name, text, "environment"))
		}
	}
}

// set sets a variable. The environment does not override an option, but must be well-formed all the same.
func (c *config) set(name, text, source string) error {
	v := c.values[name]
	if v == nil {
		names := make([]string, len(variables))
		for i, v := range variables {
			names[i] = v.name
		}
		return fmt.Errorf("pinwheel: unknown variable %s=%s; known are %s", name, quote(text), strings.Join(names, ", "))
	}
	parsed, err := v.parse(text)
	if err != nil {
		return fmt.Errorf("pinwheel: %s=%s is not %s", name, quote(text), v.accepted)
	}
	if source == "option" || v.source != "option" {
		v.text, v.parsed, v.source = text, parsed, source
	}
	return nil
}

// quote quotes a value, of which a very long one would hide the message.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
	}
	return strconv.Quote(s)
}

// fill gives a variable that was left to its default the value that came out.
func (c *config) fill(name, text string) {
	if v := c.values[name]; v.parsed == nil {
		v.text = text
	}
}

func (c *config) settings() []Setting {
	list := make([]Setting, len(variables))
	for i, v := range variables {
		val := c.values[v.name]
		if val.text == "" && val.parsed == nil {
			val.text = v.fallback
		}
		list[i] = Setting{Name: v.name, Value: val.text, Source: val.source, Accepted: v.accepted, Default: v.fallback}
	}
	return list
}

func (s *Scheduler) display(cpus []affinity.Set) {
	var b strings.Builder
	for _, v := range s.settings {
		fmt.Fprintf(&b, "%s=%s (%s)\n", v.Name, v.Value, v.Source)
	}
	for i, set := range cpus {
		where := set.String()
		if where == "" {
			where = "not pinned"
		}
		fmt.Fprintf(&b, "worker %d: CPU %s\n", i, where)
	}
	os.Stderr.WriteString(b.String())
}

func parseWorkers(s string) (any, error) {
	n, err := strconv.ParseUint(s, 10, 16) // unlike Atoi, it takes no sign
	if err != nil || n < 1 || n > worker.MaxWorkers {
		return nil, strconv.ErrRange
	}
	return int(n), nil
}

func parseSteal(s string) (any, error) {
	p, ok := victim.ParsePolicy(s)
	if !ok {
		return nil, strconv.ErrSyntax
	}
	return p, nil
}

func parseTrace(s string) (any, error) {
	if s == "" {
		return nil, strconv.ErrSyntax
	}
	return s, nil
}

func parseAffinity(s string) (any, error) { return affinity.ParsePolicy(s) }

func parseDuration(least, most time.Duration) func(string) (any, error) {
	return func(s string) (any, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most || strings.HasPrefix(s, "+") {
			return nil, strconv.ErrRange
		}
		return d, nil
	}
}

func parseBackend(s string) (any, error) { return netpoll.ParseBackend(s) }

func oneOf(words ...string) func(string) (any, error) {
	return func(s string) (any, error) {
		if !slices.Contains(words, s) {
			return nil, strconv.ErrSyntax
		}
		return s, nil
	}
}

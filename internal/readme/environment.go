package main

import (
	"fmt"
	"strings"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// meaning says what the variables are for.
var meaning = map[string]string{
	"PINWHEEL_WORKERS":     "how many tasks compute at once",
	"PINWHEEL_AFFINITY":    "the CPUs that workers are pinned to",
	"PINWHEEL_SPIN":        "how long a worker looks for work before it parks",
	"PINWHEEL_STEAL":       "whom to steal from first",
	"PINWHEEL_TICK":        "resolution of timers",
	"PINWHEEL_FILES":       "how files are read",
	"PINWHEEL_GOMAXPROCS":  "one P more than workers for everything else, or leave GOMAXPROCS alone",
	"PINWHEEL_STALL":       "when a worker that is stuck is reported",
	"PINWHEEL_TRACE":       "where to write a trace",
	"PINWHEEL_DISPLAY_ENV": "print the settings and the worker-to-CPU map to stderr",
}

// environment returns the table of variables.
func environment() (string, error) {
	settings, err := sched.Environment()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString("| variable | what it sets | accepted | default |\n|---|---|---|---|\n")
	for _, s := range settings {
		if meaning[s.Name] == "" {
			return "", fmt.Errorf("internal/readme does not say what %s is for", s.Name)
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", s.Name, meaning[s.Name], s.Accepted, s.Default)
	}
	return out.String(), nil
}

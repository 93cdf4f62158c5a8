package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
)

func (p *program) compareCommand() *command {
	above := percentage(0.05)
	var asJSON bool
	return &command{
		name: "compare", usage: "OLD.json NEW.json [--fail-above 5%]", doc: "what changed between two files, and whether for the worse",
		flags: func(fs *flag.FlagSet) {
			fs.Var(&above, "fail-above", "`PERCENT` that a median may be slower before a significant difference is a regression")
			fs.BoolVar(&asJSON, "json", false, "write JSON")
		},
		run: func(_ context.Context, args []string) error {
			if len(args) != 2 {
				return usagef("write them with schedbench run --json", "compare needs two files, not %d", len(args))
			}
			older, err := report.Read(args[0])
			if err != nil {
				return usagef("", "%v", err)
			}
			newer, err := report.Read(args[1])
			if err != nil {
				return usagef("", "%v", err)
			}
			c := report.Compare(older, newer, float64(above))
			write := c.Write
			if asJSON {
				write = c.WriteJSON
			}
			if err := write(p.stdout); err != nil {
				return err
			}
			for _, r := range newer.Results {
				if !r.Verified {
					return fmt.Errorf("%w: %s on %s", errFailed, r.Workload, r.Runtime)
				}
			}
			if len(c.Rows) == 0 {
				return usagef("compare files of the same workloads, sizes, runtimes and numbers of workers",
					"nothing to compare: no result of %s is for what one of %s is for", args[1], args[0])
			}
			if n := c.Regressions(); n > 0 {
				return fmt.Errorf("%w: %d of %d results", errRegression, n, len(c.Rows))
			}
			return nil
		},
	}
}

// A percentage is a fraction that is written as 5%.
type percentage float64

func (f *percentage) String() string {
	return strconv.FormatFloat(100*float64(*f), 'g', -1, 64) + "%"
}

func (f *percentage) Set(s string) error {
	digits, ok := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("want a percentage such as 5%%")
	}
	*f = percentage(v / 100)
	return nil
}

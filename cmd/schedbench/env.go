package main

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func (p *program) envCommand() *command {
	var asJSON bool
	return &command{
		name: "env", usage: "[--json]", doc: "every setting: the value in force, where it comes from, what is accepted",
		flags: func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "write JSON") },
		run: func(_ context.Context, args []string) error {
			if err := noOperands("env", args); err != nil {
				return err
			}
			settings, mistake := sched.Environment()
			if err := p.writeSettings(settings, asJSON); err != nil {
				return err
			}
			if mistake != nil { // the list shows what is accepted
				return usagef("", "%v", mistake)
			}
			return nil
		},
	}
}

func (p *program) writeSettings(settings []sched.Setting, asJSON bool) error {
	if asJSON {
		return p.writeJSON(map[string]any{"variables": settings})
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "variable\tvalue\tfrom\tdefault\taccepted")
	for _, s := range settings {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.Value, s.Source, s.Default, s.Accepted)
	}
	return t.Flush()
}

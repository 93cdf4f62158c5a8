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
			if asJSON {
				return p.envJSON()
			}
			return p.envTable()
		},
	}
}

func (p *program) envTable() error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "variable\tvalue\tfrom\tdefault\taccepted")
	for _, s := range sched.Environment() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.Value, s.Source, s.Default, s.Accepted)
	}
	return t.Flush()
}

func (p *program) envJSON() error {
	type item struct {
		Name     string `json:"name"`
		Value    string `json:"value"`
		Source   string `json:"source"`
		Default  string `json:"default"`
		Accepted string `json:"accepted"`
	}
	var env struct {
		Variables []item `json:"variables"`
	}
	for _, s := range sched.Environment() {
		env.Variables = append(env.Variables, item{s.Name, s.Value, s.Source, s.Default, s.Accepted})
	}
	return p.writeJSON(env)
}

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"text/tabwriter"

	"github.com/pinwheel-sched/pinwheel/internal/bench/workload"
)

func (p *program) listCommand() *command {
	var asJSON bool
	return &command{
		name: "list", usage: "[--json]", doc: "the workloads, their sizes and what a task of each is",
		flags: func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "write JSON") },
		run: func(_ context.Context, args []string) error {
			if err := noOperands("list", args); err != nil {
				return err
			}
			if asJSON {
				return p.listJSON()
			}
			return p.listTable()
		},
	}
}

// noOperands refuses arguments of commands that take none.
func noOperands(command string, args []string) error {
	if len(args) > 0 {
		return usagef("schedbench help "+command+" tells the usage", "%s takes no argument %q", command, args[0])
	}
	return nil
}

func (p *program) listTable() error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "workload\tdefault n\tn is\ttask\twhat it runs")
	for _, w := range workload.All {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", w.Name, w.N, w.Size, w.Unit, w.Doc)
		for _, o := range w.Options {
			fmt.Fprintf(t, "\t\t\t\t  --%s: %s\n", o.Name, describe(o))
		}
	}
	return t.Flush()
}

func (p *program) listJSON() error {
	type item struct {
		Name    string            `json:"name"`
		Doc     string            `json:"doc"`
		N       string            `json:"n"`
		Size    string            `json:"size"`
		Unit    string            `json:"unit"`
		Options map[string]string `json:"options,omitempty"` // and their defaults
	}
	var list struct {
		Workloads []item `json:"workloads"`
	}
	for _, w := range workload.All {
		i := item{Name: w.Name, Doc: w.Doc, N: w.N, Size: w.Size, Unit: w.Unit}
		for _, o := range w.Options {
			if i.Options == nil {
				i.Options = map[string]string{}
			}
			i.Options[o.Name] = o.Default
		}
		list.Workloads = append(list.Workloads, i)
	}
	return p.writeJSON(list)
}

func (p *program) writeJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Package topologies has the described machines of this directory, for tests and for schedbench sim.
package topologies

import (
	"embed"
	"fmt"
	"strings"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/affinity/machine"
)

//go:embed *.txt
var files embed.FS

// Names returns the names of the machines, in lexical order.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // it is in the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".txt")
	}
	return names
}

// Read returns the topology of a machine.
func Read(name string) (*affinity.Topology, error) {
	text, err := files.ReadFile(name + ".txt")
	if err != nil {
		return nil, fmt.Errorf("there is no machine %q; machines: %s", name, strings.Join(Names(), ", "))
	}
	m, err := machine.Parse(string(text))
	if err != nil {
		return nil, err
	}
	return affinity.Read(affinity.WithFS(m.FS))
}

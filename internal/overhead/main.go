// Command overhead measures what the statistics and a trace cost: it runs fib and files in a build without statistics, in the
// ordinary one, in that with a trace, and once more without statistics, in turn, and prints the ratios of the times: the median of those
// of each turn, with the range that holds it with 95 %, and that of the fastest runs. What is the same program twice tells what the method
// finds where there is nothing. See make overhead.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
)

func main() {
	rounds := flag.Int("rounds", 25, "`NUMBER` of turns")
	flag.Parse()
	if flag.NArg() != 2 || *rounds < 1 {
		fmt.Fprintln(os.Stderr, "usage: overhead [-rounds N] UNCOUNTED COUNTED, two builds of schedbench")
		os.Exit(2)
	}
	if err := measure(*rounds, flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}

func measure(rounds int, uncounted, counted string) error {
	dir, err := os.MkdirTemp("", "overhead")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	trace := filepath.Join(dir, "trace.json")
	programs := [][]string{{uncounted}, {counted}, {counted, "--trace", trace}, {uncounted}}
	fmt.Printf("%-8s %36s %36s %36s\n", "", "statistics, of none", "none, of none", "with a trace, of without")
	for _, workload := range [][]string{{"fib", "--n", "36"}, {"files", "--n", "src/net"}} {
		times := make([][]float64, len(programs))
		for turn := range rounds {
			for k := range programs {
				i := (turn + k) % len(programs) // none is always the first
				ns, err := run(programs[i], workload)
				if err != nil {
					return err
				}
				times[i] = append(times[i], ns)
			}
		}
		fmt.Printf("%-8s %36s %36s %36s\n", workload[0], ratio(times[1], times[0]), ratio(times[3], times[0]), ratio(times[2], times[1]))
	}
	return nil
}

// ratio compares run by run, since the runs of one turn have the same machine, more or less, and the fastest, which a busy machine
// disturbs least.
func ratio(a, b []float64) string {
	pairs := make([]float64, len(a))
	for i := range a {
		pairs[i] = a[i] / b[i]
	}
	lo, hi := stat.MedianInterval(pairs, 0.95)
	return fmt.Sprintf("%.3f (%.3f to %.3f), fastest %.3f", stat.Median(pairs), lo, hi, slices.Min(a)/slices.Min(b))
}

// run returns the median time of a few runs of a workload, in a process of their own.
func run(program, workload []string) (float64, error) {
	args := append([]string{"run"}, workload...)
	args = append(args, "--runtimes", "pinwheel", "--count", "5", "--json")
	args = append(args, program[1:]...)
	cmd := exec.Command(program[0], args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	var doc struct {
		Results []struct {
			Verified bool
			MedianNs float64 `json:"median_ns"`
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return 0, err
	}
	if len(doc.Results) != 1 || !doc.Results[0].Verified {
		return 0, fmt.Errorf("%v gave no verified result", cmd)
	}
	return doc.Results[0].MedianNs, nil
}

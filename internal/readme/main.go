// Readme writes the parts of README.md and docs/measured.md that a program should write: the first program, the tables of costs
// and the table of the environment. Each stands between two marks, <!-- begin NAME --> and <!-- end NAME -->.
//
//	go run ./internal/readme [-measure SCHEDBENCH]
//
// It is run in the top directory of the module. The figures are those in internal/readme/measured.json, which -measure
// makes anew with a built schedbench; a test checks that the files are as they would be written. So no figure is ever typed.
package main

import (
	"flag"
	"fmt"
	"os"
)

const measuredFile = "internal/readme/measured.json"

func main() {
	schedbench := flag.String("measure", "", "measure anew with this `schedbench`")
	flag.Parse()
	if err := run(*schedbench); err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}

func run(schedbench string) error {
	if schedbench != "" {
		if err := measure(schedbench, measuredFile); err != nil {
			return err
		}
	}
	m, err := readMeasured(measuredFile)
	if err != nil {
		return err
	}
	for _, document := range documents {
		old, err := os.ReadFile(document)
		if err != nil {
			return err
		}
		text, err := generate(".", m, document, string(old))
		if err != nil {
			return err
		}
		if err := os.WriteFile(document, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

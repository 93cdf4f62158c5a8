package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// generate returns the text of a README with its blocks written anew. The rest is read below top, the top directory.
func generate(top, text string) (string, error) {
	m, err := readMeasured(filepath.Join(top, measuredFile))
	if err != nil {
		return "", err
	}
	for _, b := range []struct {
		name string
		make func() (string, error)
	}{
		{"program", func() (string, error) { return program(top) }},
		{"costs", func() (string, error) { return costs(m) }},
		{"suite", func() (string, error) { return suite(m.Suite) }},
		{"environment", func() (string, error) { return environment(top) }},
	} {
		block, err := b.make()
		if err != nil {
			return "", fmt.Errorf("%s: %w", b.name, err)
		}
		if text, err = replace(text, b.name, block); err != nil {
			return "", err
		}
	}
	return text, nil
}

// replace puts a block between its marks.
func replace(text, name, block string) (string, error) {
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->\n"
	if strings.Count(text, begin) != 1 || strings.Count(text, end) != 1 {
		return "", fmt.Errorf("there must be one line %q and one line %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	before, rest, _ := strings.Cut(text, begin)
	_, after, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("block %s ends before it begins", name)
	}
	return before + begin + block + end + after, nil
}

// A table is rows of cells, the first of them the heading.
type table [][]string

func (t table) String() string {
	var b strings.Builder
	for i, row := range t {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
	return b.String()
}

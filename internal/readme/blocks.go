package main

import (
	"fmt"
	"strings"
)

// documents are the files that have blocks, below the top directory.
var documents = []string{"README.md", "docs/measured.md"}

// A block is a part of a document that is generated.
type block struct {
	document, name string
	make           func() (string, error)
}

// blocks returns all of them. What they are made of is read below top, the top directory.
func blocks(top string, m Measured) []block {
	return []block{
		{"README.md", "program", func() (string, error) { return program(top) }},
		{"README.md", "costs", func() (string, error) { return costs(m) }},
		{"README.md", "environment", environment},
		{"docs/measured.md", "suite", func() (string, error) { return suite(m.Suite) }},
	}
}

// generate returns the text of a document with its blocks written anew.
func generate(top string, m Measured, document, text string) (string, error) {
	for _, b := range blocks(top, m) {
		if b.document != document {
			continue
		}
		made, err := b.make()
		if err != nil {
			return "", fmt.Errorf("%s: %w", b.name, err)
		}
		if text, err = replace(text, b.name, made); err != nil {
			return "", fmt.Errorf("%s: %w", document, err)
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

package mc

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
)

// An event is one line of a trace.
type event struct {
	thread, word, what string
	file               string
	line               int
}

func (th *thread) trace(operation string, operands []any) {
	e := event{thread: th.name, what: operation}
	for _, o := range operands {
		e.what += " " + th.run.show(o)
	}
	if th.word != 0 {
		e.word = th.run.nameOf(th.word)
	}
	e.file, e.line = caller()
	th.run.events = append(th.run.events, e)
}

// show writes an operand; a pointer by the name of what it points to.
func (r *Run) show(operand any) string {
	v := reflect.ValueOf(operand)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Sprint(operand)
	}
	return r.nameOf(v.Pointer())
}

// nameOf returns the name that the harness gave to a word, or makes a name.
func (r *Run) nameOf(word uintptr) string {
	if r.names == nil {
		return "a word"
	}
	name, ok := r.names[word]
	if !ok {
		name = fmt.Sprintf("#%d", len(r.names)+1)
		r.names[word] = name
	}
	return name
}

// caller returns the place of the operation: the innermost one outside this package and internal/atom.
func caller() (file string, line int) {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !more || !strings.Contains(f.Function, "/internal/mc.") && !strings.Contains(f.Function, "/internal/atom.") {
			return f.File, f.Line
		}
	}
}

// render lays the events out as a table, with the line of source that each one comes from.
func render(events []event) string {
	var b strings.Builder
	width := [3]int{}
	for _, e := range events {
		width = [3]int{max(width[0], len(e.thread)), max(width[1], len(e.word)), max(width[2], len(e.what))}
	}
	sources := map[string][]string{}
	for i, e := range events {
		lines, ok := sources[e.file]
		if !ok {
			text, _ := os.ReadFile(e.file) // Without the source, the position must do.
			lines = strings.Split(string(text), "\n")
			sources[e.file] = lines
		}
		source := ""
		if e.line <= len(lines) {
			source = strings.TrimSpace(lines[e.line-1])
		}
		fmt.Fprintf(&b, "%4d  %-*s  %-*s  %-*s  %s:%d  %s\n", i, width[0], e.thread, width[1], e.word, width[2], e.what,
			filepath.Base(e.file), e.line, source)
	}
	return b.String()
}

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// The exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRegression  = 3
	exitInterrupted = 130
)

// A program is one execution of schedbench.
type program struct {
	stdout   io.Writer
	stderr   io.Writer
	terminal bool // stderr is one
	commands []*command
}

// A command is what the first argument names.
type command struct {
	name  string
	usage string // what follows the name
	doc   string
	flags func(fs *flag.FlagSet)
	run   func(ctx context.Context, args []string) error
}

func newProgram(stdout, stderr io.Writer) *program {
	p := &program{stdout: stdout, stderr: stderr, terminal: isTerminal(stderr)}
	p.commands = []*command{
		p.suiteCommand(), p.listCommand(), p.runCommand(), p.compareCommand(), p.topoCommand(), p.simCommand(), p.envCommand(), p.versionCommand(), p.completionCommand(),
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// A usageError is the user's mistake. The hint, which may be empty, is how to put it right.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

func usagef(hint, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), hint}
}

var (
	errFailed     = errors.New("a run failed or its answer was wrong")
	errRegression = errors.New("there is a regression")
)

// main runs the command that args name and returns the exit status.
func (p *program) main(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintln(p.stderr, "schedbench:", usage.message)
		if usage.hint != "" {
			fmt.Fprintln(p.stderr, usage.hint)
		}
		return exitUsage
	}
	fmt.Fprintln(p.stderr, "schedbench:", err)
	switch {
	case errors.Is(err, bench.ErrInterrupted):
		return exitInterrupted
	case errors.Is(err, errRegression):
		return exitRegression
	}
	return exitFailed
}

func (p *program) dispatch(ctx context.Context, args []string) error {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	if name == "" && len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
		return p.help()
	}
	if name == "help" {
		if len(args) == 0 {
			return p.help()
		}
		name, args = args[0], []string{"--help"}
	}
	var names []string
	for _, c := range p.commands {
		if c.name == name {
			return p.invoke(ctx, c, args)
		}
		names = append(names, c.name)
	}
	return usagef(hint(name, names, "schedbench help lists the commands"), "there is no command %q", name)
}

// invoke parses the flags, which may stand before and after the other arguments, and runs the command.
func (p *program) invoke(ctx context.Context, c *command, args []string) error {
	fs := c.flagSet()
	var operands []string
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return p.helpOn(c)
		}
		if err != nil {
			return flagError(fs, c, err)
		}
		rest := fs.Args()
		if used := len(args) - len(rest); used > 0 && args[used-1] == "--" {
			operands = append(operands, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
	return c.run(ctx, operands)
}

func (c *command) flagSet() *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	if c.flags != nil {
		c.flags(fs)
	}
	return fs
}

// flagNames returns the names of a command's flags in lexical order, with their dashes.
func (c *command) flagNames() []string {
	var names []string
	c.flagSet().VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

// flagError says what package flag says, in our words where it is about a name.
func flagError(fs *flag.FlagSet, c *command, err error) error {
	const undefined = "flag provided but not defined: -"
	if name, ok := strings.CutPrefix(err.Error(), undefined); ok {
		name = "--" + name
		return usagef(hint(name, c.flagNames(), "schedbench help "+c.name+" lists the flags"), "there is no flag %s", name)
	}
	message := strings.NewReplacer("for flag -", "for --", "for -", "for --", "argument: -", "argument: --").Replace(err.Error())
	return usagef("", "%s", strings.TrimSuffix(message, ": parse error"))
}

// help prints what there is.
func (p *program) help() error {
	var b bytes.Buffer
	fmt.Fprint(&b, "Schedbench measures pinwheel against goroutines and serial code.\n\n")
	for _, c := range p.commands {
		fmt.Fprintf(&b, "  schedbench %-44s %s\n", strings.TrimSpace(c.name+" "+c.usage), c.doc)
	}
	fmt.Fprint(&b, "\nschedbench help COMMAND tells the flags of one.\n")
	fmt.Fprintf(&b, "Exit status: %d done, and every answer was right; %d a run failed, or its answer was wrong; %d a mistake in the arguments;\n",
		exitDone, exitFailed, exitUsage)
	fmt.Fprintf(&b, "%d compare found a regression; %d interrupted, what was finished is printed.\n", exitRegression, exitInterrupted)
	_, err := p.stdout.Write(b.Bytes())
	return err
}

func (p *program) helpOn(c *command) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "usage: schedbench %s\n\n%s\n", strings.TrimSpace(c.name+" "+c.usage), c.doc)
	first := true
	c.flagSet().VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprintln(&b)
			first = false
		}
		value, doc := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  %-22s %s", strings.TrimSpace("--"+f.Name+" "+value), strings.ReplaceAll(doc, "\n", "\n"+strings.Repeat(" ", 25)))
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(&b, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(&b)
	})
	_, err := p.stdout.Write(b.Bytes())
	return err
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
	"github.com/pinwheel-sched/pinwheel/internal/sim"
	"github.com/pinwheel-sched/pinwheel/testdata/topologies"
)

var shells = []string{"bash", "zsh", "fish"}

func (p *program) completionCommand() *command {
	return &command{
		name: "completion", usage: strings.Join(shells, "|"), doc: "a script that makes the shell complete schedbench's arguments",
		run: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return usagef("shells: "+strings.Join(shells, ", "), "completion needs the name of a shell")
			}
			var b bytes.Buffer
			switch args[0] {
			case "bash":
				p.completeBash(&b)
			case "zsh":
				// zsh runs bash's completions.
				fmt.Fprint(&b, "#compdef schedbench\nautoload -U +X bashcompinit && bashcompinit\n")
				p.completeBash(&b)
			case "fish":
				p.completeFish(&b)
			default:
				return usagef(hint(args[0], shells, "shells: "+strings.Join(shells, ", ")), "there is no completion for %q", args[0])
			}
			_, err := p.stdout.Write(b.Bytes())
			return err
		},
	}
}

// operandsOf returns the words that a command takes besides its flags.
func operandsOf(command string) []string {
	switch command {
	case "run":
		return workloadNames()
	case "completion":
		return shells
	}
	return nil
}

// valuesOf returns the words that a flag takes, for those that do.
func valuesOf() map[string][]string {
	var runtimes []string
	for _, rt := range bench.Runtimes {
		runtimes = append(runtimes, string(rt))
	}
	return map[string][]string{"--format": report.Formats, "--runtimes": runtimes, "--topology": topologies.Names(), "--load": sim.Loads}
}

// fileFlags are the flags whose value is a path.
var fileFlags = []string{"--input", "--root", "--cpuprofile", "--trace"}

func (p *program) commandNames() []string {
	names := []string{"help"}
	for _, c := range p.commands {
		if c.name != "" {
			names = append(names, c.name)
		}
	}
	return names
}

func (p *program) completeBash(b *bytes.Buffer) {
	words := func(all []string) string { return strings.Join(all, " ") }
	values := valuesOf()
	fmt.Fprintf(b, `_schedbench() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words
	COMPREPLY=()
	case $previous in
	--format) words="%s" ;;
	--runtimes) words="%s" ;;
	--topology) words="%s" ;;
	--load) words="%s" ;;
	%s) COMPREPLY=($(compgen -f -- "$current")); return ;;
	*)
		if [ "$COMP_CWORD" -eq 1 ]; then
			words="%s %s"
		else
			case ${COMP_WORDS[1]} in
`, words(values["--format"]), words(values["--runtimes"]), words(values["--topology"]), words(values["--load"]), strings.Join(fileFlags, "|"), words(p.commandNames()), words(p.commands[0].flagNames()))
	for _, c := range p.commands {
		switch c.name {
		case "":
			fmt.Fprintf(b, "\t\t\t-*) words=\"%s\" ;;\n", words(c.flagNames()))
		case "compare":
			fmt.Fprintf(b, "\t\t\t%s) COMPREPLY=($(compgen -f -W \"%s\" -- \"$current\")); return ;;\n", c.name, words(c.flagNames()))
		default:
			fmt.Fprintf(b, "\t\t\t%s) words=\"%s\" ;;\n", c.name, strings.TrimSpace(words(c.flagNames())+" "+words(operandsOf(c.name))))
		}
	}
	fmt.Fprintf(b, `			help) words="%s" ;;
			esac
		fi ;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _schedbench schedbench
`, words(p.commandNames()[1:]))
}

func (p *program) completeFish(b *bytes.Buffer) {
	fmt.Fprintln(b, "complete -c schedbench -f")
	values := valuesOf()
	for _, c := range p.commands {
		condition := "__fish_use_subcommand"
		if c.name != "" {
			fmt.Fprintf(b, "complete -c schedbench -n __fish_use_subcommand -a %s -d %q\n", c.name, c.doc)
			condition = fmt.Sprintf("'__fish_seen_subcommand_from %s'", c.name)
		}
		for _, name := range c.flagNames() {
			line := fmt.Sprintf("complete -c schedbench -n %s -l %s", condition, strings.TrimPrefix(name, "--"))
			if words, ok := values[name]; ok {
				line += fmt.Sprintf(" -x -a %q", strings.Join(words, " "))
			}
			for _, f := range fileFlags {
				if f == name {
					line += " -r -F"
				}
			}
			fmt.Fprintln(b, line)
		}
		if words := operandsOf(c.name); words != nil {
			fmt.Fprintf(b, "complete -c schedbench -n %s -a %q\n", condition, strings.Join(words, " "))
		}
		if c.name == "compare" {
			fmt.Fprintf(b, "complete -c schedbench -n %s -F\n", condition)
		}
	}
}

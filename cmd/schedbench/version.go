package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

func (p *program) versionCommand() *command {
	return &command{
		name: "version", doc: "the version of schedbench and of Go",
		run: func(_ context.Context, args []string) error {
			if err := noOperands("version", args); err != nil {
				return err
			}
			_, err := fmt.Fprintf(p.stdout, "schedbench %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version returns the module's version, or else the revision that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "devel", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+modified"
		}
	}
	return revision + modified
}

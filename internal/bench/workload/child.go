package workload

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// A part of some workloads runs in another process, so that it is the same for all runtimes and takes none of their CPU
// time: the load that a server is put under. That process is this program again.

// childVariable says in the environment of such a process what it is.
const childVariable = "SCHEDBENCH_CHILD"

var children = map[string]func(in io.Reader, out io.Writer) error{}

// Child does the part of such a process and ends it. In any other process it returns at once. Programs that run workloads call it first.
func Child() {
	f := children[os.Getenv(childVariable)]
	if f == nil {
		return
	}
	if err := f(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A child is such a process. It is told and tells one JSON document to a line.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

// startChild starts the process of a name and tells it what to do.
func startChild(name string, task any) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(exe)}
	c.cmd.Env = append(os.Environ(), childVariable+"="+name)
	c.cmd.Stderr = &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := affinity.Unpinned(c.cmd.Start); err != nil {
		return nil, err
	}
	if err := c.tell(task); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *child) tell(x any) error { return json.NewEncoder(c.in).Encode(x) }

// hear waits for what the process says next.
func (c *child) hear(x any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		_ = c.cmd.Wait()
		return errors.New("the load failed: " + strings.TrimSpace(c.stderr.String()))
	}
	return json.Unmarshal(line, x)
}

// stop ends the process.
func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

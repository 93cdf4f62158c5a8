//go:build unix

package timer

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const tickerProcess = "TIMER_TEST_TICKER"

// Not a test, but the process that the next test stops: it prints the time of each tick.
func TestTheProcessThatTicks(t *testing.T) {
	if os.Getenv(tickerProcess) == "" {
		t.Skip("this is part of another test")
	}
	start := time.Now()
	for at := range newDriven(t, 1).Shard(0).NewTicker(10 * time.Millisecond).C {
		if _, err := fmt.Println(at.Sub(start).Microseconds()); err != nil {
			return
		}
	}
}

func TestAProcessThatWasStoppedTicksOnce(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestTheProcessThatTicks$")
	cmd.Env = append(os.Environ(), tickerProcess+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	next := func() (at time.Duration) {
		if !lines.Scan() {
			t.Fatal("the process has ended")
		}
		var us int64
		if _, err := fmt.Sscan(lines.Text(), &us); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		return time.Duration(us) * time.Microsecond
	}
	last := next()
	next()

	const stop = 300 * time.Millisecond
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-time.After(stop)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for {
		at := next()
		if gap := at - last; gap > stop/2 {
			last = at
			break
		}
		last = at
	}
	ticks := 1
	for at := next(); at < last+stop/2; at = next() {
		ticks++
	}
	if most := int(stop / 2 / (10 * time.Millisecond)); ticks > most+2 {
		t.Errorf("%d ticks in %v after a stop of %v", ticks, stop/2, stop)
	}
}

//go:build linux

package netpoll

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary runs itself, with few descriptors.
func TestAListenerSurvivesTheLackOfDescriptors(t *testing.T) {
	const variable = "PINWHEEL_TEST_SCARCE"
	if os.Getenv(variable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=3m", "-test.v")
		cmd.Env = append(os.Environ(), variable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	p := newPoller(t)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	said := make(chan string)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				said <- err.Error()
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 10)
				n, _ := c.Read(b)
				said <- string(b[:n])
			}()
		}
	}()
	// One after the other takes the descriptors that are left, both ends of a connection at a time, until there are none.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 40
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var clients []net.Conn
	for {
		c, err := p.Dial(background, "tcp", l.Addr().String())
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	if len(clients) < 5 || len(clients) > 40 {
		t.Fatalf("%d connections with 40 descriptors", len(clients))
	}
	// All are served in the end, because those that have been make room.
	begin := cpuTime(t)
	for i, c := range clients {
		if _, err := c.Write(fmt.Append(nil, i)); err != nil {
			t.Error(err)
		}
	}
	heard := map[string]bool{}
	for len(heard) < len(clients) {
		s := <-said
		heard[s] = true
		for i, c := range clients {
			if s == fmt.Sprint(i) {
				_ = c.Close()
			}
		}
	}
	t.Logf("%d clients took %v of CPU time", len(clients), cpuTime(t)-begin)
	_ = l.Close()
	if s := <-said; s != (&net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}).Error() {
		t.Errorf("accepting ended with %s", s)
	}
}

// cpuTime is that of the process.
func cpuTime(t *testing.T) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

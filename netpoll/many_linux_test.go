//go:build linux

package netpoll

import (
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

const manyTo = "NETPOLL_TEST_MANY"

// Ten thousand connections at once, to another process, since both ends would need more descriptors than one process has. Each is
// spoken to, twice.
func TestTenThousandConnections(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur = limit.Max; unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Max < uint64(n)+100 {
		t.Skipf("this test needs %d descriptors, and may have %d", n+100, limit.Max)
	}
	if address := os.Getenv(manyTo); address != "" {
		connectMany(t, n, address)
		return
	}
	inBothStyles(t, func(t *testing.T, serve serveFunc) {
		p, pool := newLoop(t, 2)
		l := listen(t, p, "tcp", "127.0.0.1:0")
		served := make(chan error, 1)
		go func() { served <- serve(l, background, pool) }()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTenThousandConnections$", "-test.v",
			"-test.short="+strconv.FormatBool(testing.Short()))
		cmd.Env = append(os.Environ(), manyTo+"="+l.Addr().String())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		_ = l.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func connectMany(t *testing.T, n int, address string) {
	p := newPoller(t)
	conns := make([]*Conn, n)
	each := func(f func(i int)) {
		var all sync.WaitGroup
		var next atomic.Int64
		for range 32 {
			all.Go(func() {
				for i := int(next.Add(1)) - 1; i < n && !t.Failed(); i = int(next.Add(1)) - 1 {
					f(i)
				}
			})
		}
		all.Wait()
	}
	each(func(i int) {
		var err error
		if conns[i], err = p.Dial(background, "tcp", address); err != nil {
			t.Errorf("connection %d: %v", i, err)
			return
		}
		say(t, conns[i], "I am "+strconv.Itoa(i))
	})
	if t.Failed() {
		return
	}
	each(func(i int) { say(t, conns[n-1-i], "I am still "+strconv.Itoa(i)) })
	for _, c := range conns {
		_ = c.SetLinger(0) // a reset: no port is left waiting
		_ = c.Close()
	}
}

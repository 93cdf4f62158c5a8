//go:build !linux

package workload

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// run has a goroutine for each connection.
func (l *load) run(ready func() error) (*loadResult, error) {
	conns := make([]net.Conn, l.Conns)
	requests := make([]request, l.Conns)
	for i := range conns {
		c, err := net.Dial("tcp", l.Address)
		if err != nil {
			return nil, err
		}
		conns[i], requests[i].conn = c, i
	}
	var mu sync.Mutex
	var first error
	var latencies []time.Duration
	round := func(n int, every time.Duration) {
		begin := time.Now()
		var all sync.WaitGroup
		for i := range min(l.Conns, n) {
			all.Go(func() {
				b := make([]byte, l.Size)
				pattern(b)
				var own []time.Duration
				var err error
				for k := i; k < n && err == nil; k += l.Conns {
					q := &requests[i]
					if every > 0 {
						due := l.first(begin, i)
						if k > i {
							due = q.sent.Add(every)
						}
						time.Sleep(time.Until(due))
					}
					q.next(b)
					q.sent = time.Now()
					if _, err = conns[i].Write(b); err == nil {
						if _, err = io.ReadFull(conns[i], b); err == nil {
							err = q.check(b, l.Size)
						}
					}
					own = append(own, time.Since(q.sent))
				}
				mu.Lock()
				defer mu.Unlock()
				latencies = append(latencies, own...)
				if first == nil {
					first = err
				}
			})
		}
		all.Wait()
	}
	round(l.Conns, 0)
	if first != nil {
		return nil, first
	}
	if err := ready(); err != nil {
		return nil, err
	}
	latencies = nil
	begin := time.Now()
	cpu, _ := bench.CPUTime()
	round(l.Requests, l.Every)
	if first != nil {
		return nil, first
	}
	result := l.result(latencies, time.Since(begin))
	after, _ := bench.CPUTime()
	result.CPU = after - cpu
	return result, nil
}

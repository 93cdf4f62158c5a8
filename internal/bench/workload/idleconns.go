package workload

import (
	"context"
	"net"
	"runtime"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// idleConns is what connections cost that do nothing: n of them, each of which has had one request answered. bytes_per_conn is
// what the heap and the stacks of the server have grown by, after a collection, buffers of handlers included; what the kernel has is not
// counted. cpu_fraction is that of a rest of 2 s, or less if there are fewer than 10,000 of them. The styles are those of echo.
var idleConns = &bench.Workload{
	Name: "idle-conns", Doc: "connections with nothing to do: memory and CPU",
	Size: "connections", Unit: "connection", N: "5000", SuiteN: "300", TestN: "20",
	Options: []bench.Option{{Name: "style", Doc: "of the pinwheel server: readable or tasks", Default: "readable,tasks", Many: true}},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 1_000_000)
		if err != nil {
			return nil, err
		}
		e := &echoServer{load: load{Requests: n, Conns: n, Size: 64}}
		serve, err := e.style(p.Options["style"])
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return e.job(serve, e.rest) }), nil
	},
}

// restTime is for how long n connections do nothing.
func restTime(n int) time.Duration { return min(2*time.Second, time.Duration(n)*200*time.Microsecond) }

func (e *echoServer) rest(r *bench.Run, l net.Listener, serve func() error, load load) (string, error) {
	before := memoryInUse()
	served := make(chan error, 1)
	go func() { served <- serve() }()
	load.Address = l.Addr().String()
	c, err := startChild("load", load)
	if err != nil {
		return "", err
	}
	defer c.stop()
	stop := context.AfterFunc(r.Context, func() { _ = c.cmd.Process.Kill() })
	defer stop()
	var ready string
	if err := c.hear(&ready); err != nil {
		return "", err
	}
	after := memoryInUse()
	if err := rested(r, restTime(load.Conns)); err != nil {
		return "", err
	}
	r.Metric("bytes_per_conn", float64(after-before)/float64(load.Conns))
	if err := c.tell("go"); err != nil {
		return "", err
	}
	var result loadResult
	if err := c.hear(&result); err != nil {
		return "", err
	}
	_ = l.Close()
	c.stop()
	<-served
	return decimal(result.Answered), nil
}

// memoryInUse is what the heap and the stacks take after a collection.
func memoryInUse() int64 {
	var m runtime.MemStats
	for range 3 { // what pools keep goes with the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

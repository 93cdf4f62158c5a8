package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/netpoll"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// echo is a server that sends back what it is sent, under a load that another process puts it under: conns connections over the loopback device, each
// with one request under way. The process of the load is one thread in epoll, the same for all runtimes, and shares
// the CPUs with the server. On pinwheel the server is sched.ServeReadable or, with --style tasks, sched.Serve with a
// task for each connection; with goroutines it is package net with a goroutine for each connection. Serial code has one connection.
//
// rps are the requests in a second, p50_ns and p99_ns the times from sending a request to having its whole answer.
var echo = &bench.Workload{
	Name: "echo", Doc: "TCP echo over loopback, against net",
	Size: "requests", Unit: "request", N: "200000", SuiteN: "4000", TestN: "300",
	Options: echoOptions("64,1000"),
	Prepare: func(p bench.Params) (bench.Build, error) { return prepareEcho(p, 0) },
}

// echoStall is echo where a handler blocks its thread, as one does that calls something that knows nothing of schedulers.
var echoStall = &bench.Workload{
	Name: "echo-stall", Doc: "TCP echo where 1 request in 200 sleeps 2 ms natively",
	Size: "requests", Unit: "request", N: "100000", SuiteN: "4000", TestN: "300",
	Options: echoOptions("64"),
	Prepare: func(p bench.Params) (bench.Build, error) { return prepareEcho(p, 200) },
}

func echoOptions(conns string) []bench.Option {
	return []bench.Option{
		{Name: "conns", Doc: "connections", Default: conns, Many: true},
		{Name: "size", Doc: "bytes of a request", Default: "64", Many: true},
		{Name: "style", Doc: "of the pinwheel server: readable or tasks", Default: "readable", Many: true},
	}
}

func prepareEcho(p bench.Params, stall int) (bench.Build, error) {
	n, err := p.Int(1, 100_000_000)
	if err != nil {
		return nil, err
	}
	e := &echoServer{stall: int64(stall), load: load{Requests: n}}
	if e.load.Conns, err = p.OptionInt("conns", 1, 100_000); err != nil {
		return nil, err
	}
	if e.load.Size, err = p.OptionInt("size", 8, 1<<24); err != nil {
		return nil, err
	}
	serve, err := e.style(p.Options["style"])
	if err != nil {
		return nil, err
	}
	return bench.Later(func() *bench.Job { return e.job(serve, e.measure) }), nil
}

// style returns the pinwheel server of that style.
func (e *echoServer) style(name string) (func(ctx context.Context, l *netpoll.Listener) error, error) {
	switch name {
	case "readable":
		return e.readable, nil
	case "tasks":
		return e.tasks, nil
	}
	return nil, fmt.Errorf("--style %q: want readable or tasks", name)
}

type echoServer struct {
	load  load
	stall int64 // one request in so many sleeps
	count atomic.Int64
}

// stallTime is how long.
const stallTime = 2 * time.Millisecond

// job serves in a style, and with net, while run puts a load on.
func (e *echoServer) job(serve func(ctx context.Context, l *netpoll.Listener) error,
	run func(r *bench.Run, l net.Listener, serve func() error, load load) (string, error),
) *bench.Job {
	return &bench.Job{
		Tasks: int64(e.load.Requests),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: func(r *bench.Run) (string, error) {
				l, err := sched.Listen(r.Context, "tcp", "127.0.0.1:0")
				if err != nil {
					return "", err
				}
				return run(r, l, func() error { return serve(r.Context, l) }, e.load)
			},
			bench.Goroutines: func(r *bench.Run) (string, error) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return "", err
				}
				return run(r, l, func() error { return e.goroutines(l) }, e.load)
			},
			bench.Serial: func(r *bench.Run) (string, error) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return "", err
				}
				load := e.load
				load.Conns = 1
				return run(r, l, func() error {
					c, err := l.Accept()
					if err != nil {
						return err
					}
					return e.echo(c)
				}, load)
			},
		},
		Verify: bench.Answer(decimal(e.load.Requests)),
	}
}

// measure serves and puts the load on. The answer is the number of requests that were answered rightly.
func (e *echoServer) measure(r *bench.Run, l net.Listener, serve func() error, load load) (string, error) {
	served := make(chan error, 1)
	go func() { served <- serve() }()
	load.Address = l.Addr().String()
	result, err := putLoad(r, load)
	_ = l.Close()
	if e := <-served; err == nil && e != nil && !errors.Is(e, net.ErrClosed) {
		err = e
	}
	if err != nil {
		return "", err
	}
	r.Metric("rps", float64(result.Answered)/result.Elapsed.Seconds())
	r.Metric("p50_ns", float64(result.P50))
	r.Metric("p99_ns", float64(result.P99))
	return decimal(result.Answered), nil
}

// putLoad runs a load in a process of its own, with the clock of r.
func putLoad(r *bench.Run, l load) (*loadResult, error) {
	c, err := startChild("load", l)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	stop := context.AfterFunc(r.Context, func() { _ = c.cmd.Process.Kill() })
	defer stop()
	var ready string
	if err := c.hear(&ready); err != nil {
		return nil, err
	}
	r.Start()
	if err := c.tell("go"); err != nil {
		return nil, err
	}
	var result loadResult
	err = c.hear(&result)
	r.Stop()
	return &result, err
}

// work is what a request asks of the server besides.
func (e *echoServer) work() {
	if e.stall > 0 && e.count.Inc()%e.stall == 0 {
		time.Sleep(stallTime) // of the thread's or goroutine's: pinwheel is not told
	}
}

var echoBuffers = sync.Pool{New: func() any { return new([echoBuffer]byte) }}

const echoBuffer = 16 << 10

func (e *echoServer) readable(ctx context.Context, l *netpoll.Listener) error {
	return sched.ServeReadable(ctx, l, func(_ *sched.Task, c *netpoll.Conn) error {
		b := echoBuffers.Get().(*[echoBuffer]byte)
		defer echoBuffers.Put(b)
		n, err := c.TryRead(b[:])
		if err != nil {
			return err
		}
		e.work()
		_, err = c.Write(b[:n])
		return err
	})
}

func (e *echoServer) tasks(ctx context.Context, l *netpoll.Listener) error {
	return sched.Serve(ctx, l, func(_ *sched.Task, c *netpoll.Conn) { _ = e.echo(c) })
}

func (e *echoServer) goroutines(l net.Listener) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		conns.Go(func() { _ = e.echo(c) })
	}
}

// echo sends back what comes, until the end.
func (e *echoServer) echo(c net.Conn) error {
	defer c.Close()
	b := make([]byte, min(max(e.load.Size, 512), echoBuffer))
	for {
		n, err := c.Read(b)
		if n > 0 {
			e.work()
			if _, err := c.Write(b[:n]); err != nil {
				return ended(err)
			}
		}
		if err != nil {
			return ended(err)
		}
	}
}

// ended makes the end of a load no error: its process goes away with its connections.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.As(err, new(*net.OpError)) && strings.Contains(fmt.Sprint(err), "reset") {
		return nil
	}
	return err
}

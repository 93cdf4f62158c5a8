package sched_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/netpoll"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// A task for each connection, in blocking style. A call that waits suspends the task.
func ExampleServe() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() {
		served <- sched.Serve(ctx, l, func(t *sched.Task, c *netpoll.Conn) {
			lines := bufio.NewScanner(c.With(t))
			for lines.Scan() {
				fmt.Fprintf(c, "%s!\n", strings.ToUpper(lines.Text()))
			}
		})
	}()
	c, err := sched.Dial(ctx, "tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintln(c, "hello")
	line, err := bufio.NewReader(c).ReadString('\n')
	fmt.Printf("%q %v\n", line, err)
	stop()
	fmt.Println(<-served)
	// Output:
	// "HELLO!\n" <nil>
	// context canceled
}

// To drain a server, close its listener. Serve returns when all handlers have returned; a deadline for reading ends those that
// wait for another request. Where that may take too long, cancel Serve's context, which closes the connections.
func ExampleServe_drain() {
	ctx, abort := context.WithCancel(context.Background())
	defer abort()
	l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	draining, drain := context.WithCancel(context.Background())
	defer drain()
	served := make(chan error)
	go func() {
		served <- sched.Serve(ctx, l, func(t *sched.Task, c *netpoll.Conn) {
			stop := context.AfterFunc(draining, func() { _ = c.SetReadDeadline(time.Now()) })
			defer stop()
			lines := bufio.NewScanner(c)
			for lines.Scan() {
				fmt.Fprintf(c, "%s!\n", strings.ToUpper(lines.Text()))
			}
		})
	}()
	c, err := sched.Dial(ctx, "tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Fprintln(c, "hello")
	line, err := bufio.NewReader(c).ReadString('\n')
	fmt.Printf("%q %v\n", line, err)

	_ = l.Close() // nobody else comes in
	drain()
	defer sched.AfterFunc(ctx, time.Minute, abort).Stop() // patience ends
	fmt.Println(<-served)
	// Output:
	// "HELLO!\n" <nil>
	// <nil>
}

// A handler that is called whenever there is something to read. Between the calls a connection has no stack and no buffer.
func ExampleServeReadable() {
	ctx := context.Background()
	l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() {
		served <- sched.ServeReadable(ctx, l, func(_ *sched.Task, c *netpoll.Conn) error {
			var b [1024]byte
			n, err := c.TryRead(b[:])
			if err != nil {
				return err // io.EOF, when the peer is done
			}
			_, err = c.Write(b[:n])
			return err
		})
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "ping")
	b := make([]byte, 4)
	_, err = io.ReadFull(c, b)
	fmt.Printf("%s %v\n", b, err)
	_ = c.Close()
	_ = l.Close() // what is under way is finished
	fmt.Println(<-served)
	// Output:
	// ping <nil>
	// <nil>
}

// A listener is a net.Listener, and a connection a net.Conn: package net/http works on them unchanged.
func ExampleListen() {
	ctx := context.Background()
	l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "you asked for %s", r.URL.Path)
	})}
	defer server.Close()
	go func() { _ = server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return sched.Dial(ctx, network, address)
		},
	}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://" + l.Addr().String() + "/wheel")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	fmt.Printf("%s %v\n", text, err)
	// Output: you asked for /wheel <nil>
}

// Errors are those of package net.
func ExampleDial() {
	ctx := context.Background()
	l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = l.Close()
	_, err = l.Accept()
	fmt.Println(errors.Is(err, net.ErrClosed))
	var failed *net.OpError
	_, err = sched.Dial(ctx, "tcp", l.Addr().String())
	fmt.Println(errors.As(err, &failed), failed.Op)
	_, err = sched.Dial(ctx, "carrier pigeon", "roof")
	fmt.Println(err)
	// Output:
	// true
	// true dial
	// dial carrier pigeon: unknown network carrier pigeon
}

func ExampleListenPacket() {
	ctx := context.Background()
	a, err := sched.ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	b, err := sched.ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	if _, err := a.WriteTo([]byte("a datagram"), b.LocalAddr()); err != nil {
		fmt.Println(err)
		return
	}
	buf := make([]byte, 100)
	n, from, err := b.ReadFrom(buf)
	fmt.Printf("%s, from a: %t, %v\n", buf[:n], from.String() == a.LocalAddr().String(), err)
	// Output: a datagram, from a: true, <nil>
}

func ExampleOpen() {
	ctx := context.Background()
	name := temporary("one\ntwo\nthree\n")
	defer os.Remove(name)
	f, err := sched.Open(ctx, name)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	b := make([]byte, 3)
	_, err = f.ReadAt(b, 4)
	fmt.Printf("%s %v\n", b, err)
	_, err = sched.Open(ctx, name+" that is not there")
	fmt.Println(errors.Is(err, os.ErrNotExist))
	// Output:
	// two <nil>
	// true
}

func ExampleCreate() {
	ctx := context.Background()
	name := temporary("")
	defer os.Remove(name)
	f, err := sched.Create(ctx, name)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err = f.Write([]byte("safe")); err == nil {
		err = f.Sync()
	}
	fmt.Println(err, f.Close())
	text, err := sched.ReadFile(ctx, name)
	fmt.Printf("%s %v\n", text, err)
	// Output:
	// <nil> <nil>
	// safe <nil>
}

// Many files at once, each read by a task that is suspended while its data comes.
func ExampleReadFile() {
	ctx := context.Background()
	names := []string{temporary("a"), temporary("bb"), temporary("ccc")}
	sizes, err := sched.Map(ctx, names, func(t *sched.Task, name string) (int, error) {
		defer os.Remove(name)
		text, err := sched.ReadFile(t, name)
		return len(text), err
	})
	fmt.Println(sizes, err)
	// Output: [1 2 3] <nil>
}

func ExampleWriteFile() {
	ctx := context.Background()
	name := temporary("old")
	defer os.Remove(name)
	err := sched.WriteFile(ctx, name, []byte("new"), 0o600)
	text, _ := os.ReadFile(name)
	fmt.Printf("%s %v\n", text, err)
	// Output: new <nil>
}

// temporary returns the name of a new file.
func temporary(text string) string {
	f, err := os.CreateTemp("", "pinwheel")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		panic(err)
	}
	return f.Name()
}

package netpoll_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pinwheel-sched/pinwheel/netpoll"
)

// A poller of one's own, for goroutines. Programs use that of a scheduler: see package sched.
func ExampleNew() {
	p, err := netpoll.New(netpoll.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	ctx := context.Background()
	l, err := p.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	c, err := p.Dial(ctx, "tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "there and back")
	_ = c.CloseWrite()
	text, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", text, err)
	// Output: there and back, <nil>
}

// A view of a connection, whose calls end when a context does. The connection stays open.
func ExampleConn_With() {
	p, err := netpoll.New(netpoll.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	l, err := p.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := p.Dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = c.With(ctx).Read(make([]byte, 1)) // nothing comes
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	_, err = c.Write([]byte("x"))
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// Several buffers in one system call.
func ExampleConn_Writev() {
	p, err := netpoll.New(netpoll.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	l, err := p.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		c, err := p.Dial(context.Background(), "tcp", l.Addr().String())
		if err != nil {
			return
		}
		_, _ = c.Writev([]byte("head, "), []byte("body"))
		_ = c.Close()
	}()
	c, err := l.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", text, err)
	// Output: head, body, <nil>
}

// Files without a scheduler.
func ExampleNewDisk() {
	p, err := netpoll.New(netpoll.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	d := netpoll.NewDisk(netpoll.DiskConfig{Poller: p})
	defer d.Close()
	ctx := context.Background()
	name := os.TempDir() + "/" + fmt.Sprint("pinwheel-example-", os.Getpid())
	defer os.Remove(name)
	if err := d.WriteFile(ctx, name, []byte("on disk"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	text, err := d.ReadFile(ctx, name)
	fmt.Printf("%s, %v\n", text, err)
	// Output: on disk, <nil>
}
